//! Inputs for which a comparison is easily wrong or misleading: what a third side hides, currencies
//! that mix, reasons that are another difference's, numbers at their edges.

use tieout::breaks::compare::Comparison;
use tieout::breaks::statement::file_totals;
use tieout::breaks::{BreakKind as K, files};
use tieout::frames::{ControlKind, ControlMismatch, Side, Warning, WarningKind};
use tieout::matching::Rules;
use tieout::report::gather::changes;

use crate::support::engine::compare;
use crate::support::frames::{Row, day, frame, hour, notice, row, rules};

fn settled(id: &str) -> Row {
    notice(id, "SETTLED")
}

fn compared(rules: &Rules, file: &[Row], ledger: &[Row], webhooks: &[Row]) -> Comparison {
    let frames = [frame(Side::File, file), frame(Side::Ledger, ledger), frame(Side::Webhooks, webhooks)];
    compare(rules, &frames).unwrap_or_else(|error| panic!("{error}"))
}

fn two_sided() -> Rules {
    Rules { sides: vec![Side::File, Side::Ledger], ..rules() }
}

fn two(rules: &Rules, file: &[Row], ledger: &[Row]) -> Comparison {
    compare(rules, &[frame(Side::File, file), frame(Side::Ledger, ledger)]).unwrap_or_else(|error| panic!("{error}"))
}

/// Kind, amount at risk and currency of every break.
fn told(comparison: &Comparison) -> Vec<(K, i64, String)> {
    comparison.breaks().into_iter().map(|found| (found.kind, found.at_risk_minor, found.currency)).collect()
}

fn kinds(comparison: &Comparison) -> Vec<K> {
    comparison.breaks().iter().map(|found| found.kind).collect()
}

/// `ledger→file USD transaction_amount: label amount` for every line of every bridge.
fn lines(comparison: &Comparison) -> Vec<String> {
    let bridges = comparison.statement.bridges.iter();
    let lines = bridges.flat_map(|bridge| bridge.lines.iter().map(move |line| (bridge, line)));
    lines
        .map(|(bridge, line)| {
            let (left, right, currency) = (bridge.left, bridge.right, &bridge.currency);
            format!("{left}→{right} {currency} {}: {} {}", bridge.measure.name(), line.label, line.amount_minor)
        })
        .collect()
}

fn usd(kind: K, at_risk_minor: i64) -> (K, i64, String) {
    (kind, at_risk_minor, "USD".to_owned())
}

#[test]
fn currencies_that_the_job_does_not_compare_are_still_not_mixed() {
    let mut rules = two_sided();
    rules.matching.currency = false;
    let comparison = two(&rules, &[row("a")], &[row("a").currency("EUR")]);
    assert_eq!(kinds(&comparison), []);
    let amounts: Vec<String> = lines(&comparison).into_iter().filter(|line| line.contains("transaction")).collect();
    assert_eq!(
        amounts,
        [
            "ledger→file EUR transaction_amount: in another currency on the other side -1000",
            "ledger→file USD transaction_amount: in another currency on the other side 1000",
        ]
    );
}

#[test]
fn what_differs_is_a_break_though_a_third_side_is_not_due() {
    let late = |row: Row| row.at(hour(22));
    let (file, ledger) = ([late(row("a"))], [late(row("a").amount(900))]);
    let in_grace = compared(&rules(), &file, &ledger, &[]);
    assert_eq!(told(&in_grace), [usd(K::AmountMismatch, 100)]);
    assert_eq!(lines(&in_grace)[0], "ledger→file USD transaction_amount: break: amount mismatch 100");
    let waiting = Rules { missing: vec![Side::File], ..rules() };
    let no_file = compared(&waiting, &[], &[row("a")], &[settled("a").reward(90)]);
    assert_eq!(told(&no_file), [usd(K::RewardMismatch, 10)]);
    assert!(lines(&no_file).contains(
        &"ledger→file USD transaction_amount: expected: waits for a file that is not there -1000".to_owned()
    ));
    let held = compared(&rules(), &[], &[row("a").status("APPROVED")], &[notice("a", "APPROVED").reward(90)]);
    assert_eq!(told(&held), [usd(K::RewardMismatch, 10)]);
    let behind = compared(&rules(), &[], &[late(row("a"))], &[late(notice("a", "APPROVED").reward(100))]);
    assert_eq!(kinds(&behind), [], "within the grace a status may lag");
}

