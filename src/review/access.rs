//! Who may do what on the pages. Pure: which role an act asks for, and nothing else.

use serde::{Deserialize, Serialize};

/// What somebody may do; each may all that those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works on breaks: comments, assigns, confirms; signs as the one who has prepared the period.
    Preparer,
    /// Decides: approves and rejects what is sent, accepts losses, signs off.
    Reviewer,
    /// Takes decisions back.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Preparer, Self::Reviewer, Self::Admin];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Preparer => "preparer",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }
}

/// What can be done on the pages beside looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Inputs as received may hold what reports mask.
    ReadInputs,
    Comment,
    Assign,
    Confirm,
    /// Says that a period is prepared for review.
    Prepare,
    Approve,
    Reject,
    WriteOff,
    ForceMatch,
    AcceptSuggestion,
    /// Ends a doubt.
    Resolve,
    /// Signs a report off.
    SignOff,
    /// Opens a break or an effect again.
    Reopen,
    /// Takes a signature back.
    Withdraw,
}

impl Act {
    pub const ALL: [Self; 14] = [
        Self::ReadInputs,
        Self::Comment,
        Self::Assign,
        Self::Confirm,
        Self::Prepare,
        Self::Approve,
        Self::Reject,
        Self::WriteOff,
        Self::ForceMatch,
        Self::AcceptSuggestion,
        Self::Resolve,
        Self::SignOff,
        Self::Reopen,
        Self::Withdraw,
    ];

    /// The least role that may.
    pub const fn asks_for(self) -> Role {
        match self {
            Self::ReadInputs | Self::Comment | Self::Assign | Self::Confirm | Self::Prepare => Role::Preparer,
            Self::Approve
            | Self::Reject
            | Self::WriteOff
            | Self::ForceMatch
            | Self::AcceptSuggestion
            | Self::Resolve
            | Self::SignOff => Role::Reviewer,
            Self::Reopen | Self::Withdraw => Role::Admin,
        }
    }
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the journal keeps it beside a decision.
    pub name: String,
    pub role: Role,
}

/// Whoever asks for a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// None: nobody has signed in, and nothing can be done but to look.
    pub person: Option<Person>,
    /// What each form of theirs must bring back.
    pub form_token: Option<String>,
    /// Whether they could sign in with a password.
    pub sign_in: bool,
}

impl Visitor {
    /// Whether they may.
    pub fn may(&self, act: Act) -> bool {
        self.person.as_ref().is_some_and(|person| person.role >= act.asks_for())
    }
}
