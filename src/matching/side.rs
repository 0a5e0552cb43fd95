//! What one side says about one key: a borrowed view over the columns, cheap enough to make for
//! every key, and never kept for a key that agrees.

use polars::prelude::{DataFrame, Int64Chunked, StringChunked, UInt32Chunked, UInt64Chunked};
use serde::{Deserialize, Serialize};

use crate::breaks::{RowRef, SideFacts};
use crate::frames::schema::{EXCLUDED, FILE, LINE};
use crate::frames::{Field, Frame, Measure, Side};

/// The columns of one frame, looked up once.
#[derive(Debug)]
pub struct Columns {
    pub side: Side,
    pub height: usize,
    text: [Option<StringChunked>; Field::ALL.len()],
    numbers: [Option<Int64Chunked>; Field::ALL.len()],
    pub excluded: UInt32Chunked,
    file: UInt32Chunked,
    line: UInt64Chunked,
}

impl Columns {
    /// Borrows what `frame` holds (columns are reference counted).
    ///
    /// # Panics
    /// When the frame is not of the shape that [`Frame`] promises.
    pub fn of(frame: &Frame) -> Self {
        let mut rows = frame.rows.clone();
        rows.rechunk_mut();
        Self {
            side: frame.side,
            height: rows.height(),
            text: Field::ALL.map(|field| text_column(&rows, field)),
            numbers: Field::ALL.map(|field| number_column(&rows, field)),
            excluded: rows
                .column(EXCLUDED)
                .and_then(|c| c.u32().cloned())
                .expect("every frame has the exclusion column"),
            file: rows.column(FILE).and_then(|c| c.u32().cloned()).expect("every frame has the file column"),
            line: rows.column(LINE).and_then(|c| c.u64().cloned()).expect("every frame has the line column"),
        }
    }

    pub fn text(&self, field: Field, row: u32) -> Option<&str> {
        self.text[field as usize].as_ref()?.get(row as usize)
    }

    pub fn number(&self, field: Field, row: u32) -> Option<i64> {
        self.numbers[field as usize].as_ref()?.get(row as usize)
    }

    pub fn text_column(&self, field: Field) -> Option<&StringChunked> {
        self.text[field as usize].as_ref()
    }

    pub fn place(&self, row: u32) -> RowRef {
        RowRef {
            file: self.file.get(row as usize).unwrap_or_default(),
            line: self.line.get(row as usize).unwrap_or_default(),
        }
    }

    /// Everything that matching may look at, of one row.
    pub fn view(&self, row: u32) -> RowView<'_> {
        RowView {
            row,
            values: Measure::ALL.map(|measure| self.number(measure.field(), row)),
            currency: self.text(Field::Currency, row).unwrap_or_default(),
            status: self.text(Field::Status, row),
            user: self.text(Field::User, row),
            merchant: self.text(Field::Merchant, row),
            card_first_six: self.text(Field::CardFirstSix, row),
            card_last_four: self.text(Field::CardLastFour, row),
            payment_status: self.text(Field::PaymentStatus, row),
            reason: self.text(Field::Reason, row),
            account: self.text(Field::Account, row),
            valid_from: self.text(Field::ValidFrom, row),
            valid_to: self.text(Field::ValidTo, row),
            transaction_id: self.text(Field::TransactionId, row),
            event_id: self.text(Field::EventId, row),
            settled_at: self.number(Field::SettledAt, row),
            // A notification's time is when we received it: a repeat of the same news comes later.
            occurred_at: self.number(Field::OccurredAt, row),
            disposition: Disposition::Counted,
        }
    }
}

fn text_column(rows: &DataFrame, field: Field) -> Option<StringChunked> {
    rows.column(field.name()).ok()?.str().ok().cloned()
}

fn number_column(rows: &DataFrame, field: Field) -> Option<Int64Chunked> {
    rows.column(field.name()).ok()?.i64().ok().cloned()
}

/// One row, while its key is being folded.
#[derive(Debug, Clone, Copy)]
pub struct RowView<'a> {
    pub row: u32,
    /// In the order of [`Measure::ALL`].
    pub values: [Option<i64>; 3],
    pub currency: &'a str,
    pub status: Option<&'a str>,
    pub user: Option<&'a str>,
    pub merchant: Option<&'a str>,
    pub card_first_six: Option<&'a str>,
    pub card_last_four: Option<&'a str>,
    pub payment_status: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub account: Option<&'a str>,
    /// `YYYY-MM-DD`, as [`Self::valid_to`].
    pub valid_from: Option<&'a str>,
    pub valid_to: Option<&'a str>,
    /// Where another field is the key, it is the row's own.
    pub transaction_id: Option<&'a str>,
    pub event_id: Option<&'a str>,
    pub settled_at: Option<i64>,
    pub occurred_at: Option<i64>,
    pub disposition: Disposition,
}

