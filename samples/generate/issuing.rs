//! Orders of an issuer of corporate cards, what it shows of them, and our ledgers: told order by order.

use chrono::NaiveDate;

use super::shipped::{Files, TRUTH_HEADER};
use super::world::{HOUR, MINUTE, Moment};

/// What became of one order between the two books.
#[derive(Debug, Clone, Copy)]
enum Story {
    Agrees,
    /// Neither book has it done.
    Open,
    /// The provider states so many minor units more.
    Amount(i64),
    /// The provider states another currency.
    Currency(&'static str),
    /// The provider is not done with it.
    Pending,
    /// The provider has failed.
    Failed,
    /// The provider does not know it.
    Unknown,
    /// The provider has it for another user.
    OtherUser,
}

/// One order: its number of the day, currency, amount in minor units with that currency's decimals, and its story.
struct Told {
    number: u32,
    currency: &'static str,
    amount: i64,
    decimals: usize,
    story: Story,
}

impl Told {
    fn user(&self) -> String {
        format!("emp-{:03}", self.number % 9 + 1)
    }

    fn card(&self) -> String {
        format!("card-{:03}", self.number % 12 + 1)
    }

    fn at(&self, date: NaiveDate) -> Moment {
        Moment::start_of(date).plus(8 * HOUR + i64::from(self.number) * 17 * MINUTE)
    }

    fn major(&self, minor: i64) -> String {
        let digits = format!("{minor:0width$}", width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    /// As the provider states it: a number without the zeros that JSON does not need.
    fn number(&self, minor: i64) -> String {
        let text = self.major(minor);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }

    fn their_status(&self) -> &'static str {
        match self.story {
            Story::Pending | Story::Open => "pending",
            Story::Failed => "failed",
            _ => "completed",
        }
    }

    fn our_status(&self) -> &'static str {
        if matches!(self.story, Story::Open) { "ordered" } else { "done" }
    }

    /// User, amount and currency as the provider has them.
    fn theirs(&self) -> (String, String, &'static str) {
        let user = if matches!(self.story, Story::OtherUser) { "emp-077".to_owned() } else { self.user() };
        let amount = if let Story::Amount(more) = self.story { self.amount + more } else { self.amount };
        let currency = if let Story::Currency(other) = self.story { other } else { self.currency };
        (user, self.number(amount), currency)
    }

