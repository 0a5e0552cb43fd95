//! What the shipped days hold for effects: the news of audits, and purchases that look like fraud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::SecretString;
use tieout::breaks::BreakStatus;
use tieout::effects::news::{follow, news_words, verdict_on_break};
use tieout::effects::{Event, Standing, State, apply};
use tieout::frames::{AuditUpdate, Side, load};
use tieout::job::{Format, preset};

use crate::audit_news::{acknowledged, effect, in_doubt, standing};
use crate::reading_support::{Shelf, ledger};
use crate::support_facts::at;

/// What a day's shipped log says about audits, its signatures checked.
fn updates(day: &str) -> Vec<AuditUpdate> {
    let preset = preset::by_name("kard-notifications").unwrap();
    let mut input = ledger(Format::WebhookLog);
    input.side = Side::Webhooks;
    input.mapping.fields = preset.fields;
    input.mapping.statuses = preset.statuses;
    input.quarantine_limit = 10;
    let name = format!("webhooks-{day}.jsonl.gz");
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/data").join(&name)).unwrap();
    let shelf = Shelf::new();
    let key = SecretString::from("sandbox-webhook-key");
    let frame = load(&input, vec![shelf.file(&name, &bytes)], &[key]).unwrap();
    assert_eq!(frame.warnings, [], "{day}");
    frame.audit_updates
}

#[test]
fn the_days_after_the_first_tell_what_became_of_its_audits() {
    let told = |day: &str| -> Vec<String> {
        let line = |update: &AuditUpdate| {
            let code = update.resolution_code.map_or_else(|| "-".to_owned(), |code| code.to_string());
            format!("{} {} {code} {}", update.transaction, update.status, update.received_at.unwrap())
        };
        updates(day).iter().map(line).collect()
    };
    assert_eq!(
        told("2025-03-20"),
        [
            "txn-0319-0019 NEW - 2025-03-20 11:05:17 UTC",
            "txn-0319-0012 NEW - 2025-03-20 11:06:17 UTC",
            "txn-0319-0019 IN_PROGRESS - 2025-03-20 15:20:17 UTC",
        ]
    );
    // The repeat is not among them.
    assert_eq!(
        told("2025-03-21"),
        [
            "txn-0319-0019 CLOSED 5004 2025-03-21 10:10:17 UTC",
            "txn-0319-0012 CLOSED 5005 2025-03-21 10:40:17 UTC",
            "txn-0319-0015 CLOSED 5009 2025-03-21 11:30:17 UTC",
            "txn-0319-0023 ESCALATED - 2025-03-21 13:00:17 UTC",
        ]
    );
    assert_eq!(told("2025-03-22"), [""; 0]);
}

#[test]
fn audits_of_the_first_day_follow_the_shipped_news_to_their_end() {
    let of = |transaction: &str, events| standing(&effect(transaction, 1, "b1"), events);
    // One acknowledged, one in doubt, one that Kard has spoken of only.
    let mut standings = [
        of("txn-0319-0019", acknowledged(Some("kard-1"))),
        of("txn-0319-0012", in_doubt()),
        of("txn-0319-0015", vec![]),
    ];
    let mut journal = Vec::new();
    for day in ["2025-03-20", "2025-03-21"] {
        for (id, event) in follow(&standings, &updates(day)) {
            let standing = standings.iter_mut().find(|standing| standing.effect.id == id).unwrap();
            *standing = apply(Some(standing), &id, &event, at("2025-03-22T08:00:00Z")).unwrap();
            let Event::News(news) = event else { panic!("{event:?} is no news") };
            journal.push(format!("{} {}", standing.effect.transaction(), news_words(&news)));
        }
    }
    let expected = [
        "txn-0319-0019 new",
        "txn-0319-0012 new",
        "txn-0319-0019 in progress",
        "txn-0319-0019 closed: reward dispute resolved (5004)",
        "txn-0319-0012 closed: transaction will be marked for writeoff (5005)",
        "txn-0319-0015 closed: no change needed (5009)",
    ];
    assert_eq!(journal, expected);
    let ended = |standing: &Standing| (standing.state, verdict_on_break(standing.news.as_ref().unwrap()));
    let wanted = [BreakStatus::Resolved, BreakStatus::WrittenOff, BreakStatus::Open];
    assert_eq!(standings.each_ref().map(ended), wanted.map(|status| (State::Acknowledged, status)));
}

/// The settled rows of the ledger of the third day, by column.
fn ledger_rows() -> Vec<BTreeMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/data/ledger-2025-03-21.csv");
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect();
    rows.into_iter().filter(|row| ["posted", "refunded"].contains(&&*row["state"])).collect()
}

fn cents(row: &BTreeMap<String, String>) -> i64 {
    row["amount"].replace('.', "").parse().unwrap()
}

#[test]
fn the_third_day_holds_one_of_each_suspicion_and_no_more() {
    let rows = ledger_rows();
    let purchases: Vec<_> = rows.iter().filter(|row| row["direction"] == "DEBIT").collect();

    // More than five purchases of a card within twenty minutes.
    let mut times = BTreeMap::<&str, Vec<i64>>::new();
    for row in &purchases {
        times.entry(&row["last4"]).or_default().push(at(&row["booked_at"]).timestamp());
    }
    let bursts = |times: &[i64]| times.windows(6).any(|window| window[5] - window[0] <= 20 * 60);
    let fast: Vec<_> =
        times.iter().filter(|(_, times)| bursts(times)).map(|(card, times)| (*card, times.len())).collect();
    assert_eq!(fast, [("4101", 7)]);

    let mut users = BTreeMap::<&str, BTreeSet<&str>>::new();
    for row in &rows {
        users.entry(&row["last4"]).or_default().insert(&row["user_id"]);
    }
    let shared: Vec<_> =
        users.iter().filter(|(_, users)| users.len() > 1).map(|(card, users)| (*card, users.len())).collect();
    assert_eq!(shared, [("4102", 3)]);

    let mut balance = BTreeMap::<&str, i64>::new();
    for row in &rows {
        let sign = if row["direction"] == "DEBIT" { 1 } else { -1 };
        *balance.entry(&row["user_id"]).or_default() += sign * cents(row);
    }
    let negative: Vec<_> =
        balance.iter().filter(|(_, cents)| **cents < 0).map(|(user, cents)| (*user, *cents)).collect();
    assert_eq!(negative, [("user-105", -96_15)]);

    // Twenty times the median of at least five earlier ones.
    let mut amounts = BTreeMap::<&str, Vec<i64>>::new();
    let mut outliers = Vec::new();
    for row in &purchases {
        let earlier = amounts.entry(&row["user_id"]).or_default();
        earlier.sort_unstable();
        if earlier.len() >= 5 && cents(row) >= 20 * earlier[earlier.len() / 2] {
            outliers.push((row["user_id"].as_str(), cents(row)));
        }
        earlier.push(cents(row));
    }
    assert_eq!(outliers, [("user-106", 18_040)]);

    let denied: Vec<_> =
        rows.iter().filter(|row| row["merchant"] == "CASINO ROYALE").map(|row| row["user_id"].as_str()).collect();
    assert_eq!(denied, ["user-107"]);
}
