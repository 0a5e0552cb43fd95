//! Card events that jobs send in calls: a warehouse's Parquet partitions, and Marqeta's events one a line.

use polars::prelude::{DataFrame, DataType, ParquetWriter, TimeUnit, TimeZone, df};
use serde_json::json;

use super::sent::{major, place, purchases, settled_at};
use super::world::{MINUTE, Moment, Purchase, World};

/// One row of the warehouse.
struct Event {
    purchase: Purchase,
    kind: &'static str,
    at: Moment,
    settled_at: Option<Moment>,
}

/// The files of one partition, in order: authorizations, then what settled or was returned.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn partition(world: &World) -> anyhow::Result<[Vec<u8>; 2]> {
    let bought: Vec<Purchase> = purchases(world, 2_001, 160).collect();
    let authorized = bought.iter().map(|purchase| event(purchase, "AUTH", purchase.at, None));
    let ended = bought.iter().enumerate().filter_map(|(number, purchase)| match number % 16 {
        // Still pending at the end of the day.
        5 => None,
        9 => Some(event(purchase, "VOID", purchase.at.plus(20 * MINUTE), None)),
        13 => Some(event(purchase, "DECLINE", purchase.at, None)),
        _ => Some(event(purchase, "POST", purchase.at, Some(settled_at(purchase.at)))),
    });
    Ok([parquet(&authorized.collect::<Vec<_>>())?, parquet(&ended.collect::<Vec<_>>())?])
}

fn event(purchase: &Purchase, kind: &'static str, at: Moment, settled_at: Option<Moment>) -> Event {
    Event { purchase: purchase.clone(), kind, at, settled_at }
}

fn parquet(events: &[Event]) -> anyhow::Result<Vec<u8>> {
    let text = |of: fn(&Event) -> String| events.iter().map(of).collect::<Vec<String>>();
    let mut frame: DataFrame = df!(
        "txn_id" => text(|event| event.purchase.key.clone()),
        "user_id" => text(|event| event.purchase.user.clone()),
        "cents" => events.iter().map(|event| event.purchase.amount).collect::<Vec<i64>>(),
        "currency" => text(|_| "USD".to_owned()),
        "kind" => text(|event| event.kind.to_owned()),
        "at" => events.iter().map(|event| event.at.micros()).collect::<Vec<i64>>(),
        "settled_at" => events.iter().map(|event| event.settled_at.map(Moment::micros)).collect::<Vec<Option<i64>>>(),
        "bin" => text(|event| event.purchase.bin.to_owned()),
        "last4" => text(|event| event.purchase.last_four.clone()),
        "mid" => text(|event| event.purchase.merchant.id.to_owned()),
        "merchant" => text(|event| event.purchase.merchant.name.to_owned()),
        "mcc" => text(|event| place(&event.purchase).mcc.to_owned()),
        "street" => text(|event| place(&event.purchase).street.to_owned()),
        "city" => text(|event| place(&event.purchase).city.to_owned()),
        "state" => text(|event| place(&event.purchase).state.to_owned()),
        "zip" => text(|event| place(&event.purchase).zip.to_owned()),
    )?;
    let time = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    for name in ["at", "settled_at"] {
        let times = frame.column(name)?.cast(&time)?;
        frame.with_column(times)?;
    }
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame)?;
    Ok(bytes)
}

/// Marqeta's transaction events of the day: an authorization and its clearing, a debit with a PIN, a few refused.
pub(crate) fn marqeta(world: &World) -> Vec<u8> {
    let mut lines = Vec::new();
    for (number, purchase) in purchases(world, 3_001, 120).enumerate() {
        let first = purchase.event_id(0);
        let mut tell = |token: &str, kind: &str, state: &str, follows: Option<&str>, at: Moment| {
            lines.push((at, marqeta_line(&purchase, (token, kind, state), follows, at)));
        };
        match number % 12 {
            4 => tell(&first, "pindebit", "COMPLETION", None, purchase.at),
            8 => tell(&first, "authorization", "DECLINED", None, purchase.at),
            _ => {
                tell(&first, "authorization", "PENDING", None, purchase.at);
                let second = purchase.event_id(1);
                tell(&second, "authorization.clearing", "COMPLETION", Some(&first), settled_at(purchase.at));
            }
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().flat_map(|(_, line)| (line + "\n").into_bytes()).collect()
}

fn marqeta_line(
    purchase: &Purchase,
    (token, kind, state): (&str, &str, &str),
    follows: Option<&str>,
    at: Moment,
) -> String {
    let place = place(purchase);
    let settled = (kind != "authorization").then(|| at.to_string());
    // Some processors tell the state as a number.
    let state_of_merchant = if purchase.amount % 2 == 0 { place.state } else { place.fips };
    let mut event = json!({
        "token": token,
        "type": kind,
        "state": state,
        "user_token": purchase.user,
        "user_transaction_time": at.to_string(),
        "currency_code": "USD",
        "card": {
            "last_four": purchase.last_four,
            "pan": format!("{}______{}", purchase.bin, purchase.last_four),
        },
        "card_acceptor": {
            "mcc": place.mcc,
            "name": purchase.merchant.name,
            "street_address": place.street,
            "city": place.city,
            "state": state_of_merchant,
            "zip": place.zip,
            "mid": purchase.merchant.id,
        },
    });
    if let Some(settled) = settled {
        event["settlement_date"] = settled.into();
    }
    if let Some(follows) = follows {
        event["preceding_related_transaction_token"] = follows.into();
    }
    // As Marqeta writes it: a number with its decimals.
    let amount = format!("\"amount\":{}", major(purchase.amount));
    event.to_string().replacen('{', &format!("{{{amount},"), 1)
}
