//! A bulk file line by line: plain or gzip, in bounded memory. What fits is recognised without building a tree of the
//! line; only a line that does not fit is looked at a second time, to say why.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::schema::{self, Content, Fitting, Item, Mistake, is_date_time, is_digits};
use crate::money;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 256 << 10;
/// A longer line is no transaction.
const LINE_BYTES: usize = 1 << 20;

/// What a line is.
pub(super) enum Line<'l> {
    Fits(Core<'l>),
    /// Why not; and the id of the event, where it can be read.
    Wrong {
        id: Option<String>,
        mistake: Mistake,
    },
}

/// A core transaction that is as published.
#[derive(Debug, Default)]
pub(super) struct Core<'l> {
    pub(super) id: Cow<'l, str>,
    pub(super) transaction: Cow<'l, str>,
    pub(super) user: Cow<'l, str>,
    /// See [`Content`].
    pub(super) content: u64,
    /// Fields that the published schema does not know.
    pub(super) unknown_fields: u64,
}

/// Judges one line, without its line feed.
pub(super) fn judge(line: &[u8]) -> Line<'_> {
    if let Ok(Quick(core)) = serde_json::from_slice(line) {
        return Line::Fits(core);
    }
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            let mistake = (String::new(), format!("Must be one JSON object a line: {error}."));
            return Line::Wrong { id: None, mistake };
        }
    };
    match schema::check(&value, &[Item::Core]) {
        // A name that stands twice, which the quick look does not take.
        Ok(Fitting { id, transaction, user, content }) => {
            let (id, transaction, user) = (id.into(), transaction.into(), user.into());
            Line::Fits(Core { id, transaction, user, content, unknown_fields: 0 })
        }
        Err(mistakes) => {
            let id = value["id"].as_str().map(str::to_owned);
            let mistake = mistakes.into_iter().next().unwrap_or_default();
            Line::Wrong { id, mistake }
        }
    }
}

/// A core transaction, read without a tree; an error means no more than that it must be looked at again.
struct Quick<'l>(Core<'l>);

/// A text that is borrowed from the line where nothing in it is escaped.
struct Text<'l>(Cow<'l, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Look)
    }
}

impl<'de> Deserialize<'de> for Quick<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Quick<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a core transaction")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Quick<'de>, A::Error> {
                event(map).map(Quick)
            }
        }
        deserializer.deserialize_map(Look)
    }
}

/// The attributes' own values; what is required and missing is none.
#[derive(Default)]
struct Attributes<'l> {
    user: Option<Text<'l>>,
    transaction: Option<Text<'l>>,
    amount: Option<i64>,
    currency: Option<Text<'l>>,
    description: Option<Text<'l>>,
    direction: Option<Text<'l>>,
    status: Option<Text<'l>>,
    settled: Option<Text<'l>>,
    authorized: Option<Text<'l>>,
    institution_name: Option<Text<'l>>,
    institution: Option<Text<'l>>,
    last_fours: Option<Vec<Text<'l>>>,
    unknown_fields: u64,
}

impl<'de> Deserialize<'de> for Attributes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the attributes of a core transaction")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Attributes<'de>, A::Error> {
                attributes(map)
            }
        }
        deserializer.deserialize_map(Look)
    }
}

fn event<'de, A: MapAccess<'de>>(mut map: A) -> Result<Core<'de>, A::Error> {
    let (mut kind, mut id, mut attributes): (Option<Text<'_>>, Option<Text<'_>>, Option<Attributes<'_>>) =
        (None, None, None);
    let mut unknown_fields = 0;
    while let Some(Text(name)) = map.next_key()? {
        match &*name {
            "type" => put(&mut kind, &mut map)?,
            "id" => put(&mut id, &mut map)?,
            "attributes" => put(&mut attributes, &mut map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
                unknown_fields += 1;
            }
        }
    }
    let look_again = || de::Error::custom("look again");
    let (Some(Text(kind)), Some(Text(id)), Some(attributes)) = (kind, id, attributes) else {
        return Err(look_again());
    };
    if kind != Item::Core.name() || id.is_empty() {
        return Err(look_again());
    }
    unknown_fields += attributes.unknown_fields;
    let content = attributes.content().ok_or_else(look_again)?;
    let text = |text: Option<Text<'de>>| text.map(|Text(text)| text).unwrap_or_default();
    let (user, transaction) = (text(attributes.user), text(attributes.transaction));
    Ok(Core { id, transaction, user, content, unknown_fields })
}

fn attributes<'de, A: MapAccess<'de>>(mut map: A) -> Result<Attributes<'de>, A::Error> {
    let mut found = Attributes::default();
    while let Some(Text(name)) = map.next_key()? {
        match &*name {
            "userId" => put(&mut found.user, &mut map)?,
            "transactionId" => put(&mut found.transaction, &mut map)?,
            "amount" => put(&mut found.amount, &mut map)?,
            "currency" => put(&mut found.currency, &mut map)?,
            "description" => put(&mut found.description, &mut map)?,
            "direction" => put(&mut found.direction, &mut map)?,
            "status" => put(&mut found.status, &mut map)?,
            "settledDate" => put(&mut found.settled, &mut map)?,
            "authorizationDate" => put(&mut found.authorized, &mut map)?,
            "financialInstitutionName" => put(&mut found.institution_name, &mut map)?,
            "financialInstitutionId" => put(&mut found.institution, &mut map)?,
            "cardLastFours" => put(&mut found.last_fours, &mut map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
                found.unknown_fields += 1;
            }
        }
    }
    Ok(found)
}

