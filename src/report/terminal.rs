//! The summary on the terminal: at most 25 lines, for a person who read no documentation; with effects some more.

mod effects;
mod month;
mod sent;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::amount::{count, grouped, signed};
use super::carried;
use super::facts::Facts;
use super::seals;
use super::text::{counted, cut, visible};
use super::totals::{KindTotal, at_risk_in_words, by_risk, by_size, kind_words};
use super::verdict::{Tone, Verdict, verdict};
use crate::breaks::Bridge;
use crate::exit::ExitCode;
use crate::frames::{Measure, Side};

/// The most lines a summary takes, but for those of effects.
pub const MOST_LINES: usize = 25;
/// The most lines that tell of effects, where a job has any.
pub const MOST_EFFECT_LINES: usize = 13;
/// Of these, the most for totals: beside many kinds of breaks, and beside few.
const FEW_BRIDGES: usize = 4;
const MOST_BRIDGES: usize = 6;
/// From this width on, kinds of breaks stand two in a line.
const TWO_COLUMNS: usize = 96;

/// The run in at most [`MOST_LINES`] lines and [`MOST_EFFECT_LINES`] where the job has effects, each at most `width` characters (never fewer than 60),
/// ending with a newline. Escape sequences only where `color` is set.
pub fn terminal_summary(facts: &Facts, written: &[PathBuf], width: usize, color: bool) -> String {
    let width = width.clamp(60, 120);
    let verdict = verdict(facts);
    let mut above = heading(facts, &verdict, width, color);
    let below = foot(facts, &verdict, written, width, color);
    let bridges = by_size(&facts.statement.bridges);
    above.extend(sent::sent(facts, width, color));
    above.extend(month::month(facts, width, color));
    let room = MOST_LINES.saturating_sub(above.len() + below.len());
    // Breaks before explanations of totals, but never without the most important totals.
    // What a month owes says more than they do.
    let few = if facts.month.is_some() { 0 } else { FEW_BRIDGES };
    let least = if bridges.is_empty() { 0 } else { 1 + bridges.len().min(few) };
    let breaks = breaks(facts, room.saturating_sub(least), width, color);
    above.extend(totals(facts, bridges, room - breaks.len(), width, color));
    above.extend(breaks);
    // What a person has to do is the last thing read before the prompt, but for where the report is.
    above.extend(facts.effects.iter().flat_map(|found| effects::effects(found, &facts.run, width, color)));
    above.extend(below);
    let mut text = above.join("\n");
    text.push('\n');
    text
}

fn paint(text: &str, code: &str, color: bool) -> String {
    if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn title(text: &str, color: bool) -> String {
    paint(text, "1", color)
}

fn fit(text: &str, width: usize) -> String {
    cut(&visible(text), width).into_owned()
}

fn heading(facts: &Facts, verdict: &Verdict, width: usize, color: bool) -> Vec<String> {
    let (mark, code) = match verdict.tone {
        Tone::Clean => ("OK", "1;32"),
        Tone::Review => ("OK", "1;33"),
        Tone::Incomplete => ("INCOMPLETE", "1;33"),
        Tone::Unsent => ("UNFINISHED", "1;33"),
        Tone::Breached => ("GATE BREACHED", "1;31"),
        Tone::NeedsPerson => ("PERSON NEEDED", "1;31"),
        Tone::Broken => ("FAULT", "1;31"),
    };
    let sandbox = if facts.run.sandbox { " (sandbox: a simulated provider)" } else { "" };
    let name = format!("{} for {}, attempt {}{sandbox}", facts.job.name, facts.period.label, facts.run.attempt);
    let mut lines = vec![fit(&name, width), paint(&fit(&format!("{mark}: {}", verdict.headline), width), code, color)];
    if let Some(sealed) = seals::headline(facts) {
        lines.insert(1, title(&fit(&sealed, width), color));
    }
    let mut room: usize = 3;
    for sentence in &verdict.sentences {
        let wrapped = if room == 0 { Vec::new() } else { wrap(sentence, width, room) };
        room = room.saturating_sub(wrapped.len());
        lines.extend(wrapped);
    }
    lines
}

/// Words filled into lines of `width`; what needs more than `most` lines is cut.
fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        let rest = lines.drain(most - 1..).collect::<Vec<_>>().join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| fit(line, width)).collect()
}

