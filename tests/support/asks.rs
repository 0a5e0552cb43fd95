//! What the kinds of a sending job ask for.

use std::collections::BTreeMap;

use tieout::effects::{Ask, EffectKind, Parcel};

/// A parcel of three rows with 12.50 USD, a session of two parts; nothing else asks for these.
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
        EffectKind::ProviderAudit
        | EffectKind::FraudMarker
        | EffectKind::CardCreate
        | EffectKind::CardModify
        | EffectKind::CardDelete
        | EffectKind::CardTopUp => panic!("a sending job asks for no {kind}"),
    }
}
