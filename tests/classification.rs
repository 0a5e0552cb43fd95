//! Each break kind that one day can show, from the rows that make it, and what is no break.

use tieout::breaks::{BreakKind, files, gates, sending};
use tieout::frames::{ControlKind, ControlMismatch, Frame, Measure, Side, Warning, WarningKind};
use tieout::job::{Due, Gates};
use tieout::matching::Rules;
use tieout::sources::Origin;

use crate::breaks_of_sending::{rejected, unheard};
use crate::support::engine::compare;
use crate::support::frames::{Row, day, frame, hour, notice, row, rules};

/// One case: what the three sides say, and what must be found (kind, measure's amount at risk).
struct Case {
    name: &'static str,
    file: Vec<Row>,
    ledger: Vec<Row>,
    webhooks: Vec<Row>,
    found: Vec<(BreakKind, i64)>,
}

fn settled(id: &str) -> Row {
    notice(id, "SETTLED")
}

fn case(name: &'static str, file: Vec<Row>, ledger: Vec<Row>, webhooks: Vec<Row>, found: &[(BreakKind, i64)]) -> Case {
    Case { name, file, ledger, webhooks, found: found.to_vec() }
}

fn presence() -> Vec<Case> {
    use BreakKind as K;
    vec![
        case("all sides agree", vec![row("a")], vec![row("a")], vec![settled("a")], &[]),
        case("booked and notified", vec![], vec![row("a")], vec![settled("a")], &[(K::MissingInFile, 1_000)]),
        case("in file and notified", vec![row("a")], vec![], vec![settled("a")], &[(K::MissingInLedger, 1_000)]),
        case("in file and booked", vec![row("a")], vec![row("a")], vec![], &[(K::MissingWebhook, 1_000)]),
        case("only in the file", vec![row("a")], vec![], vec![], &[(K::FileOnly, 1_000)]),
        case("only notified", vec![], vec![], vec![settled("a")], &[(K::WebhookOnly, 100)]),
        case("only booked, with a reward", vec![], vec![row("a")], vec![], &[(K::RewardMissing, 100)]),
        case("only booked, no reward due", vec![], vec![row("a").reward(0)], vec![], &[]),
        case("only booked, declined", vec![], vec![row("a").status("DECLINED")], vec![], &[]),
        case("only booked, authorised", vec![], vec![row("a").status("APPROVED")], vec![], &[]),
        case("a failed notice explains", vec![], vec![row("a")], vec![notice("a", "FAILED").reason("cap")], &[]),
        case("in grace", vec![], vec![row("a").at(hour(21))], vec![], &[]),
        case("just out of grace", vec![], vec![row("a").at(hour(20))], vec![], &[(K::RewardMissing, 100)]),
        case("another day's rows", vec![row("a").at(hour(-30))], vec![row("b").at(hour(40))], vec![], &[]),
    ]
}

fn values() -> Vec<Case> {
    use BreakKind as K;
    let two = |left: Row, right: Row, found: &[(K, i64)], name| {
        case(name, vec![left], vec![right], vec![settled("a")], found)
    };
    vec![
        two(row("a"), row("a").amount(990), &[(K::AmountMismatch, 10)], "amount"),
        two(row("a"), row("a").commission(199), &[(K::RewardMismatch, 1)], "commission"),
        two(row("a").reward(90), row("a"), &[(K::RewardMismatch, 10)], "reward"),
        two(row("a"), row("a").currency("EUR"), &[(K::CurrencyMismatch, 1_000)], "currency"),
        two(row("a"), row("a").status("APPROVED"), &[(K::StatusMismatch, 1_000)], "status"),
        two(row("a"), row("a").last_four("9999"), &[(K::IdentityMismatch, 1_000)], "card"),
        two(row("a"), row("a").at(hour(40)), &[(K::PeriodMismatch, 1_000)], "28 hours apart"),
        two(row("a"), row("a").at(hour(35)), &[], "23 hours apart, across midnight"),
        case(
            "user of the notification",
            vec![row("a")],
            vec![row("a")],
            vec![settled("a").user("other")],
            &[(K::IdentityMismatch, 1_000)],
        ),
        case(
            "amount and reward",
            vec![row("a").amount(2_000).reward(200)],
            vec![row("a")],
            vec![settled("a").reward(200)],
            &[(K::AmountMismatch, 1_000), (K::RewardMismatch, 100)],
        ),
    ]
}

