//! Presets: what they stand for, and how a job overrides them entry by entry.

use tieout::frames::{Field, Side};
use tieout::job::{ColumnSource, Format, Job};

use crate::job_files::load;

const JOB: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: earnedRewardApprovedDailyReconciliationFile
    preset: kard-rewards
  webhooks:
    path: webhooks-{period}.jsonl.gz
    preset: kard-notifications
    verify: kard
match:
  compare: {user_reward: {tolerance: 1}}
";

/// `field = path | path`, in the order of the fields.
fn mapping(job: &Job, side: Side) -> String {
    let fields = &job.input(side).expect("the side is written").mapping.fields;
    let lines = fields.iter().map(|(field, column)| match &column.from {
        ColumnSource::Columns(paths) => format!("{} = {}", field.name(), paths.join(" | ")),
        ColumnSource::Constant(text) => format!("{} = '{text}'", field.name()),
        ColumnSource::Joined { parts, with } => format!("{} = {}", field.name(), parts.join(&format!(" {with} "))),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn kard_rewards_is_the_shape_of_a_rewarded_transaction() {
    let job = load(JOB);
    let expected = "\
transaction_id = attributes.transactionId
user = relationships.user.data.id
merchant = relationships.merchant.data.id
amount = attributes.transactionAmountInCents
currency = 'USD'
status = attributes.status
occurred_at = attributes.transactionTimestamp
card_first_six = attributes.cardBIN
card_last_four = attributes.cardLastFour
issuer_commission = attributes.commissionEarned.issuer.value
user_reward = attributes.commissionEarned.user.value
payment_status = attributes.paidToIssuer
payout_month = attributes.payoutTimestamp";
    assert_eq!(mapping(&job, Side::File), expected);
    let file = job.input(Side::File).unwrap();
    assert_eq!(file.format, Format::Json { rows: "data".to_owned(), control: None });
    let known = [
        "attributes.commissionEarned.issuer.type",
        "attributes.commissionEarned.user.type",
        "id",
        "relationships.merchant.data.type",
        "relationships.offer.data.id",
        "relationships.offer.data.type",
        "relationships.user.data.type",
        "type",
    ];
    assert_eq!(file.known_columns.as_deref().unwrap(), known);
}

#[test]
fn kard_notifications_are_read_from_a_webhook_log() {
    let job = load(JOB);
    let expected = "\
transaction_id = data.relationships.transaction.data.id
user = data.relationships.user.data.id
merchant = data.attributes.name
currency = 'USD'
status = data.type
occurred_at = envelope.received_at
issuer_commission = data.attributes.commissionEarned.issuer.value
user_reward = data.attributes.commissionEarned.user.value | data.attributes.commissionEarned.value
event_kind = data.type
event_id = data.id
reason = data.attributes.reason";
    assert_eq!(mapping(&job, Side::Webhooks), expected);
    let webhooks = job.input(Side::Webhooks).unwrap();
    assert_eq!(webhooks.format, Format::WebhookLog);
    assert_eq!(webhooks.known_columns, None);
    let statuses = webhooks.mapping.statuses.iter().map(|(theirs, ours)| format!("{theirs}={ours}"));
    assert_eq!(
        statuses.collect::<Vec<_>>().join(" "),
        "clawback=CLAWBACK earnedRewardApproved=APPROVED earnedRewardSettled=SETTLED failedTransaction=FAILED \
         validTransaction=VALID"
    );
}

#[test]
fn a_job_overrides_a_preset_entry_by_entry() {
    let written = "preset: kard-rewards
    format: jsonl
    columns: {amount: {column: amount, unit: major}, currency: {constant: EUR}}
    statuses: {done: SETTLED}
    known_columns: [note]";
    let job = load(&JOB.replacen("preset: kard-rewards", written, 1));
    let file = job.input(Side::File).unwrap();
    assert_eq!(file.format, Format::Jsonl);
    let fields = &file.mapping.fields;
    assert_eq!(fields[&Field::Amount].from, ColumnSource::Columns(vec!["amount".to_owned()]));
    assert_eq!(fields[&Field::Currency].from, ColumnSource::Constant("EUR".to_owned()));
    assert_eq!(fields[&Field::Status].from, ColumnSource::Columns(vec!["attributes.status".to_owned()]));
    assert_eq!(file.mapping.statuses["done"], "SETTLED");
    // The column that the job no longer maps is still known.
    let known = file.known_columns.as_ref().unwrap();
    for name in ["note", "type", "attributes.transactionAmountInCents"] {
        assert!(known.iter().any(|column| column == name), "{name} is not known: {known:?}");
    }
}
