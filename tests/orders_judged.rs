//! What an answer means for an order, and what follows: each status of Kuggar, each kind of silence.

use std::time::Duration;

use tieout::config::http::HttpConfig;
use tieout::config::secret::Secret;
use tieout::effects::outcome_cards::judge;
use tieout::effects::{Doubt, EffectKind, Event, Next};
use tieout::exit::ExitCode;
use tieout::providers::cards::{CardOperation, CardOrder, CardProvider, Method};
use tieout::providers::http::Answer;
use tieout::providers::kuggar::KuggarConfig;
use tieout::providers::kuggar::orders::answered;

use crate::support::effects::{approved, effect, standing};

fn kuggar() -> KuggarConfig {
    KuggarConfig {
        base_url: "https://api.kuggar.io".to_owned(),
        client_id: Secret::Env("KUGGAR_CLIENT_ID".to_owned()),
        client_secret: Secret::Env("KUGGAR_CLIENT_SECRET".to_owned()),
        concurrency: 1,
        token_path: None,
        token_prefix: None,
        http: HttpConfig::default(),
    }
}

fn reply(status: u16, body: &str) -> Answer {
    let retry_after = (status == 429).then_some(Duration::from_secs(7));
    Answer::Reply { status, retry_after, body: body.as_bytes().to_vec(), web_page: body.starts_with('<') }
}

/// What becomes of one order, and what the sender does next.
fn judged(kind: EffectKind, answer: &Answer) -> (Event, Next) {
    let standing = standing(&effect(kind, "card-1", 0), &[approved()]);
    let operation = kind.operation().unwrap();
    let card = (operation != CardOperation::Create).then_some("card-1");
    let judgement = judge(&standing, &answered(operation, card, answer));
    let [(id, event)] = <[(String, Event); 1]>::try_from(judgement.events).unwrap();
    assert_eq!(id, standing.effect.id);
    (event, judgement.next)
}

const CARD: &str = r#"{"kuggarId":"card-1","provider":"WEX","providerId":"P","cardHolderName":null,"cardFirstSix":"541333","cardLastFour":"0010","cardExpiry":"03/2026","validFromDate":"2025-01-01T00:00:00Z","validToDate":"2025-12-31T00:00:00Z","cardLimit":12.50,"currencyCode":"USD","fundingCurrencyCode":"USD","enhancedDataFields":[],"state":"Updated","failureReason":null}"#;

