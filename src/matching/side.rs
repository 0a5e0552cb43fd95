//! What one side says about one key: a borrowed view over the packed rows, cheap enough to make for
//! every key, and never kept for a key that agrees.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::breaks::{RowRef, SideFacts};
use crate::frames::rows::{Cell, Chunk, Layout, PackedRow, Part};
use crate::frames::{Field, Frame, Measure, Side};
use crate::shared::Shared;

/// The rows of one frame by number, in the order of file and line: for whoever looks at them again and again.
#[derive(Debug)]
pub struct Columns {
    pub side: Side,
    pub height: usize,
    layout: Arc<Layout>,
    chunks: Vec<Arc<Chunk>>,
    rows: Vec<At>,
}

/// Where a row lies: its chunk, and where it begins there.
#[derive(Debug, Clone, Copy)]
struct At {
    chunk: u32,
    place: (u32, u32),
}

impl Columns {
    /// Shares what `frame` holds.
    ///
    /// # Panics
    /// When rows of the frame were laid aside: whoever asks for columns reads with [`crate::frames::Spread::held`].
    pub fn of(frame: &Frame) -> Self {
        assert!(!frame.rows.is_spilled(), "rows that are looked at by number are held");
        let small = |number: usize| u32::try_from(number).expect("chunks are small, and fewer than 2^32");
        let layout = Arc::clone(frame.rows.layout());
        let mut chunks = Vec::new();
        for part in 0..1 << frame.rows.bits() {
            let held = frame.rows.part(part, frame.rows.bits()).and_then(Part::chunks);
            chunks.extend(held.expect("what is held is not read from a disk"));
        }
        let mut rows: Vec<((u32, u64), At)> = Vec::with_capacity(frame.rows.height());
        for (number, chunk) in chunks.iter().enumerate() {
            for (row, texts) in chunk.places() {
                let at = At { chunk: small(number), place: (small(row), small(texts)) };
                rows.push((chunk.row((row, texts), &layout).place(), at));
            }
        }
        rows.sort_by_key(|(place, _)| *place);
        let rows: Vec<At> = rows.into_iter().map(|(_, at)| at).collect();
        Self { side: frame.side, height: rows.len(), layout, chunks, rows }
    }

    pub fn row(&self, row: u32) -> PackedRow<'_> {
        let At { chunk, place: (row, texts) } = self.rows[row as usize];
        self.chunks[chunk as usize].row((row as usize, texts as usize), &self.layout)
    }

    pub fn text(&self, field: Field, row: u32) -> Option<&str> {
        self.row(row).text(field)
    }

    pub fn number(&self, field: Field, row: u32) -> Option<i64> {
        self.row(row).number(field)
    }

    /// All rows with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, PackedRow<'_>)> {
        (0..).zip(&self.rows).map(|(number, _)| (number, self.row(number)))
    }

    /// The numbers of the rows that nothing excludes.
    pub fn counted(&self) -> impl Iterator<Item = u32> {
        self.numbered().filter(|(_, row)| row.excluded() == 0).map(|(number, _)| number)
    }

    pub fn place(&self, row: u32) -> RowRef {
        place(self.row(row))
    }

    /// Everything that matching may look at, of one row.
    pub fn view(&self, row: u32) -> RowView<'_> {
        RowView::of(self.row(row), row)
    }
}

fn place(row: PackedRow<'_>) -> RowRef {
    let (file, line) = row.place();
    RowRef { file, line }
}

/// One row, while its key is being folded.
#[derive(Debug, Clone, Copy)]
pub struct RowView<'a> {
    /// Rows of one side that say the same are told apart by it, in the order of reading.
    pub row: u32,
    pub place: RowRef,
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
    /// A notification's time is when we received it: a repeat of the same news comes later.
    pub occurred_at: Option<i64>,
    pub disposition: Disposition,
}

impl<'a> RowView<'a> {
    /// The row that has this number among those of its side.
    pub fn of(packed: PackedRow<'a>, row: u32) -> Self {
        let mut view = Self::nothing(row);
        view.fill(packed);
        view
    }

    /// The same at the end of a list, where it is put together: a row is too large to be carried there.
    pub(super) fn add_to(rows: &mut Vec<Self>, packed: PackedRow<'a>, row: u32) {
        rows.push(Self::nothing(row));
        if let Some(view) = rows.last_mut() {
            view.fill(packed);
        }
    }

    #[inline]
    fn fill(&mut self, packed: PackedRow<'a>) {
        let (file, line) = packed.tell(|field, cell| match cell {
            Cell::Text(text) => self.set(field, text),
            Cell::Number(number) => match field {
                Field::Amount => self.values[Measure::TransactionAmount as usize] = Some(number),
                Field::IssuerCommission => self.values[Measure::IssuerCommission as usize] = Some(number),
                Field::UserReward => self.values[Measure::UserReward as usize] = Some(number),
                Field::SettledAt => self.settled_at = Some(number),
                Field::OccurredAt => self.occurred_at = Some(number),
                _ => {}
            },
        });
        self.place = RowRef { file, line };
    }

    const fn nothing(row: u32) -> Self {
        Self {
            row,
            place: RowRef { file: 0, line: 0 },
            values: [None; 3],
            currency: "",
            status: None,
            user: None,
            merchant: None,
            card_first_six: None,
            card_last_four: None,
            payment_status: None,
            reason: None,
            account: None,
            valid_from: None,
            valid_to: None,
            transaction_id: None,
            event_id: None,
            settled_at: None,
            occurred_at: None,
            disposition: Disposition::Counted,
        }
    }

    /// What it says of a field that sides are compared by.
    pub fn text(&self, field: Field) -> Option<&'a str> {
        match field {
            Field::User => self.user,
            Field::Merchant => self.merchant,
            Field::CardFirstSix => self.card_first_six,
            Field::CardLastFour => self.card_last_four,
            Field::PaymentStatus => self.payment_status,
            Field::Currency => Some(self.currency),
            Field::Status => self.status,
            Field::Reason => self.reason,
            Field::Account => self.account,
            Field::ValidFrom => self.valid_from,
            Field::ValidTo => self.valid_to,
            _ => None,
        }
    }

    const fn set(&mut self, field: Field, text: &'a str) {
        let place = match field {
            Field::Currency => {
                self.currency = text;
                return;
            }
            Field::Status => &mut self.status,
            Field::User => &mut self.user,
            Field::Merchant => &mut self.merchant,
            Field::CardFirstSix => &mut self.card_first_six,
            Field::CardLastFour => &mut self.card_last_four,
            Field::PaymentStatus => &mut self.payment_status,
            Field::Reason => &mut self.reason,
            Field::Account => &mut self.account,
            Field::ValidFrom => &mut self.valid_from,
            Field::ValidTo => &mut self.valid_to,
            Field::TransactionId => &mut self.transaction_id,
            Field::EventId => &mut self.event_id,
            _ => return,
        };
        *place = Some(text);
    }
}

/// The only row of its side, which stands for its key as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Only<'r, 'a>(pub(super) &'r RowView<'a>);

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
        if field == Field::Status { self.status } else { self.row.text(field) }
    }
}

/// One side of one key that has to be looked at, owned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySide {
    pub facts: Shared<SideFacts>,
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
