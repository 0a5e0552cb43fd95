//! What is asked for besides audits and markers.

use std::collections::BTreeMap;

use tieout::effects::{Ask, CardAsk, EffectKind, Parcel};
use tieout::providers::Method;
use tieout::providers::cards::CardCall;

/// An order of 12.50 for card-1.
fn card(keyed: bool) -> Ask {
    let body = r#"{"card_id":"card-1","amount":12.50}"#.to_owned();
    let call = CardCall { method: Method::Post, path: "/cards/card-1".to_owned(), body, keyed };
    let (card, amount_minor) = (Some("card-1".to_owned()), Some(12_50));
    Ask::Card(CardAsk { card, amount_minor, valid_from: None, valid_to: None, call })
}

/// A parcel of three rows with 12.50 USD, a session of two parts.
pub(crate) fn sent_by_a_job(kind: EffectKind) -> Ask {
    let parcel = |session: Option<&str>| {
        Ask::Parcel(Parcel {
            sha256: "c".repeat(64),
            bytes: 1_024,
            rows: 3,
            totals_minor: BTreeMap::from([("USD".to_owned(), 12_50)]),
            session: session.map(str::to_owned),
        })
    };
    match kind {
        EffectKind::BulkFile | EffectKind::IncomingPart => parcel(None),
        EffectKind::HistoricalPart => parcel(Some("session-1")),
        EffectKind::HistoricalStart | EffectKind::HistoricalComplete => Ask::Session { parts: 2, rows: 6 },
        EffectKind::ProviderAudit | EffectKind::FraudMarker => panic!("a sending job asks for no {kind}"),
        // The provider of the top-ups takes keys, that of the others does not.
        EffectKind::CardCreate | EffectKind::CardModify | EffectKind::CardDelete => card(false),
        EffectKind::CardTopUp => card(true),
    }
}
