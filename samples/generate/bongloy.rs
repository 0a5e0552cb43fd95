//! Bongloy's day: accounts, their balance transactions and balances, what the issuer booked, and what a run must find.

use super::core_api::{csv, truth};
use super::prng::Prng;
use super::shipped::Files;

const DAY: &str = "2025-03-19";
/// Accounts, and those who hold them.
const ACCOUNTS: [(&str, &str); 5] = [
    ("46e8d03e-2ad4-4e12-b901-88c38ff2b3e8", "f04ef2ac-1133-4617-aacf-283e6ae4f0b4"),
    ("652a153c-329f-4df1-838a-38e04a4ced9c", "32b4e9e8-08c6-4cff-8bc6-2325f9de77ea"),
    ("8624d1c4-5b78-431d-a4c5-ab5b7a1d90c9", "6d9cb74f-c47c-4a15-a3c6-e1613e716a96"),
    ("9bbad17b-2089-4072-a941-9b3b16923495", "e8395758-19b4-4970-93d6-f08170bef2c3"),
    ("69cccd2c-94cc-4369-ba9c-df2d1d2b24ce", "32b4e9e8-08c6-4cff-8bc6-2325f9de77ea"),
];
const HOLDERS: [(&str, &str); 4] = [
    ("f04ef2ac-1133-4617-aacf-283e6ae4f0b4", "Tang Dara"),
    ("32b4e9e8-08c6-4cff-8bc6-2325f9de77ea", "Meta Kanha"),
    ("6d9cb74f-c47c-4a15-a3c6-e1613e716a96", "Sok Pisey"),
    ("e8395758-19b4-4970-93d6-f08170bef2c3", "Chan Bopha"),
];

/// One balance transaction; what goes into the account is positive.
#[derive(Debug, Clone)]
struct Transaction {
    id: String,
    account: &'static str,
    cents: i64,
    status: &'static str,
    kind: &'static str,
    at: String,
}

/// A break that a run must find: key, kind, currency, why.
type Found = (String, &'static str, &'static str, String);

