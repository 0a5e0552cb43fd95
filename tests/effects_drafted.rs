//! Drafts: what breaks and findings ask for, and in which words.

use tieout::breaks::{Break, BreakKind, SideFacts};
use tieout::effects::draft::{Draft, Drafts, Material, drafts};
use tieout::effects::{Ask, EffectKind, Finding, Ground, RowPlace, Unplannable};
use tieout::frames::Side;

use crate::effects_in_jobs::{JOB, load};
use crate::support_facts::{found, says};

/// Audits of three kinds of breaks, markers of one.
const EFFECTS: &str = "\
effects:
  provider: kard
  provider_audit:
    for: [reward_missing, reward_mismatch, status_mismatch]
  fraud_marker:
    for: [reversed_after_payout]
";

fn drafted(effects: &str, breaks: &[Break], findings: &[Finding]) -> Drafts {
    let job = load(&format!("{}{effects}", JOB.split("effects:").next().unwrap()));
    let names = [
        vec!["file-1.json".to_owned(), "file-2.json".to_owned()],
        vec!["ledger.csv".to_owned()],
        vec!["log.jsonl".to_owned()],
    ];
    let period = "2025-03-19";
    drafts(&Material { job: &job, period, organization: "org-1", breaks, file_names: &names, findings, cards: None })
}

fn named(user: &str, merchant: &str) -> SideFacts {
    SideFacts { user: Some(user.to_owned()), merchant: Some(merchant.to_owned()), ..says(12_50, "USD", &[7]) }
}

/// A break on which the ledger states everything.
fn booked(kind: BreakKind, key: &str, at_risk_minor: i64) -> Break {
    let mut found = found(kind, key, "USD", at_risk_minor);
    found.sides[Side::Ledger as usize] =
        Some(SideFacts { user_reward_minor: Some(1_25), ..named("user-1", "Caribbean Goodness") }.into());
    found
}

fn finding(transaction: &str, user: Option<&str>) -> Finding {
    Finding {
        transaction: transaction.to_owned(),
        user: user.map(str::to_owned),
        rule: "deny: merchant".to_owned(),
        detail: "merchant is CASINO ROYALE".to_owned(),
        rows: vec![RowPlace { side: Side::Ledger, file: "ledger.csv".to_owned(), line: 40 }],
        amount_minor: 99_00,
        currency: "USD".to_owned(),
    }
}

fn only(drafts: Drafts) -> Draft {
    assert_eq!(drafts.unplannable, []);
    let [draft] = <[Draft; 1]>::try_from(drafts.effects).unwrap();
    draft
}

fn description(draft: &Draft) -> &str {
    match &draft.ask {
        Ask::Audit { description, .. } => description,
        other => panic!("{other:?} says nothing"),
    }
}

#[test]
fn a_break_becomes_an_audit_with_its_facts_and_rows() {
    let mut found = booked(BreakKind::RewardMissing, "t1", 1_25);
    found.sides[Side::File as usize] = Some(
        SideFacts {
            rows: vec![tieout::breaks::RowRef { file: 1, line: 3 }, tieout::breaks::RowRef { file: 5, line: 1 }],
            ..SideFacts::default()
        }
        .into(),
    );
    let draft = only(drafted(EFFECTS, std::slice::from_ref(&found), &[]));
    assert_eq!(draft.key.provider, "kard");
    assert_eq!(draft.key.organization, "org-1");
    assert_eq!((draft.key.kind, draft.key.transaction.as_str()), (EffectKind::ProviderAudit, "t1"));
    assert_eq!((draft.user.as_str(), draft.at_risk_minor, draft.currency.as_str()), ("user-1", 1_25, "USD"));
    let place = |side, file: &str, line| RowPlace { side, file: file.to_owned(), line };
    let ground = Ground {
        break_id: Some(found.id.clone()),
        rule: "reward_missing".to_owned(),
        detail: found.detail.clone(),
        rows: vec![
            place(Side::File, "file 6", 1),
            place(Side::File, "file-2.json", 3),
            place(Side::Ledger, "ledger.csv", 7),
        ],
    };
    assert_eq!(draft.grounds, [ground]);
    let Ask::Audit { code, merchant, .. } = &draft.ask else { panic!("no audit") };
    assert_eq!((code.number(), merchant.as_str()), (3006, "Caribbean Goodness"));
}

