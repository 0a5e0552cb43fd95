//! What can happen to one purchase: the rows that each side then holds, and what must be found.

mod multiplicity;
mod presence;
mod quiet;
mod reversals;
mod values;

use super::rows::{FileRow, LedgerRow, Notice, NoticeKind};
use super::world::Purchase;

/// Something that a run must find, or show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) key: String,
    pub(crate) what: What,
    /// What happened, in one plain sentence.
    pub(crate) why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A break of this kind, about this measure, by tieout's names for them.
    Break(&'static str, &'static str),
    /// The same, of a purchase of the day before whose counterpart was due by now: not found by this day alone.
    CarriedBreak(&'static str, &'static str),
    Expected,
    Suggested,
    Excluded,
    Quarantined,
}

impl What {
    /// Kind and measure of a break.
    pub(crate) const fn found(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Break(kind, measure) | Self::CarriedBreak(kind, measure) => Some((kind, measure)),
            Self::Expected | Self::Suggested | Self::Excluded | Self::Quarantined => None,
        }
    }
}

/// The rows of one purchase on the three sides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) file: Vec<FileRow>,
    pub(crate) ledger: Vec<LedgerRow>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Story {
    /// All sides say the same.
    fn agreed(purchase: &Purchase) -> Self {
        Self {
            file: vec![purchase.file_row()],
            ledger: vec![purchase.ledger_row()],
            notices: vec![purchase.notice(NoticeKind::Settled, 0)],
            outcomes: Vec::new(),
        }
    }

    fn of_ledger(row: LedgerRow) -> Self {
        Self { ledger: vec![row], ..Self::default() }
    }

    fn and(mut self, key: &str, what: What, why: impl Into<String>) -> Self {
        self.outcomes.push(Outcome { key: key.to_owned(), what, why: why.into() });
        self
    }

    fn breaks(self, purchase: &Purchase, kind: &'static str, why: impl Into<String>) -> Self {
        self.and(&purchase.key, What::Break(kind, usual_measure(kind)), why)
    }

    /// The break told last is about another measure than its kind usually is.
    fn about(mut self, measure: &'static str) -> Self {
        if let Some(Outcome { what: What::Break(_, about), .. }) = self.outcomes.last_mut() {
            *about = measure;
        }
        self
    }

    fn without_file(mut self) -> Self {
        self.file.clear();
        self
    }

    fn without_ledger(mut self) -> Self {
        self.ledger.clear();
        self
    }

    fn without_notices(mut self) -> Self {
        self.notices.clear();
        self
    }
}

/// What the next day's inputs hold of a purchase whose counterpart was not due on its own day.
pub(crate) fn arrives(plot: Plot, purchase: &Purchase) -> Option<Story> {
    match plot {
        Plot::LateInFile => Some(quiet::arrives_in_file(purchase)),
        Plot::LateInLedger => Some(quiet::arrives_in_ledger(purchase)),
        Plot::LateOnFileOnly => Some(presence::never_arrives(purchase)),
        _ => None,
    }
}

