//! Core API's day: cards with all their movements, what the issuer's books say of them, and what a run must find.

use super::prng::Prng;
use super::shipped::{Files, TRUTH_HEADER};

const DAY: &str = "2025-03-19";
const CARDS: [(&str, &str, &str); 8] = [
    ("card_001", "USD", "cus_001"),
    ("card_002", "USD", "cus_002"),
    ("card_003", "EUR", "cus_003"),
    ("card_004", "COP", "cus_004"),
    ("card_005", "USD", "cus_001"),
    ("card_006", "EUR", "cus_005"),
    ("card_007", "USD", "cus_005"),
    ("card_008", "COP", "cus_002"),
];
/// In our books, and not at the provider.
const GONE: (&str, &str) = ("card_099", "USD");
const CUSTOMERS: [(&str, &str, &str); 5] = [
    ("cus_001", "Juan Perez", "juan@example.com"),
    ("cus_002", "Maria Garcia", "maria@example.com"),
    ("cus_003", "Anna Schmidt", "anna@example.com"),
    ("cus_004", "Luis Rojas", "luis@example.com"),
    ("cus_005", "Jane Doe", "jane@example.com"),
];
const SHOPS: [&str; 5] = ["Online purchase - Books", "Subscription - Films", "Coffee", "Groceries", "Train ticket"];

/// One movement as the provider tells it; a debit is negative.
#[derive(Debug, Clone)]
struct Movement {
    id: String,
    card: &'static str,
    currency: &'static str,
    cents: i64,
    description: &'static str,
    at: String,
}

/// A break that a run must find: key, kind, currency, why.
type Found = (String, &'static str, &'static str, String);

/// A row of the ledger.
type Booked = [String; 6];

/// A number as JSON writes it: without the noughts that say nothing, as the document does (-20, -15.50).
fn number(cents: i64) -> String {
    if cents % 100 == 0 { (cents / 100).to_string() } else { decimal(cents) }
}

fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// Three top-ups before the day, five purchases on it, one after it: of every card.
fn movements(seed: u64) -> Vec<Movement> {
    let mut all = Vec::new();
    for (index, (card, currency, _)) in CARDS.into_iter().enumerate() {
        let mut prng = Prng::of(seed, 70, index as u64);
        let size = if currency == "COP" { 1_000 } else { 1 };
        let mut add = |cents: i64, description, at: String| {
            let id = format!("mov_{}{:02}", &card[5..], all.len() % 9 + 1);
            all.push(Movement { id, card, currency, cents: cents * size, description, at });
        };
        for day in [11, 14, 17] {
            add(prng.between(20, 90) * 1_000, "Balance top-up", format!("2025-03-{day}T10:00:{index:02}Z"));
        }
        for number in 0..5 {
            let shop = SHOPS[usize::try_from(prng.below(5)).expect("below five")];
            let at = format!("{DAY}T{:02}:{:02}:{:02}Z", 7 + 3 * number, prng.below(60), prng.below(60));
            add(-prng.between(150, 9_000), shop, at);
        }
        add(-prng.between(150, 9_000), "Coffee", format!("2025-03-20T06:{:02}:00Z", 10 + index));
    }
    all
}

fn booked(movement: &Movement) -> Booked {
    let Movement { id, card, currency, cents, description, at } = movement;
    [id.clone(), (*card).to_owned(), decimal(*cents), (*currency).to_owned(), (*description).to_owned(), at.clone()]
}

/// What the day's ledger holds, and which breaks follow from what is wrong with it.
fn ledger(movements: &[Movement]) -> (Vec<Booked>, Vec<Found>) {
    let of_day: Vec<&Movement> = movements.iter().filter(|movement| movement.at.starts_with(DAY)).collect();
    let mut rows = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for (number, movement) in of_day.into_iter().enumerate() {
        let mut row = booked(movement);
        let mut tell = |kind, why: String| found.push((movement.id.clone(), kind, movement.currency, why));
        match number {
            2 => {
                tell("missing_in_ledger", format!("The card paid {}; nobody booked it.", decimal(-movement.cents)));
                continue;
            }
            6 => {
                row[2] = decimal(movement.cents - 45);
                tell(
                    "amount_mismatch",
                    format!("The provider says {}, our books {}.", decimal(movement.cents), row[2]),
                );
            }
            11 => {
                "USD".clone_into(&mut row[3]);
                tell("currency_mismatch", "The card is one of EUR, the booking one of USD.".to_owned());
            }
            16 => {
                tell("duplicate_row", format!("Our books hold the same row of {} twice.", row[2]));
                rows.push(row.clone());
            }
            21 => {
                let mut other = row.clone();
                other[2] = decimal(movement.cents - 300);
                tell("conflicting_rows", format!("Our books say {} and {}: neither can be trusted.", row[2], other[2]));
                rows.push(other);
            }
            26 => {
                row[5] = row[5].replace("2025-03-19", "2025-03-16");
                tell("period_mismatch", "The provider dates it three days later than our books do.".to_owned());
            }
            31 => {
                "card_005".clone_into(&mut row[1]);
                tell("identity_mismatch", format!("It is {}'s for the provider, card_005's for us.", movement.card));
            }
            _ => {}
        }
        rows.push(row);
    }
    let text = str::to_owned;
    let why = "Booked, and the provider's card has no such movement.";
    found.push((text("mov_00477"), "missing_in_file", "COP", text(why)));
    rows.push(["mov_00477", "card_004", "-48000.00", "COP", "Groceries", "2025-03-19T15:10:00Z"].map(text));
    let why = "Booked on card_099, which the provider does not know.";
    found.push((text("mov_09901"), "missing_in_file", GONE.1, text(why)));
    rows.push(["mov_09901", GONE.0, "-12.30", GONE.1, "Coffee", "2025-03-19T11:45:00Z"].map(text));
    (rows, found)
}