#[test]
fn a_job_without_effects_and_kinds_that_it_does_not_name_ask_for_nothing() {
    let breaks = [booked(BreakKind::RewardMissing, "t1", 1)];
    assert_eq!(drafted("", &breaks, &[finding("t1", Some("u"))]), Drafts::default());
    assert_eq!(drafted(EFFECTS, &[booked(BreakKind::FileOnly, "t1", 1)], &[]), Drafts::default());
    let audits = EFFECTS.split("  fraud_marker").next().unwrap();
    assert_eq!(drafted(audits, &[], &[finding("t1", Some("u"))]), Drafts::default());
}

#[test]
fn breaks_of_one_transaction_become_one_audit_and_most_at_risk_decides_its_code() {
    use BreakKind::{RewardMismatch as Wrong, RewardMissing as Missing, StatusMismatch as Other};
    let table: [(&[(BreakKind, i64)], u16); 6] = [
        (&[(Other, 5), (Wrong, 4), (Missing, 3)], 8001),
        (&[(Other, 4), (Wrong, 5), (Missing, 3)], 3005),
        (&[(Other, 4), (Wrong, 5), (Missing, 6)], 3006),
        (&[(Other, 5), (Wrong, 5), (Missing, 5)], 3006),
        (&[(Other, 5), (Wrong, 5), (Missing, 4)], 3005),
        (&[(Wrong, 5), (Other, 5)], 3005),
    ];
    for (breaks, expected) in table {
        let mut breaks: Vec<Break> = breaks.iter().map(|(kind, minor)| booked(*kind, "t1", *minor)).collect();
        let draft = only(drafted(EFFECTS, &breaks, &[]));
        let Ask::Audit { code, .. } = &draft.ask else { panic!("no audit") };
        assert_eq!(code.number(), expected, "{breaks:?}");
        assert_eq!(draft.grounds.len(), breaks.len());
        assert_eq!(draft.at_risk_minor, breaks.iter().map(|found| found.at_risk_minor).max().unwrap());
        breaks.reverse();
        assert_eq!(only(drafted(EFFECTS, &breaks, &[])), draft);
    }
}

#[test]
fn what_is_most_at_risk_is_told_in_major_units() {
    let yen = Break { currency: "JPY".to_owned(), ..booked(BreakKind::RewardMismatch, "t1", 900) };
    let dollars = booked(BreakKind::RewardMissing, "t1", 901);
    let draft = only(drafted(EFFECTS, &[dollars, yen], &[]));
    assert_eq!((draft.at_risk_minor, draft.currency.as_str()), (900, "JPY"));
}

#[test]
fn a_transaction_may_be_audited_and_marked() {
    let breaks = [booked(BreakKind::ReversedAfterPayout, "t1", 2_00), booked(BreakKind::RewardMismatch, "t1", 1_00)];
    let kinds: Vec<EffectKind> = drafted(EFFECTS, &breaks, &[]).effects.iter().map(|draft| draft.key.kind).collect();
    assert_eq!(kinds, [EffectKind::ProviderAudit, EffectKind::FraudMarker]);
}

#[test]
fn findings_and_breaks_of_one_transaction_become_one_marker() {
    let breaks = [booked(BreakKind::ReversedAfterPayout, "t1", 2_00)];
    let findings = [finding("t1", Some("somebody else")), finding("t2", Some("user-2")), finding("t2", Some("user-2"))];
    let drafted = drafted(EFFECTS, &breaks, &findings);
    assert_eq!(drafted.unplannable, []);
    let [first, second] = <[Draft; 2]>::try_from(drafted.effects).unwrap();
    assert_eq!((first.key.transaction.as_str(), first.user.as_str()), ("t1", "user-1"), "the ledger's user");
    let why: Vec<&str> = first.grounds.iter().map(|ground| ground.rule.as_str()).collect();
    assert_eq!(why, ["deny: merchant", "reversed_after_payout"], "most at risk first");
    assert_eq!((first.ask, first.at_risk_minor), (Ask::Marker, 99_00));
    assert_eq!((second.user.as_str(), second.grounds.len()), ("user-2", 1), "the same finding counts once");
    assert_eq!(second.grounds[0].rows, finding("t2", None).rows);
}

#[test]
fn users_and_merchants_are_the_ledgers_else_the_files_else_the_notifications() {
    let sides = [(Side::File, "file"), (Side::Ledger, "ledger"), (Side::Webhooks, "webhooks")];
    for (stating, expected) in [(vec![0, 1, 2], "ledger"), (vec![0, 2], "file"), (vec![2], "webhooks")] {
        let mut found = found(BreakKind::RewardMismatch, "t1", "USD", 5);
        found.sides = [None, None, None];
        for place in stating {
            let (side, name) = sides[place];
            found.sides[side as usize] = Some(named(name, name).into());
        }
        let draft = only(drafted(EFFECTS, &[found], &[]));
        assert_eq!(draft.user, expected);
        assert!(matches!(&draft.ask, Ask::Audit { merchant, .. } if merchant == expected));
    }
}

