//! The list that a run leaves for other periods, as JSON Lines: a line an item.

use serde::{Deserialize, Serialize};

pub use super::carry::LeftOpen;
use super::carry::{CarriedMark, ItemName, OpenItem, Said};

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Open(&'a OpenItem),
    Settled(&'a ItemName),
    Said(&'a Said),
    RanOut(&'a ItemName),
    Carried(&'a CarriedMark),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OwnedLine {
    Open(Box<OpenItem>),
    Settled(ItemName),
    Said(Box<Said>),
    RanOut(ItemName),
    Carried(CarriedMark),
}

impl LeftOpen {
    /// The lines, each ended by a line feed.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        let open = self.items.iter().map(Line::Open);
        let settled = self.settled.iter().map(Line::Settled);
        let rest = self.said.iter().map(Line::Said).chain(self.ran_out.iter().map(Line::RanOut));
        let lines = open.chain(settled).chain(rest).chain(self.carried.iter().map(Line::Carried));
        for line in lines {
            serde_json::to_writer(&mut out, &line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// When a line is none of these.
    pub fn read(lines: impl std::io::BufRead) -> std::io::Result<Self> {
        let mut left = Self::default();
        for line in lines.lines() {
            match serde_json::from_str(&line?)? {
                OwnedLine::Open(item) => left.items.push(*item),
                OwnedLine::Settled(settled) => left.settled.push(settled),
                OwnedLine::Carried(mark) => left.carried.push(mark),
                OwnedLine::Said(said) => left.said.push(*said),
                OwnedLine::RanOut(item) => left.ran_out.push(item),
            }
        }
        Ok(left)
    }
}
