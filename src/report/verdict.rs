//! What the run found, in words: the first thing in every rendering.

use serde::{Deserialize, Serialize};

use super::amount::count;
use super::effects::{in_doubt, kinds_counted, rejected};
use super::facts::Facts;
use super::text::{counted, listed, visible};
use super::totals::{at_risk_in_words, measure_words};
use crate::breaks::{BreakKind, BreakStatus, Head};
use crate::effects::{EffectsFacts, Standing, State};
use crate::exit::ExitCode;

/// How good or bad it is; a colour or a word, never the only carrier of the news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Ties out, nothing to review.
    Clean,
    /// Ties out, with breaks or quarantined rows to review.
    Review,
    /// Ties out as far as it goes: a file is missing, and what needs it waits.
    Incomplete,
    /// Ties out, and a declared gate is breached.
    Breached,
    /// Ties out, and sending ended before everything was sent.
    Unsent,
    /// Ties out, and an effect is in doubt or was refused by the provider.
    NeedsPerson,
    /// Does not tie out: a bug in tieout.
    Broken,
}

/// The verdict on one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub tone: Tone,
    /// A few words.
    pub headline: String,
    /// Whole sentences that follow it: gates, the proof, what is at risk.
    pub sentences: Vec<String>,
    /// More sentences: what else waits for a person.
    pub to_review: Vec<String>,
    /// What the process ends with, on account of these facts.
    pub exit: ExitCode,
}

/// The verdict on the facts.
pub fn verdict(facts: &Facts) -> Verdict {
    let tone = tone(facts);
    let exit = match tone {
        Tone::Clean | Tone::Review | Tone::Incomplete => ExitCode::Done,
        Tone::Breached => ExitCode::GateBreached,
        Tone::Unsent | Tone::NeedsPerson => ExitCode::PersonNeeded,
        Tone::Broken => ExitCode::InvariantFailed,
    };
    // What is still to be sent goes before what a person has to look at: the next run sends it, and tells the rest again.
    let exit = unsent(facts).filter(|_| tone != Tone::Broken).unwrap_or(exit);
    Verdict {
        tone,
        headline: headline(facts, tone),
        sentences: sentences(facts, tone),
        to_review: to_review(facts),
        exit,
    }
}

fn tone(facts: &Facts) -> Tone {
    if facts.ties_out() && facts.effects.as_ref().is_some_and(needs_person) {
        Tone::NeedsPerson
    } else if facts.ties_out() && unsent(facts).is_some() {
        Tone::Unsent
    } else {
        tone_of_breaks(facts)
    }
}

/// What the process ends with where sending ended before everything was sent.
fn unsent(facts: &Facts) -> Option<ExitCode> {
    facts.effects.as_ref()?.stopped_exit
}

fn needs_person(effects: &EffectsFacts) -> bool {
    !in_doubt(effects).is_empty() || !rejected(effects).is_empty()
}

/// The tone without regard to effects.
fn tone_of_breaks(facts: &Facts) -> Tone {
    if !facts.ties_out() {
        Tone::Broken
    } else if facts.breached_gates().next().is_some() {
        Tone::Breached
    } else if missing(facts).next().is_some() {
        Tone::Incomplete
    } else if facts.open_breaks() == 0 && facts.quarantine.is_empty() && facts.suggestions.is_empty() {
        Tone::Clean
    } else {
        Tone::Review
    }
}

/// Missing files that are named.
const MOST_MISSING: usize = 3;

/// The breaks that tell of a missing file.
fn missing(facts: &Facts) -> impl Iterator<Item = Head<'_>> {
    facts.breaks.heads().filter(|found| found.kind == BreakKind::FileMissing)
}

/// A sentence for each missing file; one for all of them where they would bury what else is said.
fn of_missing(facts: &Facts) -> Vec<String> {
    let keys: Vec<_> = missing(facts).map(|found| visible(found.key())).collect();
    if keys.len() <= MOST_MISSING {
        let told = |key| format!("Missing: {key}. What needs it waits and is not compared.");
        return keys.into_iter().map(told).collect();
    }
    let (first, more) = (keys[..MOST_MISSING].join(", "), count((keys.len() - MOST_MISSING) as u64));
    vec![format!("Missing: {first} and {more} more. What needs them waits and is not compared.")]
}

