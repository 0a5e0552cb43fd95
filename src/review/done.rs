//! What a post has come to, as the page tells it to which it leads.

/// What was done, as the page says it to which a post leads: `?done=WORD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Commented,
    Assigned,
    Confirmed,
    WrittenOff,
    ForceMatched,
    Accepted,
    Reopened,
    Approved,
    Rejected,
    Resolved,
    Prepared,
    SignedOff,
    Withdrawn,
}

impl Done {
    pub const ALL: [Self; 13] = [
        Self::Commented,
        Self::Assigned,
        Self::Confirmed,
        Self::WrittenOff,
        Self::ForceMatched,
        Self::Accepted,
        Self::Reopened,
        Self::Approved,
        Self::Rejected,
        Self::Resolved,
        Self::Prepared,
        Self::SignedOff,
        Self::Withdrawn,
    ];

    /// The word in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commented => "commented",
            Self::Assigned => "assigned",
            Self::Confirmed => "confirmed",
            Self::WrittenOff => "written_off",
            Self::ForceMatched => "force_matched",
            Self::Accepted => "accepted",
            Self::Reopened => "reopened",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Resolved => "resolved",
            Self::Prepared => "prepared",
            Self::SignedOff => "signed_off",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What a page says of it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Commented => "The comment is kept.",
            Self::Assigned => "It is assigned.",
            Self::Confirmed => "It is confirmed.",
            Self::WrittenOff => "It is written off.",
            Self::ForceMatched => "It is matched by hand.",
            Self::Accepted => "The suggestion is accepted.",
            Self::Reopened => "It is open again.",
            Self::Approved => "Approved: the next run of the job for the period sends it.",
            Self::Rejected => "Refused: it is not sent.",
            Self::Resolved => "The doubt is over.",
            Self::Prepared => "The report is prepared.",
            Self::SignedOff => "The report is signed off.",
            Self::Withdrawn => "The signatures are withdrawn.",
        }
    }

    /// The one of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.name() == name)
    }
}