#[test]
fn a_missing_input_excuses_only_what_waits_for_it() {
    let waiting = |side: Side| Rules { missing: vec![side], ..rules() };
    let only = |side: Side, at: Side| {
        let rows =
            |of: Side| if of == at { vec![if at == Side::Webhooks { settled("a") } else { row("a") }] } else { vec![] };
        kinds(&compared(&waiting(side), &rows(Side::File), &rows(Side::Ledger), &rows(Side::Webhooks)))
    };
    assert_eq!(only(Side::File, Side::Ledger), [], "the file may bring it");
    assert_eq!(only(Side::File, Side::Webhooks), [K::WebhookOnly], "the ledger is there and lacks it");
    assert_eq!(only(Side::Ledger, Side::Webhooks), [K::WebhookOnly], "the file is there and lacks it");
    assert_eq!(only(Side::Ledger, Side::File), [K::FileOnly], "the log is there and lacks it");
    assert_eq!(only(Side::Webhooks, Side::File), [K::FileOnly]);
    assert_eq!(only(Side::Webhooks, Side::Ledger), [K::RewardMissing]);
}

#[test]
fn a_line_within_tolerance_is_not_called_after_a_break_of_other_sides() {
    let mut rules = rules();
    rules.matching.amount_tolerance_minor = Some(5);
    rules.matching.issuer_commission_tolerance_minor = None;
    let comparison = compared(&rules, &[row("a")], &[row("a").amount(1_003).commission(7)], &[settled("a").reward(90)]);
    assert_eq!(told(&comparison), [usd(K::RewardMismatch, 10)]);
    let expected = [
        "ledger→file USD transaction_amount: within tolerance -3",
        "ledger→file USD issuer_commission: not compared by this job 193",
        "webhooks→file USD user_reward: break: reward mismatch 10",
    ];
    assert_eq!(lines(&comparison), expected);
}

#[test]
fn a_clawback_explains_rewards_and_nothing_else() {
    let webhooks = [settled("a"), notice("a", "CLAWBACK").reason("fraud")];
    let comparison = compared(&rules(), &[row("a").amount(3_000)], &[row("a")], &webhooks);
    assert_eq!(told(&comparison), [usd(K::AmountMismatch, 2_000), usd(K::ClawbackUnbooked, 100)]);
    assert_eq!(lines(&comparison)[0], "ledger→file USD transaction_amount: break: amount mismatch 2000");
    assert_eq!(
        comparison.breaks()[1].detail,
        "the provider claws the reward back (fraud), the ledger still holds 1.00 USD"
    );
}

#[test]
fn contradicting_notifications_do_not_hide_a_difference_between_file_and_ledger() {
    let webhooks = [settled("a").user("user-1"), settled("a").user("user-2").event("other")];
    let comparison = compared(&rules(), &[row("a")], &[row("a").amount(400)], &webhooks);
    assert_eq!(told(&comparison), [usd(K::AmountMismatch, 600), usd(K::ConflictingRows, 1_000)]);
    assert!(lines(&comparison).contains(&"ledger→file USD transaction_amount: break: amount mismatch 600".to_owned()));
}

#[test]
fn of_contradicting_rows_the_largest_amount_is_at_risk() {
    let ledger = [row("a").amount(5), row("a").amount(90_000), row("a").amount(7)];
    assert_eq!(told(&compared(&rules(), &[], &ledger, &[settled("a")]))[1], usd(K::ConflictingRows, 90_000));
}

#[test]
fn two_users_contradict_each_other_beside_a_row_that_names_none() {
    let mut nobody = row("a").at(hour(9));
    nobody.user = None;
    let ledger = [nobody, row("a").user("one").at(hour(10)), row("a").user("two").at(hour(11))];
    assert!(kinds(&compared(&rules(), &[row("a")], &ledger, &[settled("a")])).contains(&K::ConflictingRows));
}

#[test]
fn amounts_of_another_currency_are_not_at_risk_in_this_one() {
    let yen = |row: Row| row.currency("JPY").amount(250_000);
    assert_eq!(told(&two(&two_sided(), &[row("a")], &[yen(row("a"))])), [usd(K::CurrencyMismatch, 1_000)]);
    // Ledger and log agree on the currency, and differ in the reward: the file's yen are no part of it.
    let comparison = compared(&rules(), &[yen(row("a")).reward(99_999)], &[row("a")], &[settled("a").reward(60)]);
    let reward = comparison.breaks().into_iter().find(|found| found.kind == K::RewardMismatch).expect("differs");
    assert_eq!((reward.at_risk_minor, reward.difference_minor, reward.currency.as_str()), (40, Some(40), "USD"));
}

#[test]
fn the_difference_is_that_of_the_two_sides_that_differ() {
    let mut rules = rules();
    rules.matching.user_reward_tolerance_minor = Some(5);
    let comparison = compared(&rules, &[row("a")], &[row("a").reward(101)], &[settled("a").reward(160)]);
    let found = &comparison.breaks()[0];
    assert_eq!((found.kind, found.at_risk_minor, found.difference_minor), (K::RewardMismatch, 60, Some(-60)));
}