fn headline(facts: &Facts, tone: Tone) -> String {
    let breaks = match facts.open_breaks() {
        0 => "no breaks".to_owned(),
        number => counted(number, "break", "breaks"),
    };
    let settled = settled(facts);
    let sent = super::sent::headline(facts).map_or_else(String::new, |sent| format!("; {sent}"));
    match tone {
        Tone::NeedsPerson => person_headline(facts),
        Tone::Unsent => format!("Not everything is sent; {}", after_semicolon(facts)),
        Tone::Broken => "Does not tie out".to_owned(),
        Tone::Breached => format!(
            "Ties out with {breaks}{settled}; {} breached{sent}",
            counted(facts.breached_gates().count() as u64, "gate is", "gates are")
        ),
        Tone::Clean if settled.is_empty() && facts.is_sending() => format!("Ties out{sent}"),
        Tone::Clean if settled.is_empty() => "Ties out, no breaks".to_owned(),
        Tone::Clean => format!("Ties out, no breaks to review{settled}{sent}"),
        Tone::Incomplete => {
            let files = counted(missing(facts).count() as u64, "file is", "files are");
            format!("{files} missing: not everything could be compared")
        }
        Tone::Review if facts.breaks.is_empty() && facts.is_sending() => {
            format!("Ties out, but rows are left out{sent}")
        }
        Tone::Review if facts.breaks.is_empty() => "Ties out, no breaks, but rows to review".to_owned(),
        Tone::Review => format!("Ties out with {breaks} to review{settled}{sent}"),
    }
}

/// The breaks that audits have settled: `, and 2 resolved, 1 written off`; nothing where there are none.
fn settled(facts: &Facts) -> String {
    let settled = BreakStatus::ALL.into_iter().filter(|status| !status.is_open());
    let told: Vec<String> = settled
        .map(|status| (facts.with_status(status), status))
        .filter(|(number, _)| *number > 0)
        .map(|(number, status)| format!("{} {}", count(number), status.words()))
        .collect();
    if told.is_empty() { String::new() } else { format!(", and {}", told.join(", ")) }
}

/// What needs a person, then what would have been the headline without it.
fn person_headline(facts: &Facts) -> String {
    let Some(effects) = &facts.effects else { return headline(facts, tone_of_breaks(facts)) };
    let mut parts = Vec::new();
    let doubts = in_doubt(effects).len() as u64;
    if doubts > 0 {
        parts.push(format!("{} in doubt", counted(doubts, "effect", "effects")));
    }
    let refused = rejected(effects).len() as u64;
    if refused > 0 {
        let which = if doubts > 0 { count(refused) } else { counted(refused, "effect", "effects") };
        parts.push(format!("{which} refused by the provider"));
    }
    format!("{}; {}", listed(&parts), after_semicolon(facts))
}

/// The headline that the breaks alone would have, as it goes on after a semicolon; a digit has no small form.
fn after_semicolon(facts: &Facts) -> String {
    headline(facts, tone_of_breaks(facts)).replacen("Ties out", "ties out", 1)
}

fn sentences(facts: &Facts, tone: Tone) -> Vec<String> {
    let mut sentences = Vec::new();
    if tone == Tone::Broken {
        sentences.push(fault(facts));
    }
    if let Some(effects) = &facts.effects {
        sentences.extend(of_effects(effects, &facts.period.label));
    }
    for gate in facts.breached_gates() {
        let (name, limit, found) = (visible(&gate.gate), visible(&gate.limit), visible(&gate.found));
        sentences.push(format!("Gate {name} allows {limit}, found {found}."));
    }
    sentences.extend(of_missing(facts));
    if tone != Tone::Broken {
        let (read, source) = (count(facts.rows_read()), if facts.is_sending() { " of the source" } else { "" });
        sentences.push(format!("Every difference is explained; all {read} rows{source} are accounted for."));
    }
    // Breaks of whole files put no amount at risk that anybody could name.
    if facts.breaks.heads().any(|found| found.is_open() && !found.currency.is_empty()) {
        sentences.push(at_risk(facts));
    }
    sentences.extend(facts.month.as_ref().map(|month| super::month::owed_in_words(month, &facts.period.label)));
    sentences
}

/// What nobody may overlook: doubts, refusals, and that sending ended early.
fn of_effects(effects: &EffectsFacts, period: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let doubts = in_doubt(effects);
    if !doubts.is_empty() {
        let (now, before): (Vec<&Standing>, Vec<&Standing>) =
            doubts.into_iter().partition(|standing| standing.effect.period == period);
        let all = [(now, "of this period"), (before, "of other periods")];
        let parts: Vec<String> = all
            .iter()
            .filter(|(found, _)| !found.is_empty())
            .map(|(found, when)| format!("{} {when}", kinds_counted(found.iter().map(|one| one.effect.kind()))))
            .collect();
        let parts = listed(&parts);
        sentences.push(format!(
            "In doubt: {parts}; nobody here knows what the provider has, and nothing of it is sent again."
        ));
    }
    let refused = rejected(effects);
    if !refused.is_empty() {
        let which = kinds_counted(refused.iter().map(|standing| standing.effect.kind()));
        sentences.push(format!("The provider refused {which}; its words stand beside each."));
    }
    if let Some(stopped) = &effects.stopped {
        sentences.push(format!("Sending ended early: {}.", visible(stopped).trim_end_matches('.')));
    }
    sentences
}

