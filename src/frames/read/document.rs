//! A JSON document cut into values as it streams by: brackets and quotes are followed here, the
//! values themselves are parsed by whoever takes them. Only one value is held at a time.

use std::io::{self, BufRead};

use super::Halted;
use super::open::Stream;

/// Brackets open at once; a deeper document is an attack or an accident.
const MAX_DEPTH: usize = 1 << 20;

#[derive(Debug)]
pub(super) enum ScanError {
    Io(io::Error),
    Syntax { line: u64, reason: String },
    Halted(Halted),
}

impl From<Halted> for ScanError {
    fn from(halted: Halted) -> Self {
        Self::Halted(halted)
    }
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[derive(Debug)]
pub(super) struct Scanner {
    stream: Stream,
    line: u64,
    max_value_bytes: usize,
    value: Vec<u8>,
}

impl Scanner {
    pub(super) fn new(stream: Stream, max_value_bytes: usize) -> Self {
        Self { stream, line: 1, max_value_bytes, value: Vec::new() }
    }

    /// The value that was read last (its beginning, where it was too long).
    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }

    pub(super) fn syntax(&self, reason: impl Into<String>) -> ScanError {
        ScanError::Syntax { line: self.line, reason: reason.into() }
    }

    /// The next byte that is no blank, left where it is; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ScanError> {
        loop {
            let input = self.stream.fill_buf()?;
            if input.is_empty() {
                return Ok(None);
            }
            let blank = input.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            let next = input.get(blank).copied();
            self.line += newlines(&input[..blank]);
            self.stream.consume(blank);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Takes the next byte that is no blank, which must be one of `wanted`.
    pub(super) fn take(&mut self, wanted: &[u8]) -> Result<u8, ScanError> {
        match self.peek()? {
            Some(byte) if wanted.contains(&byte) => {
                self.stream.consume(1);
                Ok(byte)
            }
            found => Err(self.syntax(format!("found {}, expected {}", described(found), choices(wanted)))),
        }
    }

    /// Reads the next value into [`Self::value`]; false when it is longer than may be held.
    pub(super) fn read_value(&mut self) -> Result<bool, ScanError> {
        self.value.clear();
        if self.peek()?.is_none() {
            return Err(self.syntax("the document ends where a value is expected"));
        }
        let mut lexer = Lexer::default();
        let mut fits = true;
        loop {
            let input = self.stream.fill_buf()?;
            if input.is_empty() {
                if lexer.state == State::Scalar {
                    return Ok(fits);
                }
                return Err(self.syntax("the document ends in the middle of a value"));
            }
            let (taken, done) = match lexer.advance(input) {
                Ok(progress) => progress,
                Err(reason) => return Err(self.syntax(reason)),
            };
            self.line += newlines(&input[..taken]);
            let room = self.max_value_bytes.saturating_sub(self.value.len());
            fits &= taken <= room;
            self.value.extend_from_slice(&input[..taken.min(room)]);
            self.stream.consume(taken);
            if done {
                return Ok(fits);
            }
        }
    }
}

fn described(found: Option<u8>) -> String {
    match found {
        Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(byte)),
        Some(byte) => format!("byte 0x{byte:02x}"),
        None => "the end of the file".to_owned(),
    }
}

fn choices(wanted: &[u8]) -> String {
    wanted.iter().map(|byte| format!("`{}`", char::from(*byte))).collect::<Vec<_>>().join(" or ")
}

#[expect(clippy::naive_bytecount, reason = "the compiler vectorises it, and no crate is worth one line")]
fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Finds the end of one value.
#[derive(Debug, Default)]
struct Lexer {
    state: State,
    /// Open brackets.
    open: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the value, or between the parts of a list or an object.
    #[default]
    Between,
    /// A number, `true`, `false` or `null` that is the whole value.
    Scalar,
    Text,
    Escape,
}

impl Lexer {
    /// Bytes that belong to the value, and whether it ends there.
    fn advance(&mut self, input: &[u8]) -> Result<(usize, bool), String> {
        for (index, byte) in input.iter().enumerate() {
            match (self.state, byte) {
                (State::Escape, _) | (State::Between, b'"') => self.state = State::Text,
                (State::Text, b'\\') => self.state = State::Escape,
                (State::Text, b'"') => {
                    if self.open.is_empty() {
                        return Ok((index + 1, true));
                    }
                    self.state = State::Between;
                }
                (State::Scalar, b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') => return Ok((index, true)),
                (State::Text | State::Scalar, _) => {}
                (State::Between, b'{' | b'[') => self.open(*byte)?,
                (State::Between, b'}' | b']') => {
                    self.close(*byte)?;
                    if self.open.is_empty() {
                        return Ok((index + 1, true));
                    }
                }
                (State::Between, _) if !self.open.is_empty() => {}
                (State::Between, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.state = State::Scalar,
                (State::Between, _) => return Err(format!("found {}, expected a value", described(Some(*byte)))),
            }
        }
        Ok((input.len(), false))
    }

    fn open(&mut self, bracket: u8) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<(), String> {
        let expected = match self.open.pop() {
            Some(b'{') => b'}',
            Some(_) => b']',
            None => return Err(format!("found {}, expected a value", described(Some(bracket)))),
        };
        if bracket == expected {
            return Ok(());
        }
        Err(format!("found {}, expected {}", described(Some(bracket)), described(Some(expected))))
    }
}