#[test]
fn a_split_explains_a_difference_of_its_own_size_and_no_other() {
    let parts = vec![
        row("a").status("APPROVED").reward(0).commission(0).at(hour(9)),
        row("a").amount(600).reward(60).commission(120).at(hour(10)),
        row("a").amount(300).reward(40).commission(80).at(hour(11)),
    ];
    let against = |file_minor: i64| compared(&rules(), &[row("a").amount(file_minor)], &parts, &[settled("a")]);
    assert_eq!(told(&against(1_000)), [usd(K::SplitIncomplete, 100)]);
    assert_eq!(told(&against(5_000)), [usd(K::AmountMismatch, 4_100), usd(K::SplitIncomplete, 100)]);
    assert_eq!(
        against(1_000).breaks()[0].detail,
        "in ledger the settled parts are 1.00 USD short of what was authorised"
    );
}

#[test]
fn a_reversal_before_settlement_takes_no_money_back() {
    let ledger = [
        row("a").status("APPROVED").reward(0).commission(0).at(hour(9)),
        row("a").status("REVERSED").amount(-400).reward(0).commission(0).at(hour(10)),
        row("a").amount(600).at(hour(11)),
    ];
    let before = compared(&rules(), &[row("a").amount(600)], &ledger, &[settled("a")]);
    assert_eq!(kinds(&before), [], "{:#?}", before.breaks());
    let after =
        [row("a").at(hour(9)), row("a").status("REVERSED").amount(-1_000).reward(-100).commission(-200).at(hour(10))];
    let after = compared(&rules(), &[row("a")], &after, &[settled("a")]);
    assert_eq!(told(&after), [usd(K::AmountMismatch, 1_000), usd(K::RewardMismatch, 100)]);
}

#[test]
fn declined_on_one_side_and_settled_on_another_is_a_break_whether_or_not_statuses_are_compared() {
    let mut rules = rules();
    rules.matching.status = None;
    let ledger = [row("a").status("DECLINED")];
    let comparison = compared(&rules, &[row("a")], &ledger, &[settled("a")]);
    assert_eq!(told(&comparison), [usd(K::StatusMismatch, 1_000)]);
    assert_eq!(
        lines(&comparison)[..2],
        [
            "ledger→file USD transaction_amount: ledger: declined or reversed, so that no money moved -1000",
            "ledger→file USD transaction_amount: break: status mismatch 1000",
        ]
    );
    rules.matching.status = Some(vec![("DECLINED".to_owned(), "SETTLED".to_owned())]);
    assert_eq!(
        kinds(&compared(&rules, &[row("a")], &ledger, &[settled("a")])),
        [],
        "the job says that they are the same"
    );
}

#[test]
fn a_return_that_both_sides_know_is_no_reversal_after_payout() {
    let back = || row("a").paid().status("RETURNED").amount(-1_000).reward(-100).commission(-200).at(hour(15));
    let both = [row("a").paid(), back()];
    assert_eq!(kinds(&compared(&rules(), &both, &both, &[settled("a").reward(0)])), []);
}

#[test]
fn a_failure_stands_unless_later_news_takes_it_back() {
    let news = |failed_at: i64, approved_at: i64| {
        let webhooks =
            [notice("a", "FAILED").reason("no offer").at(hour(failed_at)), notice("a", "VALID").at(hour(approved_at))];
        compared(&rules(), &[], &[row("a").at(hour(8))], &webhooks)
    };
    assert_eq!(kinds(&news(10, 9)), []);
    assert_eq!(kinds(&news(9, 10)), [K::MissingInFile]);
    let paid = compared(&rules(), &[row("a")], &[row("a")], &[notice("a", "FAILED").reason("no offer")]);
    let found = paid.breaks();
    assert_eq!(found[0].kind, K::MissingWebhook);
    assert_eq!(
        found[0].detail,
        "in file and ledger (10.00 USD), not in webhooks; webhooks only say that the transaction failed (no offer)"
    );
}

#[test]
fn the_smallest_number_breaks_nothing() {
    let extreme = |minor: i64| row("a").amount(minor).reward(minor).commission(minor);
    for (left, right) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (i64::MIN, 0)] {
        let comparison = two(&two_sided(), &[extreme(left)], &[extreme(right)]);
        assert!(kinds(&comparison).contains(&K::AmountMismatch));
    }
    let ledger = [row("a").amount(0), row("a").status("RETURNED").amount(i64::MIN).at(hour(15))];
    assert_eq!(told(&two(&two_sided(), &[row("a")], &ledger))[0], usd(K::ReturnsExceedPurchase, i64::MAX));
    let twice = [extreme(i64::MIN), extreme(i64::MIN)];
    assert_eq!(told(&two(&two_sided(), &twice, &[extreme(i64::MIN)])), [usd(K::DuplicateRow, i64::MAX)]);
}