/// What waits, cannot be done, or is long unanswered.
fn effects_to_review(effects: &EffectsFacts) -> Vec<String> {
    let mut sentences = Vec::new();
    let waiting = effects.planned.iter().filter(|standing| standing.state == State::Proposed);
    let waiting: Vec<_> = waiting.map(|standing| standing.effect.kind()).collect();
    if !waiting.is_empty() {
        let waits = if waiting.len() == 1 { "waits" } else { "wait" };
        sentences.push(format!("{} {waits} for approval.", kinds_counted(waiting.into_iter())));
    }
    sentences.extend(effects.held.iter().map(|why| format!("Held back: {}.", visible(why).trim_end_matches('.'))));
    if !effects.unplannable.is_empty() {
        let which = kinds_counted(effects.unplannable.iter().map(|found| found.kind));
        sentences.push(format!("{which} cannot be asked for: something is missing, the list of effects says what."));
    }
    if let Some(oldest) = effects.silent.iter().map(|silent| silent.days).max() {
        let which = counted(effects.silent.len() as u64, "audit is", "audits are");
        let days = counted(oldest.unsigned_abs(), "day", "days");
        sentences.push(format!("{which} without news for longer than the job allows, the oldest for {days}."));
    }
    sentences
}

fn to_review(facts: &Facts) -> Vec<String> {
    let mut sentences = facts.effects.as_ref().map(effects_to_review).unwrap_or_default();
    let suggested = facts.suggestions.len() as u64;
    if suggested > 0 {
        let which = counted(suggested, "match is", "matches are");
        let (wait, by) = if suggested == 1 { ("waits", "a weaker rule") } else { ("wait", "weaker rules") };
        sentences.push(format!("{which} only suggested, by {by}, and {wait} for review."));
    }
    sentences.extend(super::sent::waiting(facts));
    sentences.extend(super::carried::sentences(facts));
    sentences.extend(super::seals::sentence(facts));
    let quarantined = facts.quarantine.len() as u64;
    if quarantined > 0 && facts.is_sending() {
        let which = counted(quarantined, "row is", "rows are");
        let they = if quarantined == 1 { "it does not fit, or repeats" } else { "they do not fit, or repeat" };
        sentences.push(format!("{which} not sent: {they} another row; the quarantine says why."));
    } else if quarantined > 0 {
        let which = counted(quarantined, "row", "rows");
        let is = if quarantined == 1 { "it is" } else { "they are" };
        sentences.push(format!("{which} could not be read: {is} quarantined, in no comparison."));
    }
    sentences
}

fn fault(facts: &Facts) -> String {
    let mut what = Vec::new();
    let open = facts.statement.bridges.iter().filter(|bridge| bridge.residual_minor != 0).count() as u64;
    if open > 0 {
        what.push(format!("{} a rest that no line explains", counted(open, "total has", "totals have")));
    }
    for rows in facts.statement.rows.iter().filter(|rows| rows.unaccounted != 0) {
        let lost = counted(rows.unaccounted.unsigned_abs(), "row", "rows");
        what.push(format!("{lost} of {} in no outcome or in two", rows.side));
    }
    let receivable = facts.month.iter().flat_map(|month| &month.receivable);
    let open = receivable.filter(|one| !one.residual.is_zero()).count() as u64;
    if open > 0 {
        what.push(format!("{} not lead to the closing balance", counted(open, "receivable does", "receivables do")));
    }
    format!("This is a fault of tieout, not of the data: {}. Do not rely on this report.", listed(&what))
}

fn at_risk(facts: &Facts) -> String {
    let sums = facts.at_risk();
    let parts: Vec<String> = sums
        .iter()
        .filter(|(_, minor)| **minor != 0)
        .map(|((currency, measure), minor)| {
            format!("{} of {}", super::amount::money(*minor, currency), measure_words(*measure))
        })
        .collect();
    match parts.len() {
        0 => "No amount is at risk.".to_owned(),
        1..=2 => format!("At risk: {}.", listed(&parts)),
        _ => format!("At risk: {}.", at_risk_in_words(&sums)),
    }
}
