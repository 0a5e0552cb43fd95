//! What the answers of a cluster mean: counts and sums of what is sure, the lines of what is left.

use std::collections::BTreeMap;

use super::plan::{Plan, Unfit};
use super::sql::{PART_BITS, STATED};
use crate::frames::sifted::{Left, SiftedFile};
use crate::frames::{Measure, Side};
use crate::matching::Tally;
use crate::matching::tally::{Apart, Aside, CleanSums, PairSums, Sums};

/// The rows that a statement gives, each value as text.
pub type Answer = Vec<Vec<Option<String>>>;

/// Why a cluster has no result that can be used. The comparison is made here.
#[derive(Debug, thiserror::Error)]
pub enum SieveError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("it cannot be reached or refuses: {0}")]
    Cluster(String),
    #[error("it answers what was not asked: {0}")]
    Answer(String),
}

/// A comparison as far as a cluster has come with it.
#[derive(Debug, Default)]
pub struct Sieve {
    /// Of the keys that are surely clean, and of the rows that are surely left out.
    pub tally: Tally,
    /// By side and file.
    files: BTreeMap<(Side, u32), SiftedFile>,
}

impl Sieve {
    /// Asks for a comparison: `ask` runs one statement.
    ///
    /// # Errors
    /// When the files are no plain ones, or the cluster fails.
    pub fn of(plan: &Plan, mut ask: impl FnMut(&str) -> Result<Answer, SieveError>) -> Result<Self, SieveError> {
        for view in plan.views() {
            ask(&view)?;
        }
        let parts = Parts::of(&ask(&plan.survey())?)?;
        let sure = ask(&plan.sure())?;
        let left = ask(&plan.left())?;
        Self::read(plan, &parts, &sure, left)
    }

    fn read(plan: &Plan, parts: &Parts, sure: &Answer, left: Answer) -> Result<Self, SieveError> {
        let mut sieve = Self::default();
        for file in &plan.files {
            sieve.files.insert((file.side, file.file), SiftedFile::default());
        }
        let sums: Vec<String> = plan.sums().into_iter().map(|(name, _)| name).collect();
        for row in sure {
            sieve.row(plan, &Told::of(row, &sums)?)?;
        }
        for row in left {
            sieve.left(parts, row)?;
        }
        for file in sieve.files.values_mut() {
            file.left.sort_unstable();
        }
        Ok(sieve)
    }

    fn file(&mut self, place: (Side, u32)) -> Result<&mut SiftedFile, SieveError> {
        self.files.get_mut(&place).ok_or_else(|| wrong(format!("a row of {} file {}", place.0, place.1)))
    }

    fn left(&mut self, parts: &Parts, row: Vec<Option<String>>) -> Result<(), SieveError> {
        let [side, file, id, key]: [Option<String>; 4] =
            row.try_into().map_err(|row: Vec<_>| wrong(format!("{} columns instead of 4", row.len())))?;
        let place = (self::side(side.as_deref())?, number(file.as_deref(), "a file")?);
        let line = parts.line(place, number(id.as_deref(), "a place")?)?;
        self.file(place)?.left.push(Left { line, key });
        Ok(())
    }

    fn row(&mut self, plan: &Plan, told: &Told<'_>) -> Result<(), SieveError> {
        let file = self.file((told.side, told.file))?;
        if told.verdict == "odd" {
            return Err(Unfit::job("a file has lines whose key cannot be told").into());
        }
        let currency = told.currency.ok_or_else(|| wrong("sums without a currency".to_owned()))?;
        let sums: Sums = std::array::from_fn(|measure| told.number(&format!("sum_m{measure}")));
        file.sure.rows += told.rows;
        add(file.sure.totals.entry(currency.to_owned()).or_default(), sums);
        for (measure, stated) in file.sure.stated.iter_mut().enumerate() {
            *stated |= told.number(&format!("count_m{measure}")) > 0;
        }
        if let Some(exclusion) = Plan::exclusion(told.verdict) {
            *self.tally.excluded_rows.entry((told.side, exclusion)).or_default() += told.rows;
            let aside = (told.side, Aside::Excluded(exclusion), currency.to_owned());
            let aside = self.tally.aside.entry(aside).or_default();
            aside.rows += told.rows;
            add(&mut aside.sums, sums);
            return Ok(());
        }
        if told.verdict != "clean" {
            return Err(wrong(format!("the verdict {:?}", told.verdict)));
        }
        self.tally.clean_rows[told.side as usize] += told.rows;
        if told.side as u8 == plan.first_side() {
            self.tally.clean_keys += told.rows;
            let mut clean = Tally::default();
            clean.clean.insert(currency.to_owned(), told.apart());
            self.tally.merge(clean);
        }
        Ok(())
    }