macro_rules! plots {
    ($($(#[$doc:meta])* $plot:ident = $told:path;)*) => {
        /// The stories by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Plot {
            $($(#[$doc])* $plot,)*
        }

        /// The rows and outcomes of `purchase` when `plot` happens to it.
        pub(crate) fn tell(plot: Plot, purchase: &Purchase) -> Story {
            match plot { $(Plot::$plot => $told(purchase),)* }
        }
    };
}

plots! {
    Agreed = Story::agreed;
    AgreedAndPaid = quiet::agreed_and_paid;
    AgreedWithAuthorization = quiet::agreed_with_authorization;
    AgreedWithApproval = quiet::agreed_with_approval;
    AgreedInParts = multiplicity::agreed_in_parts;

    MissingInFile = presence::missing_in_file;
    MissingInLedger = presence::missing_in_ledger;
    MissingWebhook = presence::missing_webhook;
    FileOnly = presence::file_only;
    WebhookOnly = presence::webhook_only;
    RewardMissing = presence::reward_missing;

    AmountDiffers = values::amount_differs;
    CashbackDiffers = values::cashback_differs;
    CommissionDiffers = values::commission_differs;
    CurrencyDiffers = values::currency_differs;
    StatusDiffers = values::status_differs;
    UserDiffers = values::user_differs;
    CardDiffers = values::card_differs;
    BookedDaysEarlier = values::booked_days_earlier;

    LedgerRowTwice = multiplicity::ledger_row_twice;
    NoticeTwice = multiplicity::notice_twice;
    LedgerContradictsItself = multiplicity::ledger_contradicts_itself;
    FileContradictsItself = multiplicity::file_contradicts_itself;
    /// Three keys.
    TwoCandidates = multiplicity::two_candidates;
    PartNotYetSettled = multiplicity::part_not_yet_settled;
    PartsExceedAuthorization = multiplicity::parts_exceed_authorization;
    TipOnTop = multiplicity::tip_on_top;

    ReturnedTooMuch = reversals::returned_too_much;
    ClawbackUnbooked = reversals::clawback_unbooked;
    ReturnedAfterPayout = reversals::returned_after_payout;
    ReversedAfterPayout = reversals::reversed_after_payout;

    /// The file has it; the rest never comes. Needs a time in the grace.
    LateOnFileOnly = quiet::late_on_file_only;
    /// The file of tomorrow has it. Needs a time in the grace.
    LateInFile = quiet::late_in_file;
    /// The ledger of tomorrow has it. Needs a time in the grace.
    LateInLedger = quiet::late_in_ledger;
    FailedValidation = quiet::failed_validation;
    OtherKeyInFile = quiet::other_key_in_file;
    NothingDue = quiet::nothing_due;
    Declined = quiet::declined;
    Voided = quiet::voided;
    OtherDay = quiet::other_day;
    NotifiedTwice = quiet::notified_twice;
    AuditNotice = quiet::audit_notice;
    UploadNotice = quiet::upload_notice;
    GroupedAmount = quiet::grouped_amount;
    ForgedNotice = quiet::forged_notice;
}

impl Plot {
    /// Every plot that ends in breaks.
    pub(crate) const BREAKING: &[Self] = &[
        Self::MissingInFile,
        Self::MissingInLedger,
        Self::MissingWebhook,
        Self::FileOnly,
        Self::WebhookOnly,
        Self::RewardMissing,
        Self::AmountDiffers,
        Self::CashbackDiffers,
        Self::CommissionDiffers,
        Self::CurrencyDiffers,
        Self::StatusDiffers,
        Self::UserDiffers,
        Self::CardDiffers,
        Self::BookedDaysEarlier,
        Self::LedgerRowTwice,
        Self::NoticeTwice,
        Self::LedgerContradictsItself,
        Self::FileContradictsItself,
        Self::TwoCandidates,
        Self::PartNotYetSettled,
        Self::PartsExceedAuthorization,
        Self::TipOnTop,
        Self::ReturnedTooMuch,
        Self::ClawbackUnbooked,
        Self::ReturnedAfterPayout,
        Self::ReversedAfterPayout,
    ];

    /// Needs a purchase in the last hours of the day, so that its counterpart is not due yet.
    pub(crate) const fn in_grace(self) -> bool {
        matches!(self, Self::LateOnFileOnly | Self::LateInFile | Self::LateInLedger)
    }
}

/// The measure of a break's amounts: the transaction's where a side states one, or what was earned on it.
fn usual_measure(kind: &str) -> &'static str {
    match kind {
        "webhook_only" | "reward_missing" | "reward_mismatch" | "clawback_unbooked" => "user_reward",
        // What the provider will ask back.
        "reversed_after_payout" => "issuer_commission",
        _ => "transaction_amount",
    }
}