#[test]
fn what_lacks_a_user_or_a_merchant_cannot_be_asked_for_and_says_so() {
    let without = |key: &str, user: Option<&str>, merchant: Option<&str>| {
        let mut found = booked(BreakKind::RewardMissing, key, 5);
        let ledger = found.sides[1].as_mut().unwrap().to_mut();
        ledger.user = user.map(str::to_owned);
        ledger.merchant = merchant.map(str::to_owned);
        found
    };
    let breaks = [
        without("a", None, Some("m")),
        without("b", Some("u"), None),
        without("c", None, None),
        without("d", Some(".."), Some("m")),
        without("e", Some("a/b"), Some("m")),
    ];
    let drafted = drafted(EFFECTS, &breaks, &[finding("f", None)]);
    assert_eq!(only(Drafts { unplannable: vec![], ..drafted.clone() }).user, "a/b");
    let audit = |place: usize, reason: &str| Unplannable {
        kind: EffectKind::ProviderAudit,
        transaction: breaks[place].key.clone(),
        break_id: Some(breaks[place].id.clone()),
        reason: reason.to_owned(),
    };
    let marker = Unplannable {
        kind: EffectKind::FraudMarker,
        transaction: "f".to_owned(),
        break_id: None,
        reason: "no side states the user".to_owned(),
    };
    let expected = [
        audit(0, "no side states the user"),
        audit(1, "no side states the merchant"),
        audit(2, "no side states the user or the merchant"),
        audit(3, "the user id `..` cannot stand in the address of the call"),
        marker,
    ];
    assert_eq!(drafted.unplannable, expected);
}

/// A break that all sides tell about.
fn told_by_all(kind: BreakKind) -> Break {
    let mut found = Break {
        id: "00112233aabbccdd".to_owned(),
        detail: "user reward: file 1.00 USD, ledger 1.25 USD".to_owned(),
        ..booked(kind, "t1", 25)
    };
    found.difference_minor = Some(-25);
    found.sides[Side::Ledger as usize].as_mut().unwrap().to_mut().issuer_commission_minor = Some(2_00);
    let file =
        SideFacts { user_reward_minor: Some(1_00), status: Some("RETURNED".to_owned()), ..says(12_49, "USD", &[3]) };
    let webhook = SideFacts { issuer_commission_minor: Some(1_99), ..says(1, "USD", &[9]) };
    found.sides[Side::File as usize] = Some(file.into());
    found.sides[Side::Webhooks as usize] = Some(webhook.into());
    found
}

#[test]
fn the_built_in_descriptions_are_plain_sentences_with_the_numbers() {
    let mut missing = booked(BreakKind::RewardMissing, "t1", 1_25);
    missing.id = "00112233aabbccdd".to_owned();
    for (found, expected) in [
        (
            missing,
            "Transaction t1 of 2025-03-19 at Caribbean Goodness has settled, but no cashback was reported for it. In \
             our ledger: amount 12.50 USD, cashback 1.25 USD. Please award the cashback, or tell us why none is due. \
             Our reference: 00112233aabbccdd.",
        ),
        (
            told_by_all(BreakKind::RewardMismatch),
            "For transaction t1 of 2025-03-19 at Caribbean Goodness the cashback reported by you is not the one in \
             our ledger. In our ledger: amount 12.50 USD, cashback 1.25 USD, commission 2.00 USD. As reported by you: \
             amount 12.49 USD, cashback 1.00 USD, commission 1.99 USD. Please correct it, or tell us why it is right. \
             Our reference: 00112233aabbccdd.",
        ),
        (
            told_by_all(BreakKind::StatusMismatch),
            "Our records and yours do not agree on transaction t1 of 2025-03-19 at Caribbean Goodness: user reward: \
             file 1.00 USD, ledger 1.25 USD. In our ledger: amount 12.50 USD, status SETTLED. As reported by you: \
             amount 12.49 USD, status RETURNED. At risk: 0.25 USD. Please look into it and tell us the outcome. Our \
             reference: 00112233aabbccdd.",
        ),
    ] {
        assert_eq!(description(&only(drafted(EFFECTS, &[found], &[]))), expected);
    }
}

fn described(template: &str, found: Break) -> String {
    let effects = format!(
        "effects:\n  provider: kard\n  provider_audit:\n    for: [{}]\n    description: {}\n",
        found.kind,
        serde_json::to_string(template).unwrap()
    );
    description(&only(drafted(&effects, &[found], &[]))).to_owned()
}