/// What a row contributes to the value of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Part of the value that is compared.
    Counted,
    /// Says the same as another row.
    Duplicate,
    /// An authorisation that was settled since.
    Superseded,
    /// Declined or reversed, or cancelled by such a row.
    Voided,
    /// Contradicts the row that stands for its key.
    Conflicting,
    /// A notice that moves no money (failed transaction, clawback notice).
    Notice,
}

impl Disposition {
    /// The statement's words for rows set aside within their key.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Duplicate => "duplicate rows",
            Self::Superseded => "authorisations that have settled since",
            Self::Voided => "declined or reversed, so that no money moved",
            Self::Conflicting => "conflicting rows",
            Self::Notice => "notices",
        }
    }
}

/// What folding found out about one side of one key, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags(u16);

impl Flags {
    pub const NONE: Self = Self(0);
    pub const DUPLICATE: Self = Self(1);
    pub const CONFLICT: Self = Self(1 << 1);
    pub const SPLIT_INCOMPLETE: Self = Self(1 << 2);
    pub const SPLIT_EXCESS: Self = Self(1 << 3);
    pub const RETURNS_EXCEED: Self = Self(1 << 4);
    /// Declined, or reversed before settling: nothing is left to compare.
    pub const VOIDED: Self = Self(1 << 5);
    /// Only a failed-transaction notice.
    pub const FAILED: Self = Self(1 << 6);
    pub const CLAWBACK: Self = Self(1 << 7);
    /// Some of it came back.
    pub const HAS_RETURN: Self = Self(1 << 8);
    /// All of it came back.
    pub const FULLY_RETURNED: Self = Self(1 << 9);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One side of one key after folding, borrowed from the columns.
#[derive(Debug, Clone, Copy)]
pub struct SideView<'a> {
    /// Sums of the counted rows; none where no row states the measure.
    pub values: [Option<i64>; 3],
    /// Settled minus authorised, where both are known and differ.
    pub split_gap_minor: i64,
    pub flags: Flags,
    /// The row that stands for the key: its texts and its time.
    pub row: RowView<'a>,
    /// The status of the whole, which may be another than the row's.
    pub status: Option<&'a str>,
}

impl<'a> SideView<'a> {
    pub fn amount(&self) -> Option<i64> {
        self.values[Measure::TransactionAmount as usize]
    }

    pub fn user_reward(&self) -> Option<i64> {
        self.values[Measure::UserReward as usize]
    }

    pub fn text(&self, field: Field) -> Option<&'a str> {
        match field {
            Field::User => self.row.user,
            Field::Merchant => self.row.merchant,
            Field::CardFirstSix => self.row.card_first_six,
            Field::CardLastFour => self.row.card_last_four,
            Field::PaymentStatus => self.row.payment_status,
            Field::Currency => Some(self.row.currency),
            Field::Status => self.status,
            Field::Reason => self.row.reason,
            Field::Account => self.row.account,
            Field::ValidFrom => self.row.valid_from,
            Field::ValidTo => self.row.valid_to,
            _ => None,
        }
    }
}

/// One side of one key that has to be looked at, owned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySide {
    pub facts: SideFacts,
    pub flags: Flags,
    pub split_gap_minor: i64,
    /// Rows that are copies: their amount is at risk, apart from the key's other rows.
    pub duplicate_rows: u64,
    pub duplicate_amount_minor: i64,
}

impl KeySide {
    pub fn values(&self) -> [Option<i64>; 3] {
        [self.facts.amount_minor, self.facts.issuer_commission_minor, self.facts.user_reward_minor]
    }

    pub fn currency(&self) -> &str {
        self.facts.currency.as_deref().unwrap_or_default()
    }

    pub fn text(&self, field: Field) -> Option<&str> {
        let facts = &self.facts;
        match field {
            Field::User => facts.user.as_deref(),
            Field::Merchant => facts.merchant.as_deref(),
            Field::CardFirstSix => facts.card_first_six.as_deref(),
            Field::CardLastFour => facts.card_last_four.as_deref(),
            Field::PaymentStatus => facts.payment_status.as_deref(),
            Field::Currency => facts.currency.as_deref(),
            Field::Status => facts.status.as_deref(),
            Field::Reason => facts.reason.as_deref(),
            Field::Account => facts.account.as_deref(),
            Field::ValidFrom => facts.valid_from.as_deref(),
            Field::ValidTo => facts.valid_to.as_deref(),
            _ => None,
        }
    }
}
