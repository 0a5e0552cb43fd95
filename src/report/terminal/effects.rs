//! The lines that tell of effects: what is in doubt first, then counts, and what to type next.

use super::super::effects::{counts_in_words, in_doubt, kinds_counted, news_in_words, rejected};
use super::super::facts::RunFacts;
use super::super::text::{counted, visible};
use super::{MOST_EFFECT_LINES, fit, paint, title, wrap};
use crate::effects::words::{about, state_words};
use crate::effects::{Ask, EffectKind, EffectsFacts, Standing, State};

/// Doubts and refusals that are spelled out.
const MOST_URGENT: usize = 2;
/// The least that is left for the names of kinds, so that counts stand below each other.
const LEAST_OF_KINDS: usize = 15;

/// At most [`MOST_EFFECT_LINES`] lines.
pub(super) fn effects(facts: &EffectsFacts, run: &RunFacts, width: usize, color: bool) -> Vec<String> {
    let mut lines = vec![title("Effects", color)];
    let urgent: Vec<&Standing> = in_doubt(facts).into_iter().chain(rejected(facts)).collect();
    for standing in urgent.iter().take(MOST_URGENT) {
        let loud = if standing.state == State::InDoubt { "IN DOUBT" } else { "REFUSED" };
        let effect = &standing.effect;
        let kind = effect.kind().words(1);
        let words = state_words(standing);
        // The loud word says it already.
        let words = ["in doubt: ", "refused by the provider: "]
            .iter()
            .find_map(|said| words.strip_prefix(said))
            .unwrap_or(&words);
        let of = if matches!(effect.ask, Ask::Audit { .. } | Ask::Marker) { " for" } else { "" };
        let line = format!("  {loud} {} {kind}{of} {}: {words}", effect.id, about(effect));
        lines.push(paint(&fit(&line, width), "1;31", color));
    }
    if urgent.len() > MOST_URGENT {
        let more = kinds_counted(urgent[MOST_URGENT..].iter().map(|standing| standing.effect.kind()));
        lines.push(paint(&fit(&format!("  and {more} more in doubt or refused"), width), "1;31", color));
    }
    let before = lines.len();
    lines.extend(counts(facts, width));
    if let Some(news) = news_in_words(facts) {
        lines.extend(
            wrap(&visible(&format!("news of audits: {news}")), width - 2, 2).iter().map(|line| format!("  {line}")),
        );
    }
    if lines.len() == before && urgent.is_empty() {
        lines.push("  nothing is asked of the provider".to_owned());
    }
    if let Some(line) = hindrance(facts) {
        lines.extend(wrap(&visible(&line), width - 2, 1).into_iter().map(|line| format!("  {line}")));
    }
    if !facts.silent.is_empty() {
        let which = counted(facts.silent.len() as u64, "audit", "audits");
        lines.push(format!("  {which} without news for longer than the job allows"));
    }
    let room = MOST_EFFECT_LINES.saturating_sub(lines.len());
    lines.extend(next(facts, run, width).into_iter().take(room));
    lines
}

/// How many of each kind there are, and where they stand.
fn counts(facts: &EffectsFacts, width: usize) -> Vec<String> {
    let kinds = EffectKind::ALL.into_iter();
    let counts: Vec<(String, String)> =
        kinds.filter_map(|kind| Some((format!("{}:", kind.words(2)), counts_in_words(facts, kind)?))).collect();
    let column = counts.iter().map(|(head, _)| head.len() + 1).fold(LEAST_OF_KINDS, usize::max);
    let mut lines = Vec::new();
    for (head, counts) in counts {
        let wrapped = wrap(&counts, width - 2 - column, 2);
        lines.extend([head, String::new()].iter().zip(wrapped).map(|(head, line)| format!("  {head:<column$}{line}")));
    }
    lines
}

/// Why something that might have been sent was not.
fn hindrance(facts: &EffectsFacts) -> Option<String> {
    if let Some(stopped) = &facts.stopped {
        return Some(format!("sending ended early: {stopped}"));
    }
    let first = facts.held.first()?;
    let more = facts.held.len() - 1;
    Some(if more == 0 { format!("held: {first}") } else { format!("held, for {more} more reasons too: {first}") })
}

/// What to type. Commands are never cut: people copy them.
fn next(facts: &EffectsFacts, run: &RunFacts, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let sandbox = if run.sandbox { " --sandbox" } else { "" };
    let run = visible(&run.id);
    if !in_doubt(facts).is_empty() {
        lines.push(format!("  decide: tieout in-doubt list{sandbox}"));
    }
    if !rejected(facts).is_empty() {
        lines.push(format!("  look at: tieout effects {run}{sandbox}"));
    } else if facts.planned.iter().any(|standing| standing.state == State::Proposed) {
        lines.push(format!("  read: tieout effects {run}{sandbox}"));
    }
    if facts.planned.iter().any(|standing| standing.state == State::Proposed) {
        let approve = format!("  approve: tieout approve --all --run {run}{sandbox}");
        let commented = format!("{approve} --comment TEXT");
        lines.push(if commented.chars().count() <= width { commented } else { approve });
    }
    lines
}
