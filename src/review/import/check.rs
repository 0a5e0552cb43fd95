//! Whether a line can be taken: pure, over what the journal knows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Line;
use crate::breaks::life;
use crate::decisions::breaks as about_breaks;
use crate::decisions::effects::{self as about_effects, APPROVE, DecisionError, REJECT, Rule};
use crate::effects::{self, Approver, EffectKind, State};
use crate::job::Effects;
use crate::journal::RunRecord;
use crate::report::xlsx::form::{List, Word};
use crate::text::{cut, visible};

/// Characters of a wrong word that are told.
const SHOWN: usize = 40;

/// What is known of all that the lines are about.
#[derive(Debug)]
pub struct Known<'k> {
    pub run: &'k RunRecord,
    /// The digest of the run's plan; none for a job without effects.
    pub plan: Option<&'k str>,
    /// The job's, which say who may not approve.
    pub rules: Option<&'k Effects>,
    /// Where breaks stand, by id: all that are known of those that are named.
    pub breaks: HashMap<String, life::Standing>,
    /// What became of them since the run began.
    pub of_breaks: HashMap<String, Vec<life::Event>>,
    /// The effects of the run's job and period, by id.
    pub effects: HashMap<String, effects::Standing>,
    /// What became of those that are named since the run began.
    pub of_effects: HashMap<String, Vec<effects::Event>>,
}

/// One entry to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Break { id: String, event: life::Event },
    Effect { id: String, event: effects::Event },
}

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// At least one step, in this order.
    Accepted(Vec<Step>),
    /// The journal has all of it already, in the same words.
    AlreadyDone,
    /// Why not.
    Refused(String),
}

impl Outcome {
    /// The name in lists.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::AlreadyDone => "already_done",
            Self::Refused(_) => "refused",
        }
    }
}

/// Judges all lines in their order, each as if those before it were taken. `by` decides, at `now`.
pub fn check(lines: &[Line], known: Known<'_>, by: &str, now: DateTime<Utc>) -> Vec<Outcome> {
    let mut desk = Desk { audits: audits(&known.effects), known, by, now };
    lines.iter().map(|line| desk.judge(line).unwrap_or_else(Outcome::Refused)).collect()
}

struct Desk<'k> {
    known: Known<'k>,
    /// Break id → the audit that rests on it.
    audits: HashMap<String, String>,
    by: &'k str,
    now: DateTime<Utc>,
}