/// Reads a value whose name has not come before.
fn put<'de, A: MapAccess<'de>, T: Deserialize<'de>>(place: &mut Option<T>, map: &mut A) -> Result<(), A::Error> {
    match place.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(de::Error::custom("a name stands twice")),
    }
}

impl Attributes<'_> {
    /// What they say, if they are as published. In the order of the table in `schema`.
    fn content(&self) -> Option<u64> {
        let mut content = Content::default();
        let any = |_: &str| true;
        let filled = |text: &str| !text.is_empty();
        say(&mut content, "userId", self.user.as_ref(), filled)?;
        say(&mut content, "transactionId", self.transaction.as_ref(), filled)?;
        content.integer("amount", self.amount?);
        say(&mut content, "currency", self.currency.as_ref(), |code| money::exponent(code).is_some())?;
        say(&mut content, "description", self.description.as_ref(), any)?;
        say(&mut content, "direction", self.direction.as_ref(), |word| matches!(word, "DEBIT" | "CREDIT"))?;
        say(&mut content, "status", self.status.as_ref(), |word| word == "SETTLED")?;
        say(&mut content, "settledDate", self.settled.as_ref(), is_date_time)?;
        say(&mut content, "authorizationDate", self.authorized.as_ref(), is_date_time)?;
        if self.institution_name.is_some() {
            say(&mut content, "financialInstitutionName", self.institution_name.as_ref(), any)?;
        }
        if self.institution.is_some() {
            say(&mut content, "financialInstitutionId", self.institution.as_ref(), any)?;
        }
        for Text(digits) in self.last_fours.iter().flatten() {
            content.text("cardLastFours", digits);
            if !is_digits(digits, 4) {
                return None;
            }
        }
        Some(content.finish())
    }
}

/// A required text: none where it is missing or not good.
fn say(content: &mut Content, name: &str, value: Option<&Text<'_>>, good: impl Fn(&str) -> bool) -> Option<()> {
    let Text(value) = value?;
    content.text(name, value);
    good(value).then_some(())
}

/// The lines of an object, and what was learned of it on the way.
pub(super) struct Lines<R> {
    bytes: BufReader<Unfolded<R>>,
    line: Vec<u8>,
}

/// One line as it was read.
pub(super) enum Piece<'l> {
    Line(&'l [u8]),
    /// It was left unread past [`LINE_BYTES`].
    TooLong,
}

impl<R: BufRead> Lines<R> {
    /// Looks at the first bytes: gzip or plain.
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let gzip = inner.fill_buf()?.starts_with(&GZIP_MAGIC);
        let unfolded = if gzip {
            Unfolded::Gzip { decoder: Some(Box::new(GzDecoder::new(inner))), members: 1 }
        } else {
            Unfolded::Plain(inner)
        };
        Ok(Self { bytes: BufReader::with_capacity(BUFFER_BYTES, unfolded), line: Vec::new() })
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let buffer = self.bytes.fill_buf()?;
            if buffer.is_empty() {
                let nothing = self.line.is_empty() && !too_long;
                return Ok(if nothing { None } else { Some(self.given(too_long)) });
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = &buffer[..end.unwrap_or(buffer.len())];
            too_long |= self.line.len() + taken.len() > LINE_BYTES;
            if !too_long {
                self.line.extend_from_slice(taken);
            }
            let used = taken.len() + usize::from(end.is_some());
            self.bytes.consume(used);
            if end.is_some() {
                return Ok(Some(self.given(too_long)));
            }
        }
    }

    fn given(&self, too_long: bool) -> Piece<'_> {
        if too_long { Piece::TooLong } else { Piece::Line(&self.line) }
    }

    /// How many gzip members it had so far; 0 for plain text.
    pub(super) fn members(&self) -> u32 {
        match self.bytes.get_ref() {
            Unfolded::Plain(_) => 0,
            Unfolded::Gzip { members, .. } => *members,
        }
    }
}

/// The text of an object, every gzip member of it.
enum Unfolded<R> {
    Plain(R),
    /// The decoder is none past the last member.
    Gzip {
        decoder: Option<Box<GzDecoder<R>>>,
        members: u32,
    },
}

impl<R: BufRead> Read for Unfolded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (decoder, members) = match self {
            Self::Plain(inner) => return inner.read(buffer),
            Self::Gzip { decoder, members } => (decoder, members),
        };
        while let Some(member) = decoder {
            let length = member.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            // What follows a member is the next one, or a mistake that its header shows.
            let mut rest = decoder.take().map(|member| member.into_inner());
            if let Some(mut inner) = rest.take()
                && !inner.fill_buf()?.is_empty()
            {
                *decoder = Some(Box::new(GzDecoder::new(inner)));
                *members += 1;
            }
        }
        Ok(0)
    }
}