/// What our books say each card holds at the day's end, and which breaks follow.
fn balances(movements: &[Movement]) -> (Vec<[String; 3]>, Vec<Found>) {
    let mut rows = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for (card, currency, _) in CARDS {
        let until = movements.iter().filter(|movement| movement.card == card && movement.at.as_str() < "2025-03-20");
        let sum: i64 = until.map(|movement| movement.cents).sum();
        let mut stated = sum;
        match card {
            "card_002" => {
                stated += 1_050;
                let why = format!("The movements make {}, our books say {}.", decimal(sum), decimal(stated));
                found.push((card.to_owned(), "balance_mismatch", currency, why));
            }
            "card_006" => {
                let why = format!("The movements make {}; our books know no balance.", decimal(sum));
                found.push((card.to_owned(), "missing_in_ledger", currency, why));
                continue;
            }
            _ => {}
        }
        rows.push([card.to_owned(), decimal(stated), currency.to_owned()]);
    }
    let why = "Our books hold a balance for a card that the provider does not know.".to_owned();
    found.push((GONE.0.to_owned(), "missing_in_file", GONE.1, why));
    rows.push([GONE.0.to_owned(), "87.70".to_owned(), GONE.1.to_owned()]);
    (rows, found)
}

/// The cards as the sandbox reads them, each with its movements, the newest first.
fn cards_json(movements: &[Movement]) -> String {
    let movement = |row: &Movement| {
        let Movement { id, description, at, cents, .. } = row;
        let amount = number(*cents);
        format!(r#"      {{"id": "{id}", "amount": {amount}, "description": "{description}", "date": "{at}"}}"#)
    };
    let card = |(card, currency, customer): &(&str, &str, &str)| {
        let mut own: Vec<&Movement> = movements.iter().filter(|movement| movement.card == *card).collect();
        own.sort_by(|left, right| right.at.cmp(&left.at));
        let own: Vec<String> = own.into_iter().map(movement).collect();
        let head = format!(
            r#"    {{"cardId": "{card}", "status": "active", "currency": "{currency}", "customerId": "{customer}", "movements": ["#
        );
        format!("{head}\n{}\n    ]}}", own.join(",\n"))
    };
    let cards: Vec<String> = CARDS.iter().map(card).collect();
    format!("{{\"cards\": [\n{}\n]}}\n", cards.join(",\n"))
}

fn customers_json() -> String {
    let customer = |(id, name, email): &(&str, &str, &str)| {
        format!(r#"  {{"customerId": "{id}", "name": "{name}", "email": "{email}"}}"#)
    };
    let customers: Vec<String> = CUSTOMERS.iter().map(customer).collect();
    format!("{{\"customers\": [\n{}\n]}}\n", customers.join(",\n"))
}

/// A CSV of these rows.
pub(crate) fn csv<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(header)?;
    for row in rows {
        csv.write_record(row)?;
    }
    Ok(csv.into_inner()?)
}

/// A truth file of these breaks.
pub(crate) fn truth(found: &[Found]) -> anyhow::Result<Vec<u8>> {
    let rows: Vec<[String; 5]> = found
        .iter()
        .map(|(key, kind, currency, why)| [key, *kind, *currency, "transaction_amount", why].map(str::to_owned))
        .collect();
    csv(TRUTH_HEADER, &rows)
}

/// Every file of it.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(seed: u64) -> anyhow::Result<Files> {
    let movements = movements(seed);
    let (ledger, ledger_truth) = ledger(&movements);
    let (balances, balance_truth) = balances(&movements);
    let cards = CARDS.map(|(card, currency, _)| (card, currency)).into_iter().chain([GONE]);
    let cards: Vec<[String; 2]> = cards.map(|(card, currency)| [card.to_owned(), currency.to_owned()]).collect();
    let booked = ["movement_id", "card_id", "amount", "currency", "text", "booked_at"];
    Ok(Files::from([
        ("core_api/cards.json".to_owned(), cards_json(&movements).into_bytes()),
        ("core_api/customers.json".to_owned(), customers_json().into_bytes()),
        (format!("data/core-cards-{DAY}.csv"), csv(["card_id", "currency"], &cards)?),
        (format!("data/movements-{DAY}.csv"), csv(booked, &ledger)?),
        (format!("data/core-balances-{DAY}.csv"), csv(["card_id", "balance", "currency"], &balances)?),
        (format!("data/truth-core-movements-{DAY}.csv"), truth(&ledger_truth)?),
        (format!("data/truth-core-balances-{DAY}.csv"), truth(&balance_truth)?),
    ]))
}
