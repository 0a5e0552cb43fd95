//! Presets: the shapes that Kard publishes, so that a job need not spell them out.

use std::collections::BTreeMap;

use super::{Column, ColumnSource, Format, TimeFormat, Unit};
use crate::frames::Field;

/// What a preset fills in where the job says nothing.
#[derive(Debug, Clone)]
pub struct Preset {
    pub format: Format,
    pub fields: BTreeMap<Field, Column>,
    pub statuses: BTreeMap<String, String>,
    /// Known and unmapped; none: new keys are not looked for.
    pub known_columns: Option<Vec<String>>,
}

/// The names that `preset:` knows.
pub const NAMES: [&str; 3] = ["kard-monthly", "kard-notifications", "kard-rewards"];

/// The preset of a name.
pub fn by_name(name: &str) -> Option<Preset> {
    match name {
        "kard-monthly" => Some(kard_monthly()),
        "kard-rewards" => Some(kard_rewards()),
        "kard-notifications" => Some(kard_notifications()),
        _ => None,
    }
}

/// Kard's reconciliation files, in the shape of a `rewardedTransaction` ("Get Earned Rewards").
/// The files' own columns are not published.
fn kard_rewards() -> Preset {
    let fields = [
        (Field::TransactionId, path("attributes.transactionId")),
        (Field::User, path("relationships.user.data.id")),
        (Field::Merchant, path("relationships.merchant.data.id")),
        (Field::Amount, path("attributes.transactionAmountInCents")),
        (Field::Currency, us_dollars()),
        (Field::Status, path("attributes.status")),
        (Field::OccurredAt, path("attributes.transactionTimestamp")),
        (Field::CardFirstSix, path("attributes.cardBIN")),
        (Field::CardLastFour, path("attributes.cardLastFour")),
        (Field::IssuerCommission, path("attributes.commissionEarned.issuer.value")),
        (Field::UserReward, path("attributes.commissionEarned.user.value")),
        (Field::PaymentStatus, path("attributes.paidToIssuer")),
        (Field::PayoutMonth, path("attributes.payoutTimestamp")),
    ];
    let known = [
        "type",
        "id",
        "relationships.user.data.type",
        "relationships.merchant.data.type",
        "relationships.offer.data.type",
        "relationships.offer.data.id",
        "attributes.commissionEarned.issuer.type",
        "attributes.commissionEarned.user.type",
    ];
    Preset {
        format: Format::Json { rows: "data".to_owned(), control: None },
        fields: BTreeMap::from(fields),
        statuses: BTreeMap::new(),
        known_columns: Some(known.map(str::to_owned).to_vec()),
    }
}

/// Kard's end-of-month files: a CSV of `rewardedTransaction`s ("EOM Reconciliation File"). Its columns are not
/// published: here are the attributes by their published names, nested ones dotted, with or without their group.
fn kard_monthly() -> Preset {
    let attribute = |name: &str| paths(&[name, &format!("attributes.{name}")]);
    let related = |name: &str, short: &str| paths(&[short, &format!("relationships.{name}.data.id")]);
    let fields = [
        (Field::TransactionId, attribute("transactionId")),
        (Field::User, related("user", "userId")),
        (Field::Merchant, related("merchant", "merchantId")),
        (Field::Amount, attribute("transactionAmountInCents")),
        (Field::Currency, us_dollars()),
        (Field::Status, attribute("status")),
        (Field::OccurredAt, attribute("transactionTimestamp")),
        (Field::CardFirstSix, attribute("cardBIN")),
        (Field::CardLastFour, attribute("cardLastFour")),
        (Field::IssuerCommission, attribute("commissionEarned.issuer.value")),
        (Field::UserReward, attribute("commissionEarned.user.value")),
        (Field::PaymentStatus, attribute("paidToIssuer")),
        (Field::PayoutMonth, attribute("payoutTimestamp")),
    ];
    let known = ["commissionEarned.issuer.type", "commissionEarned.user.type"];
    let known = known.iter().flat_map(|name| [(*name).to_owned(), format!("attributes.{name}")]);
    let own = ["type", "id", "offerId", "relationships.offer.data.id"].map(str::to_owned);
    let types = ["user", "merchant", "offer"].map(|name| format!("relationships.{name}.data.type"));
    Preset {
        format: Format::Csv { delimiter: b',', quote: b'"', header: true },
        fields: BTreeMap::from(fields),
        statuses: BTreeMap::new(),
        known_columns: Some(known.chain(own).chain(types).collect()),
    }
}

/// Kard's notifications ("Notifications"), logged one a line. They state no amount and no currency.
pub(super) fn kard_notifications() -> Preset {
    let fields = [
        (Field::TransactionId, path("data.relationships.transaction.data.id")),
        (Field::User, path("data.relationships.user.data.id")),
        (Field::Merchant, path("data.attributes.name")),
        (Field::Currency, us_dollars()),
        (Field::Status, path("data.type")),
        (Field::OccurredAt, path("envelope.received_at")),
        (Field::IssuerCommission, path("data.attributes.commissionEarned.issuer.value")),
        (
            Field::UserReward,
            paths(&["data.attributes.commissionEarned.user.value", "data.attributes.commissionEarned.value"]),
        ),
        (Field::EventKind, path("data.type")),
        (Field::EventId, path("data.id")),
        (Field::Reason, path("data.attributes.reason")),
    ];
    let statuses = [
        ("earnedRewardApproved", "APPROVED"),
        ("earnedRewardSettled", "SETTLED"),
        ("validTransaction", "VALID"),
        ("failedTransaction", "FAILED"),
        ("clawback", "CLAWBACK"),
    ];
    Preset {
        format: Format::WebhookLog,
        fields: BTreeMap::from(fields),
        statuses: statuses.into_iter().map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned())).collect(),
        known_columns: None,
    }
}

fn us_dollars() -> Column {
    Column { from: ColumnSource::Constant("USD".to_owned()), unit: Unit::Minor, time: TimeFormat::Iso { zone: None } }
}

fn path(path: &str) -> Column {
    paths(&[path])
}

fn paths(paths: &[&str]) -> Column {
    let names = paths.iter().map(|path| (*path).to_owned()).collect();
    Column { from: ColumnSource::Columns(names), unit: Unit::Minor, time: TimeFormat::Iso { zone: None } }
}