#[test]
fn a_template_is_filled_with_every_placeholder() {
    let template = "{transaction}|{break}|{reference}|{kind}|{job}|{period}|{user}|{merchant}|{currency}|{date}|\
                    {our_amount}|{their_amount}|{our_reward}|{their_reward}|{our_commission}|{their_commission}|\
                    {difference}|{at_risk}|{status_ours}|{status_theirs}|{detail}";
    let all = described(template, told_by_all(BreakKind::RewardMismatch));
    let expected = "t1|00112233aabbccdd|00112233aabbccdd|reward_mismatch|daily|2025-03-19|user-1|Caribbean Goodness|\
                    USD|2025-03-19|12.50 USD|12.49 USD|1.25 USD|1.00 USD|2.00 USD|1.99 USD|0.25 USD|0.25 USD|SETTLED|\
                    RETURNED|user reward: file 1.00 USD, ledger 1.25 USD";
    assert_eq!(all, expected);
    let names = template.matches('{').count();
    assert_eq!(names, tieout::job::Placeholder::ALL.len(), "each placeholder is in this test");
}

#[test]
fn what_nobody_states_is_told_as_such() {
    let mut found = booked(BreakKind::RewardMismatch, "t1", 0);
    let ledger = found.sides[Side::Ledger as usize].as_mut().unwrap().to_mut();
    (ledger.amount_minor, ledger.user_reward_minor, ledger.status) = (None, None, None);
    found.occurred_at = None;
    let template =
        "{date} {our_amount} {their_amount} {our_reward} {difference} {status_ours} {status_theirs} {at_risk}";
    let nobody = "not stated not stated not stated not stated not stated not stated not stated 0.00 USD";
    assert_eq!(described(template, found), nobody);
}

#[test]
fn braces_stand_for_themselves_when_doubled_and_in_values() {
    let mut found = booked(BreakKind::RewardMismatch, "t{user}", 0);
    found.sides[Side::Ledger as usize].as_mut().unwrap().to_mut().merchant = Some("{{job}}".to_owned());
    let text = described("{{job}} {{{transaction}}} {merchant}", found);
    assert_eq!(text, "{job} {t{user}} {{job}}");
}

#[test]
fn amounts_have_the_decimals_of_their_own_currency() {
    let mut found = told_by_all(BreakKind::RewardMismatch);
    found.currency = "JPY".to_owned();
    let file = found.sides[Side::File as usize].as_mut().unwrap().to_mut();
    (file.currency, file.amount_minor) = (Some("KWD".to_owned()), Some(-1_005));
    found.sides[Side::Ledger as usize].as_mut().unwrap().to_mut().currency = None;
    assert_eq!(described("{our_amount} {their_amount} {at_risk}", found), "1250 JPY -1.005 KWD 25 JPY");
}

#[test]
fn text_of_files_is_made_visible_cut_and_freed_of_card_numbers() {
    let mut found = booked(BreakKind::RewardMismatch, "4111111111111111", 0);
    let ledger = found.sides[Side::Ledger as usize].as_mut().unwrap().to_mut();
    ledger.user = Some("5500005555555559".to_owned());
    ledger.merchant = Some("Shop 4111 1111 1111 1111\u{202e}\u{7}".to_owned());
    ledger.status = Some("x".repeat(150));
    found.detail = "card 4111-1111-1111-1111 at 2025-03-19 10:00:12 UTC, 1234567.89 USD".to_owned();
    let text = described("{transaction}|{user}|{merchant}|{detail}|{status_ours}", found);
    let expected = format!(
        "4111111111111111|5500005555555559|Shop **** **** **** 1111\u{fffd}\u{fffd}|card ****-****-****-1111 at \
         2025-03-19 10:00:12 UTC, 1234567.89 USD|{}…",
        "x".repeat(99)
    );
    assert_eq!(text, expected, "ids stay: somebody looks for them");
}

#[test]
fn the_details_of_all_breaks_of_the_transaction_are_told() {
    let mut wrong = told_by_all(BreakKind::RewardMismatch);
    wrong.detail = "rewards differ".to_owned();
    let mut status = booked(BreakKind::StatusMismatch, "t1", 1);
    status.detail = "statuses differ".to_owned();
    let effects = EFFECTS.replacen(
        "status_mismatch]\n",
        "status_mismatch]\n    description: \"{kind}: {detail} ({reference})\"\n",
        1,
    );
    let draft = only(drafted(&effects, &[status, wrong], &[]));
    assert_eq!(description(&draft), "reward_mismatch: rewards differ; statuses differ (00112233aabbccdd)");
}
