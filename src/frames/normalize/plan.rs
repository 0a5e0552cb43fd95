//! What is done for each row: where the text of every field comes from, and in what order.

use super::times::TimePlan;
use super::two_columns::TwoColumns;
use super::values;
use crate::frames::read::{Join, RowView, Sources, Unjoined, Wanted};
use crate::frames::schema::{Field, FieldType};
use crate::job::{ColumnSource, Mapping, TimeFormat, Unit};

/// Where a field's text comes from.
#[derive(Debug)]
pub(super) enum From {
    /// Slots in order of preference.
    Slots(Vec<usize>),
    Constant(String),
    /// Which of the joined texts of the row.
    Joined(usize),
    /// An amount in one of two columns.
    Two(TwoColumns),
}

impl From {
    /// The first of these slots that says something.
    pub(super) fn first<'r>(slots: &[usize], row: RowView<'r>) -> Option<&'r str> {
        if let [slot] = slots {
            return row.cell(*slot);
        }
        slots.iter().find_map(|slot| row.cell(*slot))
    }
}

/// Columns that are put together, with their names as the job writes them.
#[derive(Debug)]
pub(super) struct Joined {
    join: Join,
    parts: Vec<String>,
}

impl Joined {
    /// The text of a row.
    ///
    /// # Errors
    /// A lowercase fragment, of columns that make no text together.
    pub(super) fn text(&self, row: RowView<'_>) -> Result<String, String> {
        let named = |wanted: usize| {
            let at = self.join.slots.iter().position(|slot| *slot == wanted);
            at.and_then(|at| self.parts.get(at)).map_or("", String::as_str)
        };
        self.join.text(row).map_err(|unjoined| match unjoined {
            Unjoined::Lacks(slot) => format!("lacks its part `{}`; every part must be there", named(slot)),
            Unjoined::Holds(slot) => format!(
                "has `{}`, which stands between the parts, in its part `{}`; expected another `with`",
                self.join.with,
                named(slot)
            ),
        })
    }
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) field: Field,
    pub(super) kind: FieldType,
    pub(super) from: From,
    /// Its text is taken as it is written.
    pub(super) as_written: bool,
    pub(super) unit: Unit,
    pub(super) time: TimePlan,
    /// Slots of the column that names the zone of the row's time; empty where none does.
    pub(super) zone: Vec<usize>,
}

/// The source columns that the mapping asks for, and the steps that read them.
pub(super) fn plan(mapping: &Mapping) -> (Sources, Vec<Step>, Vec<Joined>) {
    let mut sources = Sources::default();
    let mut joined = Vec::new();
    let mut steps = Vec::with_capacity(mapping.fields.len());
    for (field, column) in &mapping.fields {
        let ask = |names: &[String], sources: &mut Sources| {
            let slots: Vec<usize> = names.iter().map(|name| sources.slot(name)).collect();
            sources.fields.push((field.name().to_owned(), slots.clone()));
            slots
        };
        let from = match &column.from {
            ColumnSource::Constant(text) => From::Constant(text.clone()),
            ColumnSource::Columns(names) => From::Slots(ask(names, &mut sources)),
            ColumnSource::TwoColumns { credit, debit } => {
                From::Two(TwoColumns { credit: ask(credit, &mut sources), debit: ask(debit, &mut sources) })
            }
            ColumnSource::Joined { parts, with } => {
                let slots = parts.iter().map(|name| sources.slot(name)).collect();
                let join = Join { slots, with: with.clone() };
                sources.joins.push((field.name().to_owned(), join.clone()));
                joined.push(Joined { join, parts: parts.clone() });
                From::Joined(joined.len() - 1)
            }
        };
        let zone = match &column.time {
            TimeFormat::ZoneOfRow { column, .. } => ask(column, &mut sources),
            _ => Vec::new(),
        };
        steps.push(Step {
            field: *field,
            kind: field.kind(),
            from,
            as_written: field.kind() == FieldType::Text && values::is_as_written(*field),
            unit: column.unit,
            time: TimePlan::new(&column.time),
            zone,
        });
    }
    // Amounts need the currency's exponent and, for their sign, direction and status.
    steps.sort_by_key(|step| match step.field {
        Field::EventKind => 0,
        Field::Currency => 1,
        Field::Status | Field::Direction => 2,
        _ => 3,
    });
    (sources, steps, joined)
}

/// By slot: what is wanted of it. A number or an instant says as much as its text where nothing else is made of it.
pub(super) fn wanted(sources: &Sources, steps: &[Step]) -> Vec<Wanted> {
    let asked = sources.fields.iter().flat_map(|(_, slots)| slots);
    let asked: Vec<usize> = asked.chain(sources.joins.iter().flat_map(|(_, join)| &join.slots)).copied().collect();
    let mut wanted = vec![Wanted::Text; sources.names.len()];
    for step in steps {
        let From::Slots(slots) = &step.from else { continue };
        let [slot] = slots.as_slice() else { continue };
        if asked.iter().filter(|asked| *asked == slot).count() == 1 {
            wanted[*slot] = match step.kind {
                FieldType::Minor => Wanted::Number,
                FieldType::Micros if step.time.is_iso() => Wanted::Instant,
                _ => Wanted::Text,
            };
        }
    }
    wanted
}

/// The source columns that a mapping asks for.
pub(crate) fn sources(mapping: &Mapping) -> Sources {
    plan(mapping).0
}

impl Sources {
    pub(crate) fn slot(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}
