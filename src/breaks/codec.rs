//! What sides say of a key, and the parts it is made of, as few bytes: numbers of as many as they need, texts with their
//! length, and what the side before says too not once more.

use chrono::{DateTime, Utc};

use super::{RowRef, SideFacts};

/// Texts of a side.
const TEXTS: usize = 11;

/// The bit of the time behind those of amounts and texts.
const TIME: u64 = 1 << (3 + TEXTS);

/// The first bit of the texts that the side before says too.
const SAME: usize = 3 + TEXTS + 1;

/// Seven bits a byte, the lowest first; the eighth says that more follow.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(lowest(number) | 0x80);
        number >>= 7;
    }
    out.push(lowest(number));
}

fn lowest(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

/// Small ones of either sign take few bytes.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_time(out: &mut Vec<u8>, time: DateTime<Utc>) {
    put_signed(out, time.timestamp());
    put_number(out, time.timestamp_subsec_nanos().into());
}

/// `before`: the side that was put before it, if any.
pub(super) fn put_side(out: &mut Vec<u8>, side: &SideFacts, before: Option<&SideFacts>) {
    let amounts = [side.amount_minor, side.issuer_commission_minor, side.user_reward_minor];
    let (texts, known) = (texts(side), before.map(texts).unwrap_or_default());
    let mut bits = 0;
    for (place, _) in amounts.iter().enumerate().filter(|(_, minor)| minor.is_some()) {
        bits |= 1 << place;
    }
    for (place, text) in texts.iter().enumerate().filter(|(_, text)| text.is_some()) {
        bits |= 1 << if *text == known[place] { SAME + place } else { 3 + place };
    }
    if side.occurred_at.is_some() {
        bits |= TIME;
    }
    put_number(out, bits);
    amounts.into_iter().flatten().for_each(|minor| put_signed(out, minor));
    for (text, known) in texts.into_iter().zip(known) {
        if let Some(text) = text.filter(|text| known != Some(*text)) {
            put_text(out, text);
        }
    }
    if let Some(at) = side.occurred_at {
        put_time(out, at);
    }
    put_number(out, side.rows.len() as u64);
    for row in &side.rows {
        put_number(out, row.file.into());
        put_number(out, row.line);
    }
}

fn texts(side: &SideFacts) -> [Option<&str>; TEXTS] {
    [
        &side.currency,
        &side.status,
        &side.user,
        &side.merchant,
        &side.card_first_six,
        &side.card_last_four,
        &side.payment_status,
        &side.reason,
        &side.account,
        &side.valid_from,
        &side.valid_to,
    ]
    .map(Option::as_deref)
}

/// Reads back what was put, in the same order.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, bytes: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(super) fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    pub(super) fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    fn length(&mut self) -> usize {
        usize::try_from(self.number()).expect("a length in memory")
    }

    /// Past a text.
    pub(super) fn pass(&mut self) {
        let length = self.length();
        self.take(length);
    }

    pub(super) fn text(&mut self) -> &'b str {
        let length = self.length();
        str::from_utf8(self.take(length)).expect("a text was put here")
    }

    pub(super) fn time(&mut self) -> DateTime<Utc> {
        let (seconds, nanos) = (self.signed(), self.number());
        let nanos = u32::try_from(nanos).expect("a time was put here");
        DateTime::from_timestamp(seconds, nanos).expect("a time was put here")
    }

    /// `before`: the side that was read before it, if any.
    pub(super) fn side(&mut self, before: Option<&SideFacts>) -> SideFacts {
        let bits = self.number();
        let has = |place: usize| bits & (1 << place) != 0;
        let mut amount = |place| has(place).then(|| self.signed());
        let (amount_minor, issuer_commission_minor, user_reward_minor) = (amount(0), amount(1), amount(2));
        let known = before.map(texts).unwrap_or_default();
        let mut text = |place: usize| {
            if has(SAME + place) {
                return known[place].map(str::to_owned);
            }
            has(3 + place).then(|| self.text().to_owned())
        };
        let mut facts = SideFacts {
            amount_minor,
            issuer_commission_minor,
            user_reward_minor,
            currency: text(0),
            status: text(1),
            user: text(2),
            merchant: text(3),
            card_first_six: text(4),
            card_last_four: text(5),
            payment_status: text(6),
            reason: text(7),
            account: text(8),
            valid_from: text(9),
            valid_to: text(10),
            occurred_at: None,
            rows: Vec::new(),
        };
        facts.occurred_at = (bits & TIME != 0).then(|| self.time());
        facts.rows = (0..self.length()).map(|_| self.row()).collect();
        facts
    }

    fn row(&mut self) -> RowRef {
        let (file, line) = (self.number(), self.number());
        RowRef { file: u32::try_from(file).expect("a file's number was put here"), line }
    }
}