/// An id that looks like those of the provider.
fn uuid(prng: &mut Prng) -> String {
    let (high, low) = (prng.next(), prng.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// Of each account two top-ups before the day and six transactions on it, the last of them still pending.
fn transactions(seed: u64) -> Vec<Transaction> {
    let mut all = Vec::new();
    for (index, (account, _)) in ACCOUNTS.into_iter().enumerate() {
        let mut prng = Prng::of(seed, 71, index as u64);
        for day in [12, 16] {
            let (id, cents) = (uuid(&mut prng), prng.between(100, 400) * 100);
            let at = format!("2025-03-{day}T09:{:02}:00Z", 10 + index);
            all.push(Transaction { id, account, cents, status: "available", kind: "topup", at });
        }
        for number in 0..6 {
            let (id, cents) = (uuid(&mut prng), -prng.between(199, 3_500));
            let status = if number == 5 { "pending" } else { "available" };
            let at = format!("{DAY}T{:02}:{:02}:{:02}Z", 6 + 2 * number, prng.below(60), prng.below(60));
            all.push(Transaction { id, account, cents, status, kind: "purchase", at });
        }
    }
    all.sort_by(|left, right| left.at.cmp(&right.at));
    all
}

/// What the day's ledger holds, and which breaks follow from what is wrong with it.
fn ledger(transactions: &[Transaction]) -> (Vec<[String; 6]>, Vec<Found>) {
    let of_day: Vec<&Transaction> = transactions.iter().filter(|one| one.at.starts_with(DAY)).collect();
    let mut rows = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for (number, one) in of_day.into_iter().enumerate() {
        let state = if one.status == "pending" { "reserved" } else { "booked" };
        let mut row = [&one.id, one.account, &one.cents.to_string(), "USD", state, &one.at].map(str::to_owned);
        let mut tell = |kind, why: String| found.push((one.id.clone(), kind, "USD", why));
        match number {
            3 => {
                tell("missing_in_ledger", format!("The account paid {} cents; nobody booked it.", -one.cents));
                continue;
            }
            7 => {
                row[2] = (one.cents - 90).to_string();
                tell("amount_mismatch", format!("{} cents for the provider, {} in our books.", one.cents, row[2]));
            }
            12 => {
                "KHR".clone_into(&mut row[3]);
                tell("currency_mismatch", "USD for the provider, KHR in our books.".to_owned());
            }
            16 => {
                tell("duplicate_row", format!("Our books hold the same row of {} cents twice.", row[2]));
                rows.push(row.clone());
            }
            20 => {
                ACCOUNTS[0].0.clone_into(&mut row[1]);
                tell("identity_mismatch", format!("Account {} for the provider, another one for us.", one.account));
            }
            26 => {
                "booked".clone_into(&mut row[4]);
                tell("status_mismatch", "Still pending for the provider, booked for good by us.".to_owned());
            }
            _ => {}
        }
        rows.push(row);
    }
    let id = "0d0d5d3c-8f6e-4c55-8a64-3b1d5f1f7a10";
    found.push((id.to_owned(), "missing_in_file", "USD", "Booked, and in no list of the provider.".to_owned()));
    rows.push([id, ACCOUNTS[3].0, "-2500", "USD", "booked", "2025-03-19T13:00:00Z"].map(str::to_owned));
    (rows, found)
}

/// What each account has by the provider's word, and which breaks follow: the sum of its transactions of each status, but
/// for one that is wrong, one that is not stated, and one that no transaction makes.
fn balances(transactions: &[Transaction]) -> (String, Vec<Found>) {
    let mut found: Vec<Found> = Vec::new();
    let mut resources = Vec::new();
    for (number, (account, _)) in ACCOUNTS.into_iter().enumerate() {
        let sum = |status: &str| -> i64 {
            let own = transactions.iter().filter(|one| one.account == account && one.status == status);
            own.map(|one| one.cents).sum()
        };
        let (mut available, pending) = (sum("available"), sum("pending"));
        if number == 1 {
            available -= 1_000;
            let why = format!("The provider states {available} cents, its transactions make {}.", sum("available"));
            found.push((format!("{account}/available/USD"), "balance_mismatch", "USD", why));
        }
        let mut pending = vec![format!(r#"{{"amount": {pending}, "currency": "USD"}}"#)];
        if number == 2 {
            pending.clear();
            let why = format!("Its transactions make {} cents; the provider states nothing.", sum("pending"));
            found.push((format!("{account}/pending/USD"), "missing_in_file", "USD", why));
        }
        if number == 4 {
            pending.push(r#"{"amount": 40000, "currency": "KHR"}"#.to_owned());
            let why = "The provider states 40000; no transaction is in that currency.".to_owned();
            found.push((format!("{account}/pending/KHR"), "missing_in_ledger", "KHR", why));
        }
        resources.push(format!(
            concat!(
                r#"  {{"id": "{account}", "type": "balance", "attributes": {{"#,
                r#""available": [{{"amount": {available}, "currency": "USD"}}], "pending": [{pending}]}}}}"#
            ),
            account = account,
            available = available,
            pending = pending.join(", "),
        ));
    }
    (document(&resources), found)
}

fn document(resources: &[String]) -> String {
    format!("{{\"data\": [\n{}\n]}}\n", resources.join(",\n"))
}

fn accounts_json() -> String {
    let account = |(number, (id, holder)): (usize, (&str, &str))| {
        format!(
            concat!(
                r#"  {{"id": "{id}", "type": "account", "attributes": {{"created_at": "2024-12-11T12:48:4{number}Z", "#,
                r#""updated_at": "2024-12-11T12:48:4{number}Z", "currency": "USD", "external_id": "P01-100{number}", "#,
                r#""status": "active", "metadata": {{}}, "cardholder": "{holder}"}}}}"#
            ),
            id = id,
            number = number,
            holder = holder,
        )
    };
    document(&ACCOUNTS.into_iter().enumerate().map(account).collect::<Vec<_>>())
}

fn cardholders_json() -> String {
    let holder = |(number, (id, name)): (usize, (&str, &str))| {
        format!(
            concat!(
                r#"  {{"id": "{id}", "type": "cardholder", "attributes": {{"created_at": "2024-12-10T08:00:0{number}Z", "#,
                r#""updated_at": "2024-12-10T08:00:0{number}Z", "name": "{name}", "phone_number": "85571510086{number}", "#,
                r#""additional_details": {{}}, "metadata": {{}}, "status": "active"}}}}"#
            ),
            id = id,
            number = number,
            name = name,
        )
    };
    document(&HOLDERS.into_iter().enumerate().map(holder).collect::<Vec<_>>())
}

fn cards_json(seed: u64) -> String {
    let card = |(number, (account, _)): (usize, (&str, &str))| {
        let id = uuid(&mut Prng::of(seed, 72, number as u64));
        let status = if number == 3 { "canceled" } else { "active" };
        format!(
            concat!(
                r#"  {{"id": "{id}", "type": "card", "attributes": {{"created_at": "2024-12-12T08:00:0{number}Z", "#,
                r#""updated_at": "2024-12-12T08:00:0{number}Z", "last_four": "234{number}", "exp_month": 12, "#,
                r#""exp_year": 2027, "status": "{status}", "account": "{account}", "type": "physical"}}}}"#
            ),
            id = id,
            number = number,
            status = status,
            account = account,
        )
    };
    document(&ACCOUNTS.into_iter().enumerate().map(card).collect::<Vec<_>>())
}

fn transactions_json(transactions: &[Transaction]) -> String {
    let transaction = |one: &Transaction| {
        let Transaction { id, account, cents, status, kind, at } = one;
        format!(
            concat!(
                r#"  {{"id": "{id}", "type": "balance_transaction", "attributes": {{"created_at": "{at}", "#,
                r#""updated_at": "{at}", "currency": "USD", "account": "{account}", "amount": {cents}, "#,
                r#""status": "{status}", "type": "{kind}"}}}}"#
            ),
            id = id,
            at = at,
            account = account,
            cents = cents,
            status = status,
            kind = kind,
        )
    };
    document(&transactions.iter().map(transaction).collect::<Vec<_>>())
}

/// Every file of it.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(seed: u64) -> anyhow::Result<Files> {
    let transactions = transactions(seed);
    let (ledger, ledger_truth) = ledger(&transactions);
    let (balances, balance_truth) = balances(&transactions);
    let booked = ["transaction_id", "account", "cents", "currency", "state", "booked_at"];
    Ok(Files::from([
        ("bongloy/accounts.json".to_owned(), accounts_json().into_bytes()),
        ("bongloy/cardholders.json".to_owned(), cardholders_json().into_bytes()),
        ("bongloy/cards.json".to_owned(), cards_json(seed).into_bytes()),
        ("bongloy/balances.json".to_owned(), balances.into_bytes()),
        ("bongloy/balance_transactions.json".to_owned(), transactions_json(&transactions).into_bytes()),
        (format!("data/bongloy-{DAY}.csv"), csv(booked, &ledger)?),
        (format!("data/truth-bongloy-transactions-{DAY}.csv"), truth(&ledger_truth)?),
        (format!("data/truth-bongloy-balances-{DAY}.csv"), truth(&balance_truth)?),
    ]))
}