    /// The row of the truth about it, if it makes a break.
    fn truth(&self, id: &str) -> Option<[String; 5]> {
        let (currency, ours) = (self.currency, self.major(self.amount));
        let (kind, why) = match self.story {
            Story::Agrees | Story::Open => return None,
            Story::Amount(more) => (
                "amount_mismatch",
                format!("Booked for {ours}, the provider states {}.", self.major(self.amount + more)),
            ),
            Story::Currency(other) => (
                "currency_mismatch",
                format!("The same {ours} is {currency} in our ledger and {other} at the provider."),
            ),
            Story::Pending => ("status_mismatch", "Booked as done, and the provider still has it pending.".to_owned()),
            Story::Failed => ("provider_failed", "Booked as done, and the provider has failed.".to_owned()),
            Story::Unknown => {
                ("missing_in_file", format!("Booked for {ours}, and the provider answers order_not_found."))
            }
            Story::OtherUser => {
                ("identity_mismatch", format!("Booked for {}, the provider has it for emp-077.", self.user()))
            }
        };
        // A break is told in the currency of the provider's side.
        let currency = if let Story::Currency(other) = self.story { other } else { currency };
        Some([id.to_owned(), kind.to_owned(), currency.to_owned(), "transaction_amount".to_owned(), why])
    }
}

/// Top-ups: 28 of them, in three kinds of decimals.
fn topups() -> Vec<Told> {
    let story = |number| match number {
        3 | 16 => Story::Open,
        5 => Story::Amount(500),
        9 => Story::Currency("EUR"),
        12 => Story::Pending,
        15 => Story::Unknown,
        18 => Story::Failed,
        21 => Story::OtherUser,
        24 => Story::Amount(-1),
        _ => Story::Agrees,
    };
    let told = |number: u32| {
        let (currency, decimals) = match number {
            7 | 24 => ("JPY", 0),
            11 => ("KWD", 3),
            _ => ("USD", 2),
        };
        Told { number, currency, amount: 2_000 + i64::from(number) * 1_250, decimals, story: story(number) }
    };
    (1..=28).map(told).collect()
}

/// Cards: 18 of them, each with the fee of its making.
fn cards() -> Vec<Told> {
    let story = |number| match number {
        2 => Story::Open,
        4 => Story::Amount(250),
        7 => Story::Pending,
        10 => Story::Unknown,
        13 => Story::Failed,
        16 => Story::OtherUser,
        _ => Story::Agrees,
    };
    (1..=18).map(|number| Told { number, currency: "USD", amount: 500, decimals: 2, story: story(number) }).collect()
}

/// Numbers for tests, known to everyone: `fetch issued card data` shows such, and none may be kept.
const NUMBERS: [&str; 3] = ["4111111111111111", "5555555555554444", "4012888888881881"];

fn card_order(told: &Told, id: &str, date: NaiveDate) -> String {
    let (user, fee, currency) = told.theirs();
    let (status, at) = (told.their_status(), told.at(date));
    let issued = if status == "completed" {
        let number = NUMBERS[told.number as usize % NUMBERS.len()];
        let (card, cvv) = (told.card(), 100 + told.number * 7);
        format!(r#","card":{{"card_id":"{card}","card_number":"{number}","cvv":"{cvv}","expiry":"03/29"}}"#)
    } else {
        String::new()
    };
    format!(
        r#"{{"order_id":"{id}","external_user_id":"{user}","fee":{fee},"currency":"{currency}","status":"{status}","created_at":"{at}"{issued}}}"#
    )
}

fn topup_order(told: &Told, id: &str, date: NaiveDate) -> String {
    let (user, amount, currency) = told.theirs();
    let (card, status, at) = (told.card(), told.their_status(), told.at(date));
    format!(
        r#"{{"order_id":"{id}","external_user_id":"{user}","card_id":"{card}","amount":{amount},"currency":"{currency}","status":"{status}","created_at":"{at}"}}"#
    )
}

/// How one order is written by the provider.
type Written = fn(&Told, &str, NaiveDate) -> String;

/// The provider's rows, our ledger, and the truth.
fn side(prefix: &str, told: &[Told], date: NaiveDate, written: Written) -> anyhow::Result<(String, Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut ledger = csv::Writer::from_writer(Vec::new());
    ledger.write_record(["order_id", "employee", "card", "amount", "currency", "state", "booked_at"])?;
    let mut truth = csv::Writer::from_writer(Vec::new());
    truth.write_record(TRUTH_HEADER)?;
    for told in told {
        let id = format!("{prefix}-{}-{:03}", date.format("%m%d"), told.number);
        if !matches!(told.story, Story::Unknown) {
            rows.push(format!("  {}", written(told, &id, date)));
        }
        let (user, card, amount) = (told.user(), told.card(), told.major(told.amount));
        let at = told.at(date).to_string();
        ledger.write_record([&id, &user, &card, &amount, told.currency, told.our_status(), &at])?;
        if let Some(record) = told.truth(&id) {
            truth.write_record(record)?;
        }
    }
    Ok((rows.join(",\n"), ledger.into_inner()?, truth.into_inner()?))
}

/// Users, cards and the master wallet, for orders that are made at the sandbox.
fn world() -> String {
    let user = |number: u32| format!(r#"  {{"external_user_id":"emp-{number:03}","cardholder":{}}}"#, number != 9);
    let card = |number: u32| {
        let owner = number % 8 + 1;
        format!(r#"  {{"card_id":"card-{number:03}","external_user_id":"emp-{owner:03}","active":{}}}"#, number != 12)
    };
    let users: Vec<String> = (1..=9).map(user).collect();
    let cards: Vec<String> = (1..=12).map(card).collect();
    format!(
        "{{\"master_balance\": {{\"USD\": \"100.00\"}}, \"users\": [\n{}\n], \"cards\": [\n{}\n]}}\n",
        users.join(",\n"),
        cards.join(",\n")
    )
}

/// Everything of one day.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(date: NaiveDate) -> anyhow::Result<Files> {
    let (cards, card_ledger, card_truth) = side("ord", &cards(), date, card_order)?;
    let (topups, topup_ledger, topup_truth) = side("top", &topups(), date, topup_order)?;
    let orders = format!("{{\"card_orders\": [\n{cards}\n], \"topup_orders\": [\n{topups}\n]}}\n");
    Ok(Files::from([
        ("card_issuing/orders.json".to_owned(), orders.into_bytes()),
        ("card_issuing/world.json".to_owned(), world().into_bytes()),
        (format!("data/issuing-cards-{date}.csv"), card_ledger),
        (format!("data/issuing-topups-{date}.csv"), topup_ledger),
        (format!("data/truth-issuing-cards-{date}.csv"), card_truth),
        (format!("data/truth-issuing-topups-{date}.csv"), topup_truth),
    ]))
}
