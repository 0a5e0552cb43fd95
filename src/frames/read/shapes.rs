//! The shapes that JSON objects have: what stands between their values, which hardly changes from one object to the next.

use super::objects::{Found, Plain, Values};

/// Most that is learned; objects of further shapes are read without.
const MAX_STATES: usize = 1 << 10;
const MAX_STEPS: usize = 8;
const MAX_BETWEEN_BYTES: usize = 1 << 10;

/// All shapes that were met, as a tree: those that begin alike go together as far as they are alike. Whoever follows one
/// of them to its end has read an object that is as right as the one from which it was learned.
#[derive(Debug)]
pub(super) struct Shapes {
    states: Vec<State>,
    /// The values of the object that is being read: where each begins, what slot wants it, and where it ends.
    noted: Vec<(usize, Option<usize>, usize)>,
}

/// After some values of an object.
#[derive(Debug, Default)]
struct State {
    steps: Vec<Step>,
    /// What may stand there up to the object's end.
    ends: Vec<Vec<u8>>,
}

/// To the next value and past it.
#[derive(Debug)]
struct Step {
    /// All that stands before the value.
    between: Vec<u8>,
    slot: Option<usize>,
    to: usize,
}

impl Default for Shapes {
    fn default() -> Self {
        Self { states: vec![State::default()], noted: Vec::new() }
    }
}

impl Shapes {
    /// Finds the values of an object of a known shape.
    pub(super) fn take(&self, text: &[u8], found: &mut Found<'_>) -> Plain<()> {
        let mut values = Values { text, at: 0 };
        let mut state = &self.states[0];
        loop {
            let rest = values.rest();
            let Some(step) = state.steps.iter().find(|step| rest.starts_with(&step.between)) else {
                return state.ends.iter().any(|end| end == rest).then_some(());
            };
            values.at += step.between.len();
            match step.slot {
                Some(slot) => {
                    found.seen[slot] = true;
                    found.cells[slot] = values.value()?;
                }
                None => values.skip(0)?,
            }
            state = &self.states[step.to];
        }
    }

    pub(super) fn begin(&mut self) {
        self.noted.clear();
    }

    /// Notes a value of the object that is being read.
    pub(super) fn note(&mut self, start: usize, slot: Option<usize>, end: usize) {
        self.noted.push((start, slot, end));
    }

    /// Learns the shape of an object of which all values were noted.
    pub(super) fn learn(&mut self, text: &[u8]) {
        let (mut state, mut at) = (0, 0);
        for (start, slot, end) in &self.noted {
            let between = &text[at..*start];
            let known = self.states[state].steps.iter().find(|step| step.between == between).map(|step| step.to);
            let next = self.states.len();
            if known.is_none() {
                let is_full = next == MAX_STATES || self.states[state].steps.len() == MAX_STEPS;
                if is_full || between.len() > MAX_BETWEEN_BYTES {
                    return;
                }
                self.states[state].steps.push(Step { between: between.to_owned(), slot: *slot, to: next });
                self.states.push(State::default());
            }
            (state, at) = (known.unwrap_or(next), *end);
        }
        let State { ends, .. } = &mut self.states[state];
        let end = &text[at..];
        if ends.len() < MAX_STEPS && end.len() <= MAX_BETWEEN_BYTES && !ends.iter().any(|known| known == end) {
            ends.push(end.to_owned());
        }
    }
}
