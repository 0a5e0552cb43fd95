//! What jobs send: the day's transactions of core banking, and the past of a user who enrolled.

use super::world::{DAY, HOUR, MINUTE, Moment, Purchase, Size, World};

/// Rows that do not fit, and one that stands there twice: below what the shipped job tolerates.
const GROUPED_ROW: usize = 55;
const NOBODYS_ROW: usize = 120;
const ROW_TWICE: usize = 80;

/// Who enrolled: nobody whose purchases are compared.
const NEWCOMER: (&str, &str) = ("user-041", "7041");
const PAST_PURCHASES: i64 = 612;

/// Where a merchant is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) mcc: &'static str,
    pub(crate) street: &'static str,
    pub(crate) city: &'static str,
    pub(crate) state: &'static str,
    /// The state as a number.
    pub(crate) fips: &'static str,
    pub(crate) zip: &'static str,
}

/// The place of a merchant of the world.
pub(crate) fn place(purchase: &Purchase) -> Place {
    let (mcc, street, city, state, fips, zip) = match purchase.merchant.id {
        "merchant-101" => ("5814", "12 Bean Street", "Portland", "OR", "41", "97201"),
        "merchant-102" => ("5942", "3 Quay Road", "Baltimore", "MD", "24", "21230"),
        "merchant-103" => ("5411", "890 North Avenue", "Chicago", "IL", "17", "60614"),
        "merchant-104" => ("5812", "77 O'Hara Lane", "Boston", "MA", "25", "02110"),
        "merchant-105" => ("5941", "5 Summit Way", "Denver", "CO", "08", "80202"),
        "merchant-106" => ("5462", "21 Rue \"Petite\"", "New Orleans", "LA", "22", "70112"),
        "merchant-107" => ("7832", "1 Station Square", "Atlanta", "GA", "13", "30303"),
        _ => ("5912", "404 Willow Drive", "Birmingham", "AL", "01", "35203"),
    };
    Place { mcc, street, city, state, fips, zip }
}

/// Purchases of the day in order of time. `first` keeps those of one source apart from all others.
pub(crate) fn purchases(world: &World, first: u64, count: u64) -> impl Iterator<Item = Purchase> + '_ {
    (0..count).map(move |slot| {
        let jitter = world.prng(40, slot).between(0, 5 * MINUTE);
        let slot_seconds = i64::try_from(slot * 86_000 / count).expect("less than a day");
        world.purchase(first + slot, world.start().plus(slot_seconds + jitter), Size::Usual)
    })
}

/// `12.50`
pub(crate) fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// The export of core banking as CSV: settled rows only, with what goes wrong in such exports.
pub(crate) fn core_csv(world: &World) -> anyhow::Result<Vec<u8>> {
    let mut rows = Vec::new();
    for (number, purchase) in purchases(world, 1_001, 200).enumerate() {
        if number % 20 == 7 {
            // Shipped in two parts: one transaction, two settlements.
            rows.extend(purchase.parts(60).iter().map(|part| core_row(part, number)));
        } else {
            rows.push(core_row(&purchase, number));
        }
    }
    "1,204.50".clone_into(&mut rows[GROUPED_ROW][2]);
    rows[NOBODYS_ROW][1].clear();
    rows.push(rows[ROW_TWICE].clone());
    let header =
        ["txn_id", "user_id", "amount", "dc", "text", "card1", "card2", "authorized_at", "booked_at", "branch"];
    csv_of(&header, &rows)
}

fn core_row(purchase: &Purchase, number: usize) -> Vec<String> {
    let returned = number % 25 == 11;
    let second_card = if number.is_multiple_of(3) { &purchase.other_last_four } else { "" };
    let booked = purchase.at.plus(3 * HOUR).to_string();
    vec![
        purchase.key.clone(),
        purchase.user.clone(),
        major(purchase.amount),
        if returned { "C" } else { "D" }.to_owned(),
        purchase.merchant.name.to_owned(),
        purchase.last_four.clone(),
        second_card.to_owned(),
        purchase.at.to_string(),
        // Local time of the bank's own clock, which runs in UTC.
        booked.trim_end_matches('Z').replace('T', " "),
        format!("{:03}", number % 7),
    ]
}

/// The past year of one user, the oldest purchase first.
pub(crate) fn history_csv(world: &World) -> anyhow::Result<Vec<u8>> {
    let (user, last_four) = NEWCOMER;
    let rows: Vec<Vec<String>> = (0..PAST_PURCHASES)
        .map(|number| {
            let index = number.unsigned_abs();
            let jitter = world.prng(41, index).between(0, 9 * HOUR);
            let at = world.start().plus(-365 * DAY + number * 365 * DAY / PAST_PURCHASES + jitter);
            history_row(&world.purchase(5_001 + index, at, Size::Usual).by(user, last_four), number)
        })
        .collect();
    let header = [
        "txn_id",
        "user_id",
        "amount",
        "currency",
        "kind",
        "state",
        "at",
        "settled_at",
        "bin",
        "last4",
        "merchant",
        "mcc",
        "city",
        "us_state",
        "zip",
    ];
    csv_of(&header, &rows)
}

fn history_row(purchase: &Purchase, number: i64) -> Vec<String> {
    let place = place(purchase);
    let (kind, state) = match number % 30 {
        17 => ("refund", "refunded"),
        23 => ("purchase", "declined"),
        _ => ("purchase", "posted"),
    };
    let settled = if state == "posted" { settled_at(purchase.at).to_string() } else { String::new() };
    let text = [
        &*purchase.key,
        &*purchase.user,
        &*major(purchase.amount),
        "USD",
        kind,
        state,
        &*purchase.at.to_string(),
        &*settled,
        purchase.bin,
        &*purchase.last_four,
        purchase.merchant.name,
        place.mcc,
        place.city,
        place.state,
        place.zip,
    ];
    text.map(str::to_owned).to_vec()
}

/// When the card network has settled what was bought at a time.
pub(crate) fn settled_at(at: Moment) -> Moment {
    at.plus(7 * HOUR)
}

fn csv_of(header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(header)?;
    for row in rows {
        csv.write_record(row)?;
    }
    Ok(csv.into_inner()?)
}