    /// The files of one side as they were sifted; none for those that the cluster was not asked about.
    pub fn files(&self, side: Side, count: usize) -> Vec<Option<SiftedFile>> {
        (0_u32..).take(count).map(|file| self.files.get(&(side, file)).cloned()).collect()
    }

    /// Rows that need no second look, and rows that are left.
    pub fn counts(&self) -> (u64, u64) {
        let files = self.files.values();
        files.fold((0, 0), |(sure, left), file| (sure + file.sure.rows, left + file.left.len() as u64))
    }
}

fn add(sums: &mut Sums, more: Sums) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn wrong(what: String) -> SieveError {
    SieveError::Answer(what)
}

/// How many lines lie before each part of each file.
#[derive(Debug, Default)]
struct Parts(BTreeMap<(Side, u32), BTreeMap<u64, u64>>);

impl Parts {
    fn of(answer: &Answer) -> Result<Self, SieveError> {
        let mut counts: BTreeMap<(Side, u32), BTreeMap<u64, u64>> = BTreeMap::new();
        for row in answer {
            let [side, file, part, lines, odd] = row.as_slice() else {
                return Err(wrong(format!("{} columns instead of 5", row.len())));
            };
            if number::<u64>(odd.as_deref(), "odd lines")? > 0 {
                return Err(Unfit::job(
                    "a file has lines whose key cannot be told (quotes, or names written with escapes)",
                )
                .into());
            }
            let place = (self::side(side.as_deref())?, number(file.as_deref(), "a file")?);
            let lines = number(lines.as_deref(), "lines")?;
            counts.entry(place).or_default().insert(number(part.as_deref(), "a part")?, lines);
        }
        for parts in counts.values_mut() {
            let mut before = 0;
            for lines in parts.values_mut() {
                before += std::mem::replace(lines, before);
            }
        }
        Ok(Self(counts))
    }

    /// From 1.
    fn line(&self, place: (Side, u32), id: u64) -> Result<u64, SieveError> {
        let part = id >> PART_BITS;
        let before = self.0.get(&place).and_then(|parts| parts.get(&part));
        let before = before.ok_or_else(|| wrong(format!("a line of part {part} of {} file {}", place.0, place.1)))?;
        Ok(before + (id & ((1 << PART_BITS) - 1)) + 1)
    }
}

fn side(text: Option<&str>) -> Result<Side, SieveError> {
    let number: usize = number(text, "a side")?;
    Side::ALL.get(number).copied().ok_or_else(|| wrong(format!("side {number}")))
}

fn number<N: std::str::FromStr>(text: Option<&str>, what: &str) -> Result<N, SieveError> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| wrong(format!("{text:?} for {what}")))
}

/// One row of the answer.
struct Told<'a> {
    verdict: &'a str,
    side: Side,
    file: u32,
    currency: Option<&'a str>,
    rows: u64,
    sums: BTreeMap<&'a str, i128>,
}

impl<'a> Told<'a> {
    fn of(row: &'a [Option<String>], names: &'a [String]) -> Result<Self, SieveError> {
        let (told, sums) = row.split_at_checked(5).ok_or_else(|| wrong(format!("{} columns", row.len())))?;
        if sums.len() != names.len() {
            return Err(wrong(format!("{} sums instead of {}", sums.len(), names.len())));
        }
        let text = |at: usize| told[at].as_deref();
        let mut known = BTreeMap::new();
        for (name, sum) in names.iter().zip(sums) {
            if let Some(sum) = sum {
                known.insert(name.as_str(), number(Some(sum.as_str()), name)?);
            }
        }
        Ok(Self {
            verdict: text(0).unwrap_or_default(),
            side: side(text(1))?,
            file: number(text(2), "a file")?,
            currency: text(3),
            rows: number(text(4), "rows")?,
            sums: known,
        })
    }

    /// Zero where nothing was summed.
    fn number(&self, name: &str) -> i128 {
        self.sums.get(name).copied().unwrap_or(0)
    }

    fn apart(&self) -> CleanSums {
        std::array::from_fn(|pair| {
            Measure::ALL.map(|measure| {
                let [both_state, first_states, second_states] = STATED.map(|stated| {
                    let name = format!("apart_{pair}_{}_{stated}", measure as u8);
                    let keys = u64::try_from(self.number(&format!("count_{name}"))).unwrap_or(0);
                    Apart { keys, minor: self.number(&format!("sum_{name}")) }
                });
                PairSums { both_state, first_states, second_states }
            })
        })
    }
}
