//! The breaks of an earlier report, read back from its Parquet file as far as seals compare them.

use std::collections::BTreeMap;
use std::io::Cursor;

use polars::prelude::{DataFrame, ParquetReader, PolarsError, PolarsResult, SerReader};

use crate::breaks::BreakKind;
use crate::frames::{Measure, Side};
use crate::seals::State;

/// Break id → what the report says of it.
pub(super) fn states(file: Cursor<Vec<u8>>) -> PolarsResult<BTreeMap<String, State>> {
    let frame = ParquetReader::new(file).finish()?;
    let text = |name: &str| texts(&frame, name);
    let (ids, kinds, keys, currencies) = (text("id")?, text("kind")?, text("key")?, text("currency")?);
    let (measures, details) = (text("measure")?, text("detail")?);
    let (at_risk, difference) = (amounts(&frame, "at_risk_minor")?, amounts(&frame, "difference_minor")?);
    let sides = Side::ALL.map(|side| Stated::read(&frame, side));
    let [file, ledger, webhooks] = sides;
    let sides = [file?, ledger?, webhooks?];
    let mut states = BTreeMap::new();
    for (at, id) in ids.into_iter().enumerate() {
        let given = |cells: &[Option<String>]| cells[at].clone().unwrap_or_default();
        let state = State {
            kind: kind(&given(&kinds))?,
            key: given(&keys),
            currency: given(&currencies),
            // Of what is about a whole file none is told.
            measure: measures[at].as_deref().map_or(Ok(Measure::TransactionAmount), measure)?,
            at_risk_minor: at_risk[at].unwrap_or(0),
            difference_minor: difference[at],
            stated_minor: sides.each_ref().map(|side| side.amounts.each_ref().map(|cells| cells[at])),
            stated: sides.each_ref().map(|side| side.texts.each_ref().map(|cells| cells[at].clone())),
            detail: given(&details),
        };
        states.insert(id.unwrap_or_default(), state);
    }
    Ok(states)
}

/// What one side states, column by column.
struct Stated {
    /// In the order of [`Measure::ALL`].
    amounts: [Vec<Option<i64>>; 3],
    /// Currency and status.
    texts: [Vec<Option<String>>; 2],
}

impl Stated {
    fn read(frame: &DataFrame, side: Side) -> PolarsResult<Self> {
        let amount = |name: &str| amounts(frame, &format!("{side}_{name}_minor"));
        let text = |name: &str| texts(frame, &format!("{side}_{name}"));
        Ok(Self {
            amounts: [amount("amount")?, amount("issuer_commission")?, amount("user_reward")?],
            texts: [text("currency")?, text("status")?],
        })
    }
}

fn texts(frame: &DataFrame, name: &str) -> PolarsResult<Vec<Option<String>>> {
    Ok(frame.column(name)?.str()?.iter().map(|cell| cell.map(str::to_owned)).collect())
}

fn amounts(frame: &DataFrame, name: &str) -> PolarsResult<Vec<Option<i64>>> {
    Ok(frame.column(name)?.i64()?.iter().collect())
}

fn kind(name: &str) -> PolarsResult<BreakKind> {
    let found = BreakKind::ALL.iter().copied().find(|kind| kind.name() == name);
    found.ok_or_else(|| unknown("kind", name))
}

fn measure(name: &str) -> PolarsResult<Measure> {
    Measure::ALL.into_iter().find(|measure| measure.name() == name).ok_or_else(|| unknown("measure", name))
}

fn unknown(what: &str, name: &str) -> PolarsError {
    PolarsError::ComputeError(format!("no {what} `{}` is known", crate::text::visible(name)).into())
}