impl Desk<'_> {
    fn judge(&mut self, line: &Line) -> Result<Outcome, String> {
        if let Some(problem) = &line.problem {
            return Err(problem.clone());
        }
        if line.id.is_empty() {
            return Err(format!("the row has no {}", line.list.id_head().to_lowercase()));
        }
        let word = line.decision.as_deref().map(|text| word(line.list, text)).transpose()?;
        if let Some(word) = word.filter(|word| word.needs_reason() && line.comment.is_none()) {
            return Err(format!("`{}` needs a reason: the comment is empty", word.text()));
        }
        let steps = match line.list {
            List::Breaks | List::Suggested => self.of_break(line, word)?,
            List::Effects => self.of_effect(line, word)?,
        };
        // All or nothing: of a line that is refused nothing stays noted. One about an effect has one step.
        let before = self.known.breaks.get(&line.id).cloned();
        let noted = self.known.of_breaks.get(&line.id).map_or(0, Vec::len);
        match self.take(steps) {
            Ok(steps) if steps.is_empty() => Ok(Outcome::AlreadyDone),
            Ok(steps) => Ok(Outcome::Accepted(steps)),
            Err(reason) => {
                if let Some(standing) = before {
                    self.known.breaks.insert(line.id.clone(), standing);
                    self.known.of_breaks.entry(line.id.clone()).or_default().truncate(noted);
                }
                Err(reason)
            }
        }
    }

    /// What a line about a break or a suggestion asks for.
    fn of_break(&self, line: &Line, word: Option<Word>) -> Result<Vec<Step>, String> {
        let id = &line.id;
        let run = self.known.run;
        let Some(standing) = self.known.breaks.get(id) else {
            return Err(format!("no break `{}` is known", shown(id)));
        };
        if standing.job != run.job || !standing.periods.contains_key(&run.period) {
            return Err(format!("break {id} is not of run {} any more", run.id));
        }
        if let Some(word @ (Word::ApproveAudit | Word::RejectAudit)) = word {
            return self.of_audits(line, word);
        }
        if word == Some(Word::Assign) && line.assign_to.is_none() {
            return Err("`assign` needs a name: \"Assign to\" is empty".to_owned());
        }
        let by = || self.by.to_owned();
        let reason = || line.comment.clone().unwrap_or_default();
        let decided = match word {
            None | Some(Word::Assign) => None,
            Some(Word::Confirm) => Some(life::Event::Confirmed { by: by(), reason: line.comment.clone() }),
            Some(Word::WriteOff) => Some(life::Event::WrittenOff { by: by(), reason: reason() }),
            Some(Word::ForceMatch) => Some(life::Event::ForceMatched { with: None, by: by(), reason: reason() }),
            Some(Word::AcceptSuggestion) => Some(life::Event::SuggestionAccepted { by: by(), reason: reason() }),
            Some(Word::Reopen) => Some(life::Event::ReopenedByPerson { by: by(), reason: reason() }),
            Some(Word::ApproveAudit | Word::RejectAudit | Word::Approve | Word::Reject) => {
                unreachable!("of audits before this, and of no word of this list")
            }
        };
        let mut events = Vec::new();
        if let Some(to) = &line.assign_to {
            // The comment is the reason of what is decided; where nothing else is, of this.
            let reason = if decided.is_none() { line.comment.clone() } else { None };
            events.push(life::Event::Assigned { to: to.clone(), by: by(), reason });
        }
        if let (None, None, Some(text)) = (&decided, &line.assign_to, &line.comment) {
            events.push(life::Event::Commented { text: text.clone(), by: by() });
        }
        // What is closed cannot be given to anybody: it is opened first, or closed last.
        let opens = matches!(decided, Some(life::Event::ReopenedByPerson { .. }));
        let at = if opens { 0 } else { events.len() };
        events.splice(at..at, decided);
        Ok(events.into_iter().map(|event| Step::Break { id: id.clone(), event }).collect())
    }

    /// The audits that the run's plan has because of a break.
    fn of_audits(&self, line: &Line, word: Word) -> Result<Vec<Step>, String> {
        if line.assign_to.is_some() {
            return Err(format!(
                "`{}` and \"Assign to\" are two decisions: import them one after the other",
                word.text()
            ));
        }
        let Some(audit) = self.audits.get(&line.id) else {
            return Err(format!("no audit is proposed because of break {} in this period", line.id));
        };
        let approves = word == Word::ApproveAudit;
        Ok(vec![self.decided(audit, approves, line.comment.clone())])
    }

    fn of_effect(&self, line: &Line, word: Option<Word>) -> Result<Vec<Step>, String> {
        let Some(word) = word else {
            return Err("an effect takes a comment only with a decision: approve or reject".to_owned());
        };
        if !self.known.effects.contains_key(&line.id) {
            let (id, run) = (shown(&line.id), &self.known.run.id);
            return Err(format!("no effect `{id}` of run {run} is known"));
        }
        Ok(vec![self.decided(&line.id, word == Word::Approve, line.comment.clone())])
    }

    fn decided(&self, id: &str, approves: bool, comment: Option<String>) -> Step {
        let by = self.by.to_owned();
        let event = if approves {
            let plan = self.known.plan.unwrap_or_default().to_owned();
            effects::Event::Approved { plan, by: Approver::Person { name: by }, comment }
        } else {
            effects::Event::Refused { by, comment: comment.unwrap_or_default() }
        };
        Step::Effect { id: id.to_owned(), event }
    }

    /// Notes the steps that are not done yet; gives these.
    fn take(&mut self, steps: Vec<Step>) -> Result<Vec<Step>, String> {
        let mut new = Vec::new();
        for step in steps {
            let is_new = match &step {
                Step::Break { id, event } => self.take_break(id, event)?,
                Step::Effect { id, event } => self.take_effect(id, event)?,
            };
            if is_new {
                new.push(step);
            }
        }
        Ok(new)
    }

    fn take_break(&mut self, id: &str, event: &life::Event) -> Result<bool, String> {
        let done = self.known.of_breaks.entry(id.to_owned()).or_default();
        if done.iter().any(|known| says_the_same(known, event)) {
            return Ok(false);
        }
        let standing = self.known.breaks.get(id).expect("looked up before");
        about_breaks::check(standing, event).map_err(|error| error.to_string())?;
        let after = life::apply(Some(standing), id, event, self.now).map_err(|error| error.to_string())?;
        self.known.breaks.insert(id.to_owned(), after);
        done.push(event.clone());
        Ok(true)
    }

    fn take_effect(&mut self, id: &str, event: &effects::Event) -> Result<bool, String> {
        let done = self.known.of_effects.entry(id.to_owned()).or_default();
        if done.iter().any(|known| decides_the_same(known, event)) {
            return Ok(false);
        }
        let standing = self.known.effects.get(id).expect("looked up before");
        let approves = matches!(event, effects::Event::Approved { .. });
        let rule = if approves { APPROVE } else { REJECT };
        allows(standing, rule, self.known.run)?;
        if self.known.plan != Some(standing.plan.as_str()) {
            return Err(format!("the plan of run {} is void: it was changed since", self.known.run.id));
        }
        if approves {
            let one = std::slice::from_ref(standing);
            about_effects::refuse_starter(self.known.rules, self.known.run, one, self.by)
                .map_err(|error| error.to_string())?;
        }
        let after = effects::apply(Some(standing), id, event, self.now).map_err(|error| error.to_string())?;
        self.known.effects.insert(id.to_owned(), after);
        done.push(event.clone());
        Ok(true)
    }
}

