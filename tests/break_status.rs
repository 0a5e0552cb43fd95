//! Breaks follow their audits: what is resolved or written off is shown as such, and counts at no gate.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

use polars::prelude::{ParquetReader, SerReader};
use tieout::breaks::found::sightings;
use tieout::breaks::observe::{Observation, after, steps};
use tieout::breaks::{Break, BreakKind, BreakStatus, Breaks, gates};
use tieout::effects::{EffectKind, Event, Standing, news::disputes};
use tieout::exit::ExitCode;
use tieout::frames::Measure;
use tieout::job::Gates;
use tieout::report::facts::Facts;
use tieout::report::lives;
use tieout::report::verdict::{Tone, verdict};
use tieout::report::{csv, html, json, parquet, terminal_summary};

use crate::audit_news::{acknowledged, effect, news, standing};
use crate::support::utc;
use crate::support_facts::{a_day, clean, found};

/// An audit of the break with these news.
fn audit(found: &Break, opening: u32, events: Vec<Event>) -> Standing {
    standing(&effect(&found.key, opening, &found.id), events)
}

fn closed(code: i64) -> Vec<Event> {
    let mut events = acknowledged(Some("a1"));
    events.push(Event::News(news("CLOSED", Some(code))));
    events
}

fn reopened(code: i64) -> Vec<Event> {
    let mut events = closed(code);
    events.push(Event::Reopened { by: "Ada".to_owned(), reason: "not paid".to_owned() });
    events
}

/// Breaks that a first run finds, with what these audits say.
fn follow_audits(facts: &mut Facts, limits: &Gates, audits: &[Standing]) {
    let at = utc("2025-03-20T09:45:00Z");
    let observation = Observation {
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        found: sightings("2025-03-19", at, &facts.breaks, &[]),
        disputes: disputes(audits),
        ..Observation::default()
    };
    let known = HashMap::new();
    let now = after(&known, steps(&observation, &known), at).unwrap();
    lives::tell(facts, limits, at.date_naive(), |id| now.get(id));
}

fn follow_breaks(breaks: &mut [Break], audits: &[Standing]) {
    let mut facts = Facts { breaks: breaks.to_vec().into(), ..clean() };
    follow_audits(&mut facts, &Gates::default(), audits);
    breaks.clone_from_slice(&facts.breaks.to_vec());
}

/// A day of which the break of 44.20 is resolved and that of 31.00 written off.
fn settled_day() -> Facts {
    let mut facts = a_day();
    facts.breaks.set_status(0, BreakStatus::Resolved);
    facts.breaks.set_status(2, BreakStatus::WrittenOff);
    facts
}

#[test]
fn the_latest_opening_that_stands_behind_a_break_decides() {
    use BreakStatus::{InDispute, Open, Resolved, WrittenOff};
    let found = found(BreakKind::RewardMissing, "t1", "USD", 67);
    let progress = |audit: &str| {
        let mut events = acknowledged(Some(audit));
        events.push(Event::News(news("IN_PROGRESS", None)));
        events
    };
    let mut marker = audit(&found, 1, closed(5004));
    marker.effect.key.kind = EffectKind::FraudMarker;
    let other = standing(&effect("t1", 2, "another break"), closed(5005));
    let mut groundless = audit(&found, 1, closed(5004));
    groundless.effect.grounds[0].break_id = None;
    let cases = [
        ("no audit", vec![], Open),
        ("not sent", vec![audit(&found, 1, vec![])], Open),
        ("no news", vec![audit(&found, 1, acknowledged(Some("a1")))], InDispute),
        ("in progress", vec![audit(&found, 1, progress("a1"))], InDispute),
        ("resolved", vec![audit(&found, 1, closed(5004))], Resolved),
        ("written off", vec![audit(&found, 1, closed(5005))], WrittenOff),
        ("no change", vec![audit(&found, 1, closed(5009))], Open),
        ("opened again", vec![audit(&found, 1, reopened(5004))], Open),
        (
            "the second is on its way",
            vec![audit(&found, 2, progress("a2")), audit(&found, 1, reopened(5004))],
            InDispute,
        ),
        ("the second is over", vec![audit(&found, 1, reopened(5009)), audit(&found, 2, closed(5002))], Resolved),
        ("the second is about another break", vec![audit(&found, 1, closed(5004)), other], Resolved),
        ("a fraud marker settles nothing", vec![marker], Open),
        ("grounds without a break", vec![groundless], Open),
    ];
    for (name, standings, expected) in cases {
        let mut breaks = [found.clone()];
        follow_breaks(&mut breaks, &standings);
        assert_eq!(breaks[0].status, expected, "{name}");
        assert_eq!(breaks[0].detail, found.detail, "{name}");
    }
}

#[test]
fn each_break_follows_its_own_audit_and_an_earlier_status_does_not_stick() {
    let mut breaks = a_day().breaks.to_vec();
    breaks[1].status = BreakStatus::WrittenOff;
    let standings = [audit(&breaks[0], 1, closed(5001)), audit(&breaks[2], 1, closed(5005))];
    follow_breaks(&mut breaks, &standings);
    let statuses: Vec<&str> = breaks.iter().map(|found| found.status.name()).collect();
    assert_eq!(statuses, ["resolved", "open", "written_off", "open", "open", "open", "open"]);
}

