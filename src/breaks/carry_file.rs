//! The list that a run leaves for other periods, as JSON Lines: a line an item.

use serde::{Deserialize, Serialize};

use super::carry::{CarriedMark, OpenItem, Settled};

/// What one run leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOpen {
    pub items: Vec<OpenItem>,
    pub settled: Vec<Settled>,
    /// What it took in and could not settle.
    pub carried: Vec<CarriedMark>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Open(&'a OpenItem),
    Settled(&'a Settled),
    Carried(&'a CarriedMark),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OwnedLine {
    Open(Box<OpenItem>),
    Settled(Settled),
    Carried(CarriedMark),
}

impl LeftOpen {
    /// The lines, each ended by a line feed.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        let open = self.items.iter().map(Line::Open);
        let taken = self.settled.iter().map(Line::Settled).chain(self.carried.iter().map(Line::Carried));
        for line in open.chain(taken) {
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
            }
        }
        Ok(left)
    }
}