#[test]
fn a_row_of_the_file_without_a_time_is_in_the_file_s_period() {
    let mut timeless = row("a");
    timeless.at = None;
    assert_eq!(kinds(&two(&two_sided(), &[timeless], &[row("a").at(hour(-30)).amount(10)])), [K::AmountMismatch]);
}

fn drifted(message: &str) -> Warning {
    let (kind, file) = (WarningKind::SchemaDrift, Some("file.csv".to_owned()));
    Warning { side: Some(Side::File), kind, file, message: message.to_owned() }
}

#[test]
fn a_file_with_several_troubles_of_one_kind_is_one_break_with_all_of_them() {
    let mut troubled = frame(Side::File, &[row("a")]);
    troubled.warnings = vec![drifted("one"), drifted("two"), drifted("two")];
    let mismatch = |what, stated| ControlMismatch { side: Side::File, file: 0, what, stated, found: 1 };
    troubled.control_mismatches = vec![mismatch(ControlKind::Rows, 2), mismatch(ControlKind::Amount, 3)];
    let found = files::of_frame("job", &day(), None, &troubled, &[]);
    let told: Vec<_> = found.iter().map(|found| (found.kind, found.detail.as_str())).collect();
    let totals = "file.csv says 2 rows, its rows make 1; file.csv says 3 minor units, its rows make 1";
    assert_eq!(told, [(K::ControlTotal, totals), (K::SchemaDrift, "one; two")]);
}

#[test]
fn two_files_of_one_name_have_not_changed_each_other() {
    let mut frame = frame(Side::File, &[row("a")]);
    let mut second = frame.files[0].clone();
    "other".clone_into(&mut second.sha256);
    frame.files.push(second);
    let earlier: Vec<_> = frame
        .files
        .iter()
        .map(|file| files::EarlierFile { side: Side::File, name: file.name.clone(), sha256: file.sha256.clone() })
        .collect();
    assert_eq!(files::of_frame("job", &day(), None, &frame, &earlier), []);
}

#[test]
fn ids_that_an_earlier_report_repeats_are_counted_once() {
    let breaks = compared(&rules(), &[row("a")], &[], &[]).packed();
    let id = breaks.get(0).id;
    let before = vec![id.clone(), id, "gone".to_owned(), "gone".to_owned()];
    let found = changes(1, &[].into(), &[].into(), Some(&before), &breaks);
    assert_eq!((found.new_breaks, found.gone_breaks), (0, 1));
}

#[test]
fn only_keys_that_fit_are_ambiguous_however_many_there_are() {
    let mut rules = two_sided();
    rules.ledger_states_reward = false;
    let ledger: Vec<Row> = (0..600).map(|index| row(&format!("l{index:03}"))).collect();
    let alone = two(&rules, &[], &ledger);
    assert!(kinds(&alone).iter().all(|kind| *kind == K::MissingInFile), "nothing on the other side could fit");
    let with = two(&rules, &[row("f")], &ledger);
    assert_eq!(with.breaks()[0].kind, K::AmbiguousMatch);
    assert_eq!(with.breaks().len(), 601);
    let near = two(&rules, &[row("f").at(hour(1))], &[row("l1").at(hour(2)), row("l2").at(hour(40))]);
    assert_eq!(near.suggestions().len(), 1, "l2 belongs to another day");
    rules.matching.fallback[0].within = Some(chrono::TimeDelta::hours(6));
    let at = |id: &str, hours: i64| row(id).at(hour(hours));
    let chain = two(&rules, &[at("f1", 5), at("f2", 15)], &[at("l1", 0), at("l2", 10)]);
    assert_eq!(kinds(&chain), [K::AmbiguousMatch; 4], "l1 fits f1, f1 fits l2, l2 fits f2");
    let apart = two(&rules, &[at("f1", 2), at("f2", 20)], &[at("l1", 0), at("l2", 19)]);
    assert_eq!((kinds(&apart), apart.suggestions().len()), (vec![], 2), "each day's half by itself");
}

#[test]
fn totals_of_a_side_are_those_of_its_files() {
    let totals = file_totals(&frame(Side::Ledger, &[row("a"), row("b").currency("JPY"), row("c")]));
    let told: Vec<_> = totals[0].iter().map(|(currency, sums)| (currency.as_str(), *sums)).collect();
    assert_eq!(told, [("JPY", [1_000, 200, 100]), ("USD", [2_000, 400, 200])]);
}