fn multiplicity() -> Vec<Case> {
    use BreakKind as K;
    let parts = |first: i64, second: i64| {
        vec![
            row("a").status("APPROVED").reward(0).commission(0).at(hour(9)),
            row("a").amount(first).reward(60).commission(120).at(hour(10)),
            row("a").amount(second).reward(40).commission(80).at(hour(11)),
        ]
    };
    let books =
        |ledger: Vec<Row>, found: &[(K, i64)], name| case(name, vec![row("a")], ledger, vec![settled("a")], found);
    vec![
        books(vec![row("a"), row("a")], &[(K::DuplicateRow, 1_000)], "the same row twice"),
        books(vec![row("a"), row("a").amount(5)], &[(K::ConflictingRows, 1_000)], "one time, two amounts"),
        books(vec![row("a"), row("a").user("other").at(hour(13))], &[(K::ConflictingRows, 1_000)], "two users"),
        books(parts(600, 400), &[], "a split that adds up"),
        books(parts(600, 300), &[(K::SplitIncomplete, 100)], "a split that falls short"),
        books(parts(600, 500), &[(K::SplitExcess, 100)], "a split that goes beyond"),
        case(
            "a repeat under another id",
            vec![row("a")],
            vec![row("a")],
            vec![settled("a"), settled("a").event("again")],
            &[(K::DuplicateRow, 0)],
        ),
        case(
            "two candidates",
            vec![row("f")],
            vec![row("l1"), row("l2").at(hour(13))],
            vec![],
            &[(K::AmbiguousMatch, 1_000), (K::AmbiguousMatch, 1_000), (K::AmbiguousMatch, 1_000)],
        ),
        case("one candidate is suggested", vec![row("f")], vec![row("l")], vec![settled("l")], &[]),
        case(
            "a candidate two days away",
            vec![row("f")],
            vec![row("l").at(hour(-40))],
            vec![settled("l")],
            &[(K::MissingInFile, 1_000), (K::FileOnly, 1_000)],
        ),
    ]
}

fn reversals() -> Vec<Case> {
    use BreakKind as K;
    let back = |minor: i64| row("a").status("RETURNED").amount(minor).reward(0).commission(0).at(hour(15));
    let books =
        |ledger: Vec<Row>, found: &[(K, i64)], name| case(name, vec![row("a")], ledger, vec![settled("a")], found);
    vec![
        books(vec![row("a"), back(-1_200)], &[(K::ReturnsExceedPurchase, 200)], "more back than bought"),
        case(
            "paid out, then all of it returned",
            vec![row("a").paid()],
            vec![row("a"), back(-1_000)],
            vec![settled("a")],
            &[(K::ReversedAfterPayout, 200)],
        ),
        case(
            "paid out, but reversed",
            vec![row("a").paid()],
            vec![row("a").status("REVERSED").amount(-1_000)],
            vec![settled("a")],
            &[(K::ReversedAfterPayout, 200)],
        ),
        case(
            "clawback of a reward still held",
            vec![row("a")],
            vec![row("a")],
            vec![settled("a"), notice("a", "CLAWBACK")],
            &[(K::ClawbackUnbooked, 100)],
        ),
        case(
            "clawed back before the file was made, and still held",
            vec![],
            vec![row("a")],
            vec![settled("a"), notice("a", "CLAWBACK")],
            &[(K::ClawbackUnbooked, 100)],
        ),
        case(
            "clawed back and returned before the file was made",
            vec![],
            vec![row("a"), back(-1_000).reward(-100).commission(-200)],
            vec![settled("a"), notice("a", "CLAWBACK")],
            &[],
        ),
        case(
            "clawed back, and booked by nobody",
            vec![],
            vec![],
            vec![settled("a"), notice("a", "CLAWBACK")],
            &[(K::WebhookOnly, 100)],
        ),
        case(
            "clawback of an older purchase",
            vec![],
            vec![row("a")],
            vec![notice("a", "CLAWBACK")],
            &[(K::ClawbackUnbooked, 100)],
        ),
    ]
}