fn totals(facts: &Facts, mut bridges: Vec<&Bridge>, room: usize, width: usize, color: bool) -> Vec<String> {
    if bridges.is_empty() || room == 0 {
        return Vec::new();
    }
    if room < 2 || (room < 3 && bridges.len() > 1) {
        return vec![fit(&format!("Totals: {}", differing(&bridges, "total", "totals")), width)];
    }
    // What is wrong comes first; otherwise the largest.
    bridges.sort_by_key(|bridge| bridge.residual_minor == 0);
    let most = MOST_BRIDGES.min(room - 1);
    let shown = if bridges.len() <= most { bridges.len() } else { most - 1 };
    let rows: Vec<[String; 5]> = std::iter::once(["", "from", "to", "difference", "by breaks"].map(str::to_owned))
        .chain(bridges[..shown].iter().map(|bridge| total_row(facts, bridge)))
        .collect();
    let mut widths = [0, 1, 2, 3, 4].map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let taken = |columns: &[usize]| columns.iter().map(|column| column + 2).sum::<usize>();
    // What a total is of says more than the last column.
    let last = if widths[0] + 2 + taken(&widths[1..]) <= width { 4 } else { 3 };
    let label = widths[0].min(width.saturating_sub(2 + taken(&widths[1..=last]))).max(20);
    widths[0] = label + 2;
    let mut spare = room.saturating_sub(1 + shown + usize::from(shown < bridges.len()));
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let first = if index == 0 { "Totals".to_owned() } else { format!("  {}", cut(&row[0], label)) };
        let mut line = format!("{first:<0$}", widths[0]);
        for (cell, column) in row.iter().zip(widths).take(last + 1).skip(1) {
            write!(line, "  {cell:>column$}").expect("writing to a string cannot fail");
        }
        lines.push(if index == 0 { title(&fit(&line, width), color) } else { fit(&line, width) });
        let bridge = index.checked_sub(1).map(|at| bridges[at]);
        if let Some(bridge) = bridge.filter(|bridge| spare > 0 && !bridge.lines.is_empty()) {
            lines.push(fit(&explanation(bridge), width));
            spare -= 1;
        }
    }
    if shown < bridges.len() {
        lines.push(more_bridges(&bridges[shown..]));
    }
    lines
}

fn total_row(facts: &Facts, bridge: &Bridge) -> [String; 5] {
    let difference = bridge.right_total_minor.saturating_sub(bridge.left_total_minor);
    let open = match bridge.residual_minor {
        0 => String::new(),
        rest => format!("UNEXPLAINED {}: ", signed(rest, &bridge.currency)),
    };
    [
        format!(
            "{open}{} {}, {} to {}",
            visible(&bridge.currency),
            measure_word(bridge.measure),
            facts.total_words(bridge.left),
            facts.total_words(bridge.right)
        ),
        grouped(bridge.left_total_minor, &bridge.currency),
        grouped(bridge.right_total_minor, &bridge.currency),
        signed(difference, &bridge.currency),
        signed(bridge.in_breaks_minor(), &bridge.currency),
    ]
}

/// A measure where room is scarce.
const fn measure_word(measure: Measure) -> &'static str {
    match measure {
        Measure::TransactionAmount => "amount",
        Measure::IssuerCommission => "commission",
        Measure::UserReward => "reward",
    }
}

fn explanation(bridge: &Bridge) -> String {
    let lines = bridge.lines.iter().map(|line| {
        let amount = signed(line.amount_minor, &bridge.currency);
        format!("{} {amount} ({})", line.label, count(line.count))
    });
    format!("    {}", lines.collect::<Vec<_>>().join(", "))
}

fn more_bridges(rest: &[&Bridge]) -> String {
    format!("  and {}", differing(rest, "more total", "more totals"))
}

/// `8 totals, 3 with a difference: see the report`
fn differing(of: &[&Bridge], one: &str, many: &str) -> String {
    let differ = of.iter().filter(|bridge| bridge.left_total_minor != bridge.right_total_minor).count() as u64;
    let text = counted(of.len() as u64, one, many);
    match differ {
        0 => format!("{text} without a difference"),
        _ => format!("{text}, {} with a difference: see the report", count(differ)),
    }
}

/// Kinds of breaks in at most `room` lines, most at risk first.
fn breaks(facts: &Facts, room: usize, width: usize, color: bool) -> Vec<String> {
    let kinds = by_risk(facts);
    if kinds.is_empty() || room < 2 {
        return Vec::new();
    }
    let per_line = if width >= TWO_COLUMNS { 2 } else { 1 };
    let places = (room - 1) * per_line;
    let shown = if kinds.len() <= places { kinds.len() } else { places - 1 };
    let mut cells: Vec<String> = kinds[..shown].iter().map(kind_cell).collect();
    if shown < kinds.len() {
        let rest: u64 = kinds[shown..].iter().map(|total| total.count).sum();
        let name = match shown {
            0 => format!("{} kinds", kinds.len()),
            _ => format!("and {} more kinds", kinds.len() - shown),
        };
        cells.push(if per_line == 1 {
            let names: Vec<_> = kinds[shown..].iter().map(|total| kind_words(total.kind)).collect();
            format!("  {name} ({}): {}", count(rest), names.join(", "))
        } else {
            format!("  {name:<23} {:>6}  see the report", count(rest))
        });
    }
    let column = width / per_line;
    let head = "Breaks                     count  at risk";
    let mut lines = vec![title(head, color)];
    // Down the first column, then down the second.
    let high = cells.len().div_ceil(per_line);
    for at in 0..high {
        let mut line = String::new();
        for cell in cells[at..].iter().step_by(high) {
            write!(line, "{:<column$}", cut(cell, column - 1)).expect("writing to a string cannot fail");
        }
        lines.push(fit(line.trim_end(), width));
    }
    lines
}