/// The audits by the breaks that they rest on; of a matter that was opened again the later one.
fn audits(effects: &HashMap<String, effects::Standing>) -> HashMap<String, String> {
    let mut found = HashMap::<String, (u32, String)>::new();
    for standing in effects.values().filter(|standing| standing.effect.kind() == EffectKind::ProviderAudit) {
        let effect = &standing.effect;
        for id in effect.grounds.iter().filter_map(|ground| ground.break_id.as_ref()) {
            let this = (effect.opening, effect.id.clone());
            let latest = found.entry(id.clone()).or_default();
            if *latest < this {
                *latest = this;
            }
        }
    }
    found.into_iter().map(|(id, (_, effect))| (id, effect)).collect()
}

/// What a cell holds, for a message.
fn shown(text: &str) -> String {
    cut(&visible(text), SHOWN).into_owned()
}

/// The decision that a cell names, if it can be taken on that list.
fn word(list: List, text: &str) -> Result<Word, String> {
    let known = Word::parse(text).filter(|word| list.words().contains(word));
    known.ok_or_else(|| {
        let words: Vec<&str> = list.words().iter().map(|word| word.text()).collect();
        format!("`{}` is no decision here; expected one of: {}", shown(text), words.join(", "))
    })
}

fn allows(standing: &effects::Standing, rule: Rule, run: &RunRecord) -> Result<(), String> {
    let effect = &standing.effect;
    if (rule.allows)(standing) {
        return Ok(());
    }
    if standing.state == State::InFlight {
        return Err(format!("effect {} is in flight; import again when run {} has ended", effect.id, run.id));
    }
    let error = DecisionError::WrongState {
        effect: effect.id.clone(),
        state: standing.state.name().replace('_', " "),
        allowed: rule.allowed,
        decided: rule.decided,
    };
    Err(error.to_string())
}

/// Whether two decisions are one, whoever has taken them: the same file may be imported twice.
fn says_the_same(known: &life::Event, new: &life::Event) -> bool {
    use life::Event as E;
    match (known, new) {
        (E::Assigned { to, reason, .. }, E::Assigned { to: new_to, reason: new_reason, .. }) => {
            to == new_to && reason == new_reason
        }
        (E::Commented { text, .. }, E::Commented { text: new, .. }) => text == new,
        (E::Confirmed { reason, .. }, E::Confirmed { reason: new, .. }) => reason == new,
        (E::WrittenOff { reason, .. }, E::WrittenOff { reason: new, .. })
        | (E::ForceMatched { reason, .. }, E::ForceMatched { reason: new, .. })
        | (E::SuggestionAccepted { reason, .. }, E::SuggestionAccepted { reason: new, .. })
        | (E::ReopenedByPerson { reason, .. }, E::ReopenedByPerson { reason: new, .. }) => reason == new,
        _ => false,
    }
}

fn decides_the_same(known: &effects::Event, new: &effects::Event) -> bool {
    use effects::Event as E;
    match (known, new) {
        (E::Approved { plan, comment, .. }, E::Approved { plan: new_plan, comment: new, .. }) => {
            plan == new_plan && comment == new
        }
        (E::Refused { comment, .. }, E::Refused { comment: new, .. }) => comment == new,
        _ => false,
    }
}