#[test]
fn every_kind_that_rows_can_show_is_found_with_its_amount_at_risk_and_nothing_else_is() {
    let cases = [presence(), values(), multiplicity(), reversals()].concat();
    let mut shown: Vec<BreakKind> = Vec::new();
    for case in cases {
        let frames =
            [frame(Side::File, &case.file), frame(Side::Ledger, &case.ledger), frame(Side::Webhooks, &case.webhooks)];
        let comparison = compare(&rules(), &frames).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let breaks = comparison.breaks();
        let found: Vec<_> = breaks.iter().map(|found| (found.kind, found.at_risk_minor)).collect();
        assert_eq!(found, case.found, "{}: {breaks:#?}", case.name);
        shown.extend(found.iter().map(|(kind, _)| *kind));
    }
    shown.extend(ageing_kinds());
    shown.extend(file_kinds());
    shown.extend(sending_kinds());
    shown.extend(crate::month_kinds::kinds_of_months());
    shown.extend(crate::compare_states::kinds_of_states());
    shown.extend(crate::since_run_before::kinds_of_changes());
    let unseen: Vec<_> = BreakKind::ALL.iter().filter(|kind| !shown.contains(kind)).collect();
    assert!(unseen.is_empty(), "no case for {unseen:?}");
}

/// What the break says of a row of noon.
const UNSETTLED: &str = "authorised 2025-03-19 12:00:00 UTC (10.00 USD), and within the day neither settled nor voided; \
                         the job allows 6h";

fn ageing_kinds() -> Vec<BreakKind> {
    let rules = |hours: Option<i64>| Rules { settles_within: hours.map(chrono::TimeDelta::hours), ..rules() };
    let open = || row("a").status("APPROVED");
    let approved = || notice("a", "APPROVED");
    // What is booked and notified, how long it may stay open, and what it is.
    let table = [
        ("nobody says for how long", vec![open()], vec![], None, Vec::new()),
        ("as long as the job allows", vec![open()], vec![], Some(12), Vec::new()),
        ("longer", vec![open()], vec![], Some(6), vec![BreakKind::AuthorizedUnsettled]),
        ("longer, and notified", vec![open()], vec![approved()], Some(6), vec![BreakKind::AuthorizedUnsettled]),
        ("notified only: nothing is booked", vec![], vec![approved()], Some(6), Vec::new()),
        ("voided", vec![open().status("REVERSED").amount(0)], vec![], Some(6), Vec::new()),
        ("declined", vec![open().status("DECLINED")], vec![], Some(6), Vec::new()),
        ("settled: another kind of the same rule", vec![row("a")], vec![], Some(6), vec![BreakKind::RewardMissing]),
    ];
    let mut shown = Vec::new();
    for (name, ledger, webhooks, hours, expected) in table {
        let frames = [frame(Side::File, &[]), frame(Side::Ledger, &ledger), frame(Side::Webhooks, &webhooks)];
        let breaks = compare(&rules(hours), &frames).unwrap().breaks();
        let kinds: Vec<BreakKind> = breaks.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, expected, "{name}: {breaks:#?}");
        for found in breaks.iter().filter(|found| found.kind == BreakKind::AuthorizedUnsettled) {
            assert_eq!((found.at_risk_minor, found.measure, found.age_days), (1_000, Measure::TransactionAmount, 0));
            assert_eq!(found.detail, UNSETTLED, "{name}");
        }
        shown.extend(kinds);
    }
    shown
}