#[test]
fn gates_and_what_is_at_risk_count_open_breaks_only() {
    let facts = settled_day();
    let limits = Gates { max_breaks: Some(4), max_break_amount_minor: BTreeMap::from([("USD".to_owned(), 26_74)]) };
    let held = |breaks: &Breaks| -> Vec<String> {
        let results = gates::check(&limits, breaks);
        results
            .iter()
            .map(|gate| format!("{}: {} of {}, {}", gate.gate, gate.found, gate.limit, gate.breached))
            .collect()
    };
    assert_eq!(held(&a_day().breaks), ["max_breaks: 7 of 4, true", "max_break_amount USD: 101.95 of 26.74, true"]);
    assert_eq!(held(&facts.breaks), ["max_breaks: 5 of 4, true", "max_break_amount USD: 26.75 of 26.74, true"]);
    let usd = |measure| ("USD".to_owned(), measure);
    let at_risk = BTreeMap::from([
        (("KWD".to_owned(), Measure::TransactionAmount), 1_500),
        (usd(Measure::TransactionAmount), 25_50),
        (usd(Measure::UserReward), 1_25),
    ]);
    assert_eq!(facts.at_risk(), at_risk);
    let counts = BreakStatus::ALL.map(|status| facts.with_status(status));
    assert_eq!((counts, facts.open_breaks()), ([5, 0, 0, 0, 1, 1, 0], 5));
}

#[test]
fn audits_that_settle_breaks_take_them_from_the_gates() {
    let mut facts = a_day();
    let limits = Gates { max_breaks: Some(6), max_break_amount_minor: BTreeMap::new() };
    let standings = [audit(&facts.breaks.get(0), 1, closed(5004)), audit(&facts.breaks.get(3), 1, closed(5009))];
    let gate = |facts: &Facts| {
        let [gate] = &facts.gates[..] else { panic!("one gate is declared: {:?}", facts.gates) };
        (gate.found.clone(), gate.breached)
    };
    follow_audits(&mut facts, &limits, &[]);
    assert_eq!(gate(&facts), ("7".to_owned(), true));
    follow_audits(&mut facts, &limits, &standings);
    assert_eq!(gate(&facts), ("6".to_owned(), false));
    assert_eq!(facts.breaks.head(0).status, BreakStatus::Resolved);
    assert_eq!(facts.with_status(BreakStatus::Open), 6);
}

#[test]
fn the_verdict_counts_what_is_open_and_tells_what_is_settled() {
    let headline = |facts: &Facts| verdict(facts).headline;
    let mut facts = settled_day();
    assert_eq!(headline(&facts), "Ties out with 5 breaks to review, and 1 resolved, 1 written off");
    assert_eq!(verdict(&facts).sentences[1], "At risk: KWD 1.500, USD 26.75.");
    facts.gates[0].breached = true;
    assert_eq!(headline(&facts), "Ties out with 5 breaks, and 1 resolved, 1 written off; 1 gate is breached");
    assert_eq!(headline(&a_day()), "Ties out with 7 breaks to review");

    let mut settled = clean();
    let both = [found(BreakKind::RewardMissing, "t1", "USD", 67), found(BreakKind::RewardMissing, "t2", "USD", 5)];
    settled.breaks = both.into_iter().collect();
    settled.breaks.set_statuses(|_| BreakStatus::Resolved);
    let told = verdict(&settled);
    assert_eq!((told.tone, told.exit), (Tone::Clean, ExitCode::Done));
    assert_eq!(told.headline, "Ties out, no breaks to review, and 2 resolved");
    assert_eq!(told.sentences, ["Every difference is explained; all 2 rows are accounted for."]);
    settled.quarantine = a_day().quarantine;
    assert_eq!(headline(&settled), "Ties out with no breaks to review, and 2 resolved");
}

#[test]
fn the_terminal_lists_settled_breaks_without_a_risk() {
    let text = terminal_summary(&settled_day(), &[], 80, false);
    let lines: Vec<&str> =
        text.lines().filter(|line| line.contains(" missing  ") || line.contains("missing in")).collect();
    let expected = [
        "    break: missing in ledger -64.20 (2), break: reward missing +31.00 (1), brea…",
        "  missing in ledger            2  USD 20.00",
        "  reward missing               1  -",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn files_and_page_show_the_status_of_each_break() {
    let facts = settled_day();
    let mut sheet = Vec::new();
    csv::render(&facts, &mut sheet).unwrap();
    let sheet = String::from_utf8(sheet).unwrap();
    let column = sheet.lines().next().unwrap().split(',').position(|name| name == "status").unwrap();
    let statuses: Vec<&str> = sheet.lines().skip(1).map(|line| line.split(',').nth(column).unwrap()).collect();
    assert_eq!(statuses, ["resolved", "open", "written_off", "open", "open", "open", "open"]);

    let mut table = Vec::new();
    parquet::render(&facts, &mut table).unwrap();
    let table = ParquetReader::new(Cursor::new(table)).finish().unwrap();
    let column = table.column("status").unwrap().str().unwrap();
    assert_eq!(column.iter().map(Option::unwrap).collect::<Vec<_>>(), statuses);

    let page = html::render(&facts, 100);
    assert_eq!(page.matches("</strong> (resolved)<br>").count(), 1);
    assert_eq!(page.matches("</strong> (written off)<br>").count(), 1);
    assert_eq!(page.matches("(open)").count(), 0);

    let summary = serde_json::to_value(json::summary(&facts)).unwrap();
    let counts = ["count", "open", "resolved", "written_off"].map(|name| summary["breaks"][name].as_u64());
    assert_eq!(counts, [Some(7), Some(5), Some(1), Some(1)]);
}
