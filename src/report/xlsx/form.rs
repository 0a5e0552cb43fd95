//! What a reviewer fills in on the sheets: which columns there are, and the closed set of words for a decision. The
//! workbook is written with these, and `review::import` reads it with the same.

use crate::report::facts::Facts;

/// The version of the form; a reader refuses any other.
pub const SCHEMA: &str = "tieout.workbook/1";

/// The hidden sheet that says which run a workbook belongs to.
pub const MARK_SHEET: &str = "tieout";

/// The heads of the columns that a reviewer fills in.
pub const DECISION: &str = "Decision";
pub const COMMENT: &str = "Comment";
pub const ASSIGN_TO: &str = "Assign to";

/// What stands in the first column of the hidden sheet, the value beside it.
pub mod key {
    pub const SCHEMA: &str = "schema";
    pub const RUN: &str = "run";
    pub const JOB_SHA256: &str = "job_sha256";
    /// The plan's digest; empty for a job without effects.
    pub const PLAN: &str = "plan";
    /// One row for each input: its digest.
    pub const INPUT_SHA256: &str = "input_sha256";
    pub const PROGRAM: &str = "program";
}

/// A list on which decisions are taken; longer ones continue on `Breaks 2` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    Breaks,
    Suggested,
    Effects,
}

impl List {
    pub const ALL: [Self; 3] = [Self::Breaks, Self::Suggested, Self::Effects];

    /// The name of its first sheet.
    pub const fn sheet(self) -> &'static str {
        match self {
            Self::Breaks => "Breaks",
            Self::Suggested => "Suggested",
            Self::Effects => "Effects",
        }
    }

    /// The list that a sheet belongs to, by its name.
    pub fn of_sheet(name: &str) -> Option<Self> {
        let of = |list: &Self| match name.strip_prefix(list.sheet()) {
            Some("") => true,
            Some(rest) => rest.strip_prefix(' ').is_some_and(|number| number.parse::<u32>().is_ok()),
            None => false,
        };
        Self::ALL.into_iter().find(of)
    }

    /// The head of the column that names what a row is about.
    pub const fn id_head(self) -> &'static str {
        match self {
            Self::Breaks => "Break id",
            Self::Suggested => "Suggestion id",
            Self::Effects => "Effect id",
        }
    }

    /// Whether a row can be given to somebody.
    pub const fn can_be_assigned(self) -> bool {
        !matches!(self, Self::Effects)
    }

    /// What can be decided there.
    pub const fn words(self) -> &'static [Word] {
        match self {
            Self::Breaks => &[
                Word::Confirm,
                Word::Assign,
                Word::WriteOff,
                Word::ForceMatch,
                Word::Reopen,
                Word::ApproveAudit,
                Word::RejectAudit,
            ],
            Self::Suggested => &[Word::AcceptSuggestion, Word::Assign],
            Self::Effects => &[Word::Approve, Word::Reject],
        }
    }

    /// What the workbook of a run offers: without effects there are no audits.
    pub fn offered(self, facts: &Facts) -> Vec<Word> {
        let has_audits = facts.effects.is_some() && !facts.is_sending();
        let is_offered = |word: &Word| has_audits || !matches!(word, Word::ApproveAudit | Word::RejectAudit);
        self.words().iter().copied().filter(is_offered).collect()
    }
}

/// A decision, as it is chosen in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    Confirm,
    Assign,
    WriteOff,
    ForceMatch,
    AcceptSuggestion,
    Reopen,
    ApproveAudit,
    RejectAudit,
    Approve,
    Reject,
}

impl Word {
    pub const ALL: [Self; 10] = [
        Self::Confirm,
        Self::Assign,
        Self::WriteOff,
        Self::ForceMatch,
        Self::AcceptSuggestion,
        Self::Reopen,
        Self::ApproveAudit,
        Self::RejectAudit,
        Self::Approve,
        Self::Reject,
    ];

    /// As it stands in the drop-down.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Assign => "assign",
            Self::WriteOff => "write off",
            Self::ForceMatch => "force match",
            Self::AcceptSuggestion => "accept suggestion",
            Self::Reopen => "reopen",
            Self::ApproveAudit => "approve audit",
            Self::RejectAudit => "reject audit",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Confirm => "You have looked at it, and it is a break. The comment is optional.",
            Self::Assign => "It is the work of the person in \"Assign to\". The comment is optional.",
            Self::WriteOff => "The loss is accepted, and the break closed. The comment says why.",
            Self::ForceMatch => "It has its counterpart, and is closed. The comment says which, and how it is known.",
            Self::AcceptSuggestion => "The keys that a weaker rule pairs belong together. The comment says why.",
            Self::Reopen => "What was closed is open again. The comment says why.",
            Self::ApproveAudit => "The audit that is proposed because of the break may be sent to Kard.",
            Self::RejectAudit => "The audit that is proposed because of the break is not sent. The comment says why.",
            Self::Approve => "The effect may be sent to the provider.",
            Self::Reject => "The effect is not sent. The comment says why.",
        }
    }

    /// Whether it is nothing without a reason, which is the comment.
    pub const fn needs_reason(self) -> bool {
        match self {
            Self::WriteOff
            | Self::ForceMatch
            | Self::AcceptSuggestion
            | Self::Reopen
            | Self::RejectAudit
            | Self::Reject => true,
            Self::Confirm | Self::Assign | Self::ApproveAudit | Self::Approve => false,
        }
    }

    /// The word of a cell, whatever its case and however its blanks and lines.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.replace(['_', '-'], " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        Self::ALL.into_iter().find(|word| word.text() == plain)
    }
}