#[test]
fn what_is_booked_and_stays_open_for_too_long_is_a_break_and_keeps_its_id_when_it_settles_without_a_reward() {
    assert!(ageing_kinds().contains(&BreakKind::AuthorizedUnsettled));
    let found = |status: &str| {
        let ledger = [row("a").status(status)];
        let frames = [frame(Side::File, &[]), frame(Side::Ledger, &ledger), frame(Side::Webhooks, &[])];
        let rules = Rules { settles_within: Some(chrono::TimeDelta::hours(6)), ..rules() };
        compare(&rules, &frames).unwrap().breaks().remove(0)
    };
    let (before, after) = (found("APPROVED"), found("SETTLED"));
    assert_eq!((before.kind, after.kind), (BreakKind::AuthorizedUnsettled, BreakKind::RewardMissing));
    assert_eq!(before.id, after.id);
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            file: self.file.clone(),
            ledger: self.ledger.clone(),
            webhooks: self.webhooks.clone(),
            found: self.found.clone(),
        }
    }
}

/// A frame with one trouble of each kind that a whole file can have.
fn troubled_file() -> Frame {
    let mut troubled = frame(Side::File, &[row("a")]);
    let mut again = troubled.files[0].clone();
    "again.json".clone_into(&mut again.name);
    troubled.files.push(again);
    troubled.files[0].origin = Origin::Provider {
        provider: "kard".to_owned(),
        file_id: "1".to_owned(),
        file_type: "earnedRewardSettledDailyReconciliationFile".to_owned(),
        sent_at: day().end + chrono::TimeDelta::hours(13),
        last_modified: day().end,
    };
    troubled.control_mismatches =
        vec![ControlMismatch { side: Side::File, file: 0, what: ControlKind::Rows, stated: 2, found: 1 }];
    troubled.warnings = vec![Warning {
        side: Some(Side::File),
        kind: WarningKind::SchemaDrift,
        file: Some("file.csv".to_owned()),
        message: "file.csv has a column `colour` that is not known".to_owned(),
    }];
    troubled
}

fn file_kinds() -> Vec<BreakKind> {
    let earlier = files::EarlierFile { side: Side::File, name: "file.csv".to_owned(), sha256: "other".to_owned() };
    let due = Due::After(chrono::TimeDelta::hours(12));
    let mut found = files::of_frame("rewards-daily", &day(), Some(&due), &troubled_file(), &[earlier]);
    found.push(files::missing("rewards-daily", Side::File, ("kard monthly", None), None, &day()));
    found.iter().map(|found| found.kind).collect()
}

/// What only a job that sends can show.
fn sending_kinds() -> Vec<BreakKind> {
    let (row, file) = (rejected("a"), unheard("core-1.jsonl.gz"));
    let now = file.since + file.within * 2;
    let mut found = sending::row_rejected("core-upload", &day(), &[row]);
    found.extend(sending::unacknowledged("core-upload", &day(), &[file], now));
    found.iter().map(|found| found.kind).collect()
}

#[test]
fn a_job_that_sends_shows_refused_rows_and_files_that_nobody_has_heard_of() {
    assert_eq!(sending_kinds(), [BreakKind::RowRejected, BreakKind::Unacknowledged]);
}

#[test]
fn a_file_that_is_late_repeated_changed_and_drifted_shows_one_break_of_each_kind() {
    use BreakKind as K;
    let expected = [K::FileLate, K::FileChanged, K::FileDuplicate, K::ControlTotal, K::SchemaDrift, K::FileMissing];
    assert_eq!(file_kinds(), expected);
}

#[test]
fn a_break_keeps_its_id_when_its_kind_changes() {
    let find = |ledger: &[Row]| {
        let frames = [frame(Side::File, &[row("a")]), frame(Side::Ledger, ledger), frame(Side::Webhooks, &[])];
        let breaks = compare(&rules(), &frames).expect("ties out").breaks();
        (breaks[0].kind, breaks[0].id.clone())
    };
    let (only_file, first) = find(&[]);
    let (no_webhook, second) = find(&[row("a")]);
    assert_eq!((only_file, no_webhook), (BreakKind::FileOnly, BreakKind::MissingWebhook));
    assert_eq!(first, second);
    assert_eq!(first.len(), 16);
}