#[test]
fn only_a_card_that_was_told_is_done_and_whatever_may_have_been_done_is_in_doubt() {
    let lost = Answer::Lost { why: "reset".to_owned() };
    let not_sent = Answer::NotSent { why: "refused".to_owned() };
    let modify = EffectKind::CardModify;
    let (event, next) = judged(modify, &reply(200, CARD));
    assert_eq!(
        (event, next),
        (Event::Acknowledged { provider_id: Some("card-1".to_owned()), note: None, refused: Vec::new() }, Next::GoOn)
    );
    for (answer, doubt) in [
        (lost, Doubt::NoReply),
        (reply(500, "{}"), Doubt::ServerError),
        (reply(503, "{}"), Doubt::ServerError),
        (reply(200, "{}"), Doubt::Unreadable),
        (reply(200, ""), Doubt::Unreadable),
        (reply(202, CARD), Doubt::Unreadable),
        (reply(200, "<html>"), Doubt::Unreadable),
    ] {
        let (event, next) = judged(modify, &answer);
        assert!(matches!(&event, Event::InDoubt { doubt: found, .. } if *found == doubt), "{answer:?}: {event:?}");
        assert_eq!(next, Next::Doubtful);
    }
    for (answer, then) in [
        (not_sent, Next::Unavailable),
        (reply(401, "{}"), Next::NewToken),
        (reply(404, "<html>"), Next::Refused(ExitCode::Configuration)),
        (reply(429, "{}"), Next::Again { wait: Some(Duration::from_secs(7)) }),
    ] {
        let (event, next) = judged(modify, &answer);
        assert!(matches!(event, Event::NotSent { alone: false, .. }), "{answer:?}: {event:?}");
        assert_eq!(next, then);
    }
    for status in [400, 403, 404, 409, 422] {
        let (event, next) = judged(modify, &reply(status, r#"{"detail":"no"}"#));
        assert!(matches!(&event, Event::Rejected { why } if why.contains(&status.to_string())), "{status}: {event:?}");
        assert_eq!(next, Next::GoOn);
    }
}

#[test]
fn a_card_that_its_issuer_refuses_is_refused_with_the_issuers_reason() {
    let failed = CARD
        .replace("\"Updated\"", "\"Failed\"")
        .replace("\"failureReason\":null", "\"failureReason\":\"limit too high\"");
    let (event, _) = judged(EffectKind::CardModify, &reply(200, &failed));
    assert_eq!(event, Event::Rejected { why: "the card's issuer refuses: limit too high".to_owned() });
}

#[test]
fn a_deletion_may_be_answered_without_a_word() {
    let (event, _) = judged(EffectKind::CardDelete, &reply(204, ""));
    assert_eq!(event, Event::Acknowledged { provider_id: None, note: None, refused: Vec::new() });
    let (event, _) = judged(EffectKind::CardModify, &reply(204, ""));
    assert!(matches!(event, Event::InDoubt { .. }), "only a deletion may");
}

#[test]
fn an_order_with_a_key_goes_again_where_one_without_is_in_doubt() {
    let (event, next) = judged(EffectKind::CardTopUp, &Answer::Lost { why: "reset".to_owned() });
    assert_eq!(event, Event::Again { doubt: Doubt::NoReply, why: "reset".to_owned() });
    assert_eq!(next, Next::Again { wait: None });
}

fn order(operation: CardOperation) -> CardOrder<'static> {
    CardOrder {
        operation,
        reference: "card-1",
        card: Some("card-1"),
        user: None,
        amount_minor: Some(12_50),
        currency: "USD",
        valid_from: Some("2025-01-01"),
        valid_to: Some("2025-12-31"),
    }
}

#[test]
fn an_order_is_a_call_of_the_guide_with_the_limit_digit_by_digit() {
    let cards = "/api/v2/virtual_card";
    let terms = r#""validFromDate":"2025-01-01","validToDate":"2025-12-31","cardLimit":12.50"#;
    for (operation, method, path, body) in [
        (
            CardOperation::Create,
            Method::Post,
            cards.to_owned(),
            format!(r#"{{{terms},"currencyCode":"USD","useCache":false}}"#),
        ),
        (CardOperation::Modify, Method::Put, format!("{cards}/card-1"), format!("{{{terms}}}")),
        (CardOperation::Delete, Method::Delete, format!("{cards}/card-1"), String::new()),
    ] {
        let call = kuggar().call(&order(operation)).unwrap();
        assert_eq!((call.method, call.path, call.body, call.keyed), (method, path, body, false));
    }
    let odd = CardOrder { card: Some("a/../b?c"), ..order(CardOperation::Delete) };
    assert_eq!(kuggar().call(&odd).unwrap().path, format!("{cards}/a%2F..%2Fb%3Fc"));
}

#[test]
fn an_order_that_lacks_something_is_no_call() {
    let modify = order(CardOperation::Modify);
    for (order, expected) in [
        (CardOrder { valid_to: None, ..modify }, "the ledger states no valid_to"),
        (CardOrder { valid_from: Some("soon"), ..modify }, "the ledger's valid_from `soon` is no date"),
        (CardOrder { amount_minor: None, ..modify }, "the ledger states no limit"),
        (CardOrder { amount_minor: Some(-1), ..modify }, "the limit is -1 minor units; expected more than none"),
        (CardOrder { card: None, ..modify }, "the ledger does not state which card"),
        (order(CardOperation::TopUp), "Kuggar's cards have a limit and no balance"),
    ] {
        assert_eq!(kuggar().call(&order).unwrap_err(), expected);
    }
    assert_eq!(kuggar().operations(), [CardOperation::Create, CardOperation::Modify, CardOperation::Delete]);
}