fn kind_cell(total: &KindTotal) -> String {
    let risk = at_risk_in_words(&total.at_risk);
    let risk = if risk.is_empty() { "-" } else { &risk };
    format!("  {:<23} {:>6}  {risk}", kind_words(total.kind), count(total.count))
}

fn foot(facts: &Facts, verdict: &Verdict, written: &[PathBuf], width: usize, color: bool) -> Vec<String> {
    let mut lines = rows(facts, width, color);
    lines.extend(to_review(facts).map(|line| fit(&line, width)));
    lines.extend(carried::line(facts).map(|line| fit(&line, width)));
    lines.extend(seals::line(facts).map(|line| fit(&line, width)));
    lines.extend(changes(facts).map(|line| fit(&line, width)));
    if let Some(first) = written.first() {
        let folder = first.parent().unwrap_or_else(|| Path::new("."));
        let names: Vec<_> =
            written.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
        // Paths are never cut: people copy them.
        lines.push(format!("Written to {}", visible(&folder.to_string_lossy())));
        lines.push(fit(&format!("  {}", names.join(" ")), width));
    }
    let why = match verdict.exit {
        ExitCode::Done => "the work is done",
        ExitCode::GateBreached => "a gate of the job is breached",
        ExitCode::PersonNeeded => "a person is needed, see Effects",
        ExitCode::InvariantFailed => "an invariant failed, please report it",
        ExitCode::ProviderUnavailable => "the provider did not answer, the next run goes on",
        ExitCode::TryAgainLater => "not all could be sent yet, the next run goes on",
        ExitCode::CredentialsRefused => "the provider refused the credentials",
        _ => "not all could be sent, see Effects",
    };
    lines.push(format!("Exit code {}: {why}.", verdict.exit as u8));
    lines
}

fn rows(facts: &Facts, width: usize, color: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, account) in facts.statement.rows.iter().take(Side::ALL.len()).enumerate() {
        if index == 0 {
            let heads = if facts.is_sending() {
                "Rows             read   accepted    waiting     breaks  quarant.   excluded"
            } else {
                "Rows             read    matched   expected     breaks  quarant.   excluded"
            };
            lines.push(title(&fit(heads, width), color));
        }
        let line = format!(
            "  {:<9}{:>10} {:>10} {:>10} {:>10} {:>9} {:>10}",
            facts.rows_words(account.side),
            count(account.read),
            count(account.matched),
            count(account.expected),
            count(account.breaks),
            count(account.quarantined),
            count(account.excluded)
        );
        lines.push(fit(&line, width));
    }
    lines
}

/// What waits for a person besides the breaks.
fn to_review(facts: &Facts) -> Option<String> {
    let mut parts = Vec::new();
    if !facts.suggestions.is_empty() {
        parts.push(counted(facts.suggestions.len() as u64, "suggested match", "suggested matches"));
    }
    if let Some(first) = facts.quarantine.first() {
        let number = counted(facts.quarantine.len() as u64, "quarantined row", "quarantined rows");
        let which = if facts.quarantine.len() == 1 { "" } else { "the first: " };
        parts.push(format!("{number} ({which}{} line {}, {})", first.file_name, first.line, first.reason));
    }
    (!parts.is_empty()).then(|| format!("To review: {}", parts.join(", ")))
}

fn changes(facts: &Facts) -> Option<String> {
    let changes = facts.changes.as_ref()?;
    let inputs = if changes.inputs_unchanged {
        "inputs unchanged".to_owned()
    } else if changes.changed_inputs.is_empty() {
        "job or inputs changed".to_owned()
    } else {
        format!("changed: {}", changes.changed_inputs.join(", "))
    };
    let breaks = match (changes.new_breaks, changes.gone_breaks) {
        (0, 0) => "the same breaks".to_owned(),
        (new, gone) => format!("{}, {} gone", counted(new, "new break", "new breaks"), count(gone)),
    };
    Some(format!("Since attempt {}: {breaks}; {inputs}", changes.against_attempt))
}