#[test]
fn with_two_sides_the_absent_one_names_the_kind() {
    let cases = [
        (vec![Side::File, Side::Ledger], Side::File, BreakKind::MissingInLedger),
        (vec![Side::File, Side::Ledger], Side::Ledger, BreakKind::RewardMissing),
        (vec![Side::File, Side::Webhooks], Side::File, BreakKind::MissingWebhook),
        (vec![Side::File, Side::Webhooks], Side::Webhooks, BreakKind::MissingInFile),
        (vec![Side::Ledger, Side::Webhooks], Side::Ledger, BreakKind::MissingWebhook),
        (vec![Side::Ledger, Side::Webhooks], Side::Webhooks, BreakKind::MissingInLedger),
    ];
    for (sides, stated, kind) in cases {
        let one = |side: Side| if side == Side::Webhooks { settled("a") } else { row("a") };
        let frames: Vec<Frame> =
            sides.iter().map(|side| frame(*side, &if *side == stated { vec![one(*side)] } else { vec![] })).collect();
        let rules = Rules { sides: sides.clone(), ..rules() };
        let found: Vec<_> =
            compare(&rules, &frames).expect("ties out").breaks().iter().map(|found| found.kind).collect();
        assert_eq!(found, [kind], "{sides:?}, only {stated}");
    }
}

#[test]
fn what_waits_for_a_missing_file_is_expected() {
    let rules = Rules { missing: vec![Side::File], ..rules() };
    let frames = [frame(Side::File, &[]), frame(Side::Ledger, &[row("a")]), frame(Side::Webhooks, &[settled("a")])];
    let comparison = compare(&rules, &frames).expect("ties out");
    assert!(comparison.breaks().is_empty());
    assert_eq!(
        comparison.expected().into_iter().collect::<Vec<_>>(),
        [("waits for a file that is not there".to_owned(), 1)]
    );
}

#[test]
fn a_suggestion_names_both_keys_and_the_rule() {
    let frames =
        [frame(Side::File, &[row("f")]), frame(Side::Ledger, &[row("l")]), frame(Side::Webhooks, &[settled("l")])];
    let suggestions = compare(&rules(), &frames).expect("ties out").suggestions();
    assert_eq!(suggestions[0].keys, ["f", "l"]);
    assert_eq!(suggestions[0].rule, "card_last_four, amount, currency within 1d");
}

#[test]
fn the_bridge_names_each_line_between_the_totals() {
    let file = [row("same"), row("less").amount(990), row("new").last_four("1111")];
    let ledger = [row("same"), row("less"), row("gone").last_four("2222"), row("same")];
    let rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules() };
    let comparison = compare(&rules, &[frame(Side::File, &file), frame(Side::Ledger, &ledger)]).expect("ties out");
    let bridge = &comparison.statement.bridges[0];
    let lines: Vec<_> = bridge.lines.iter().map(|line| (line.label.as_str(), line.count, line.amount_minor)).collect();
    assert_eq!((bridge.left, bridge.left_total_minor, bridge.right_total_minor), (Side::Ledger, 4_000, 2_990));
    let expected = [
        ("break: duplicate rows in ledger", 1, -1_000),
        ("break: missing in ledger", 1, 1_000),
        ("break: reward missing", 1, -1_000),
        ("break: amount mismatch", 1, -10),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_gate_is_breached_beyond_its_limit_and_not_at_it() {
    let frames = [frame(Side::File, &[row("a"), row("b")]), frame(Side::Ledger, &[]), frame(Side::Webhooks, &[])];
    let breaks = compare(&rules(), &frames).expect("ties out").packed();
    let breached = |max_breaks: u64, usd_minor: i64| {
        let gates =
            Gates { max_breaks: Some(max_breaks), max_break_amount_minor: [("USD".to_owned(), usd_minor)].into() };
        gates::check(&gates, &breaks).iter().map(|gate| gate.breached).collect::<Vec<_>>()
    };
    assert_eq!(breached(2, 2_000), [false, false]);
    assert_eq!(breached(1, 1_999), [true, true]);
}
