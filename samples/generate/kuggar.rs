//! Virtual cards at Kuggar on one day, the ledger of them, and what a comparison must find.

use tieout::digest::sha256;

use super::prng::Prng;
use super::shipped::{Files, TRUTH_HEADER};

const DAY: &str = "2025-03-19";
const PURPOSE: u64 = 0x6b75_6767;
/// Cards on which all agree.
const AGREED: usize = 27;
/// Ranges for tests: Mastercard and Visa.
const RANGES: [&str; 2] = ["541333", "411111"];
/// Currency, and how many decimals it has.
const CURRENCIES: [(&str, usize); 5] = [("USD", 2), ("AUD", 2), ("EUR", 2), ("GBP", 2), ("JPY", 0)];
const GUESTS: [&str; 6] = ["A. Okafor", "B. Lindqvist", "C. Moreau", "D. Tanaka", "E. Costa", "F. Novak"];

/// One card as one side tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    limit: i64,
    currency: &'static str,
    decimals: usize,
    from: &'static str,
    to: &'static str,
    /// In the side's own word.
    state: &'static str,
}

/// A card, as both sides tell it.
#[derive(Debug, Clone)]
struct Card {
    number: usize,
    guest: &'static str,
    pan: String,
    code: String,
    /// None: Kuggar does not know it.
    kuggar: Option<Side>,
    ledger: Side,
    failure: Option<String>,
    data: Vec<(&'static str, String)>,
    /// The ledger names the card at Kuggar.
    has_id: bool,
}

/// Kind, and why; of a card on which the sides agree nothing.
type Label = Option<(&'static str, String)>;

impl Card {
    fn new(seed: u64, number: usize) -> Self {
        let mut random = Prng::of(seed, PURPOSE, number as u64);
        let (currency, decimals) = CURRENCIES[number % CURRENCIES.len()];
        let whole = random.between(50, 4_000);
        let limit = if decimals == 0 { whole * 100 } else { whole * 100 + [0, 5, 50, 99][number % 4] };
        let (from, to) =
            [("2025-03-01", "2025-03-31"), ("2025-03-15", "2025-04-14"), ("2025-03-19", "2025-06-18")][number % 3];
        let side = Side { limit, currency, decimals, from, to, state: "open" };
        let state = if number.is_multiple_of(2) { "Updated" } else { "Created" };
        Self {
            number,
            guest: GUESTS[number % GUESTS.len()],
            pan: pan(RANGES[number % RANGES.len()], random.below(1_000_000_000)),
            code: format!("{:03}", random.below(1_000)),
            kuggar: Some(Side { state, ..side.clone() }),
            ledger: side,
            failure: None,
            data: vec![("Booking", format!("BK-{:05}", 20_000 + number * 37))],
            has_id: true,
        }
    }

    /// The shape of the published example.
    fn id(&self) -> String {
        let hex = sha256(format!("kuggar card {}", self.number).as_bytes());
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
    }

    fn at_kuggar(&mut self, change: impl FnOnce(&mut Side)) {
        if let Some(side) = &mut self.kuggar {
            change(side);
        }
    }

    fn json(&self) -> Option<String> {
        let side = self.kuggar.as_ref()?;
        let provider = if self.number.is_multiple_of(3) { "Conferma" } else { "WEX" };
        let provider_id = sha256(format!("provider card {}", self.number).as_bytes())[..18].to_ascii_uppercase();
        let data: Vec<String> =
            self.data.iter().map(|(name, value)| format!(r#"{{"name": "{name}", "value": "{value}"}}"#)).collect();
        let failure = self.failure.as_ref().map_or_else(|| "null".to_owned(), |reason| format!("\"{reason}\""));
        Some(format!(
            concat!(
                r#"  {{"kuggarId": "{id}", "provider": "{provider}", "providerId": "P{provider_id}", "#,
                r#""cardHolderName": null, "cardNumber": "{pan}", "cardSecurityCode": "{code}", "#,
                r#""cardExpiry": "03/2028", "validFromDate": "{from}T00:00:00Z", "validToDate": "{to}T00:00:00Z", "#,
                r#""cardLimit": {limit}, "currencyCode": "{currency}", "fundingCurrencyCode": "USD", "#,
                r#""enhancedDataFields": [{data}], "state": "{state}", "failureReason": {failure}}}"#
            ),
            id = self.id(),
            provider = provider,
            provider_id = provider_id,
            pan = self.pan,
            code = self.code,
            from = side.from,
            to = side.to,
            limit = decimal(side),
            currency = side.currency,
            data = data.join(", "),
            state = side.state,
            failure = failure,
        ))
    }

    fn record(&self) -> [String; 10] {
        let Side { currency, from, to, state, .. } = &self.ledger;
        [
            format!("VC-{:04}", 1_000 + self.number),
            if self.has_id { self.id() } else { String::new() },
            self.guest.to_owned(),
            decimal(&self.ledger),
            (*currency).to_owned(),
            (*from).to_owned(),
            (*to).to_owned(),
            (*state).to_owned(),
            self.pan[..6].to_owned(),
            self.pan[self.pan.len() - 4..].to_owned(),
        ]
    }
}

const HEADER: [&str; 10] =
    ["card_ref", "kuggar_id", "cardholder", "limit", "currency", "valid_from", "valid_to", "status", "bin", "last4"];

/// `kuggar/cards.json`, the ledger of the day, and the truth about it.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(seed: u64) -> anyhow::Result<Files> {
    let told = tell(seed);
    let mut cards: Vec<String> = told.iter().filter_map(|(card, _)| card.json()).collect();
    cards.push(foreign(seed));
    let mut ledger = csv::Writer::from_writer(Vec::new());
    ledger.write_record(HEADER)?;
    let mut truth = csv::Writer::from_writer(Vec::new());
    truth.write_record(TRUTH_HEADER)?;
    for (card, label) in &told {
        ledger.write_record(card.record())?;
        if let Some((kind, why)) = label {
            // A break is in the currency of Kuggar, where Kuggar states one.
            let currency = card.kuggar.as_ref().unwrap_or(&card.ledger).currency;
            truth.write_record([&card.id(), *kind, currency, "transaction_amount", why])?;
        }
    }
    Ok(Files::from([
        ("kuggar/cards.json".to_owned(), format!("{{\"cards\": [\n{}\n]}}\n", cards.join(",\n")).into_bytes()),
        (format!("data/cards-{DAY}.csv"), ledger.into_inner()?),
        (format!("data/truth-kuggar-{DAY}.csv"), truth.into_inner()?),
    ]))
}

/// A card of another client, which no ledger of ours names.
fn foreign(seed: u64) -> String {
    let card = Card::new(seed, 99).json().unwrap_or_default();
    format!("{}, \"foreign\": true}}", card.trim_end_matches('}'))
}

/// Every card, in the order of the ledger.
fn tell(seed: u64) -> Vec<(Card, Label)> {
    let agreed = (0..AGREED).map(|number| (agreed(Card::new(seed, number)), None));
    let mut told: Vec<(Card, Label)> = agreed.chain(stories(seed)).collect();
    Prng::of(seed, PURPOSE, 1_000).shuffle(&mut told);
    told
}

/// Most are open; one in nine is over, and closed on both sides.
fn agreed(mut card: Card) -> Card {
    if card.number % 9 == 4 {
        card.at_kuggar(|side| (side.state, side.to) = ("Deleted", "2025-03-16"));
        (card.ledger.state, card.ledger.to) = ("closed", "2025-03-16");
    }
    if card.number == 7 {
        // A number where none belongs: masked on its way.
        let spaced = format!("{} {} {} {}", &card.pan[..4], &card.pan[4..8], &card.pan[8..12], &card.pan[12..]);
        card.data.push(("Traveller note", format!("paid with {spaced}")));
    }
    card
}

/// What is changed of a card on which both agree, and what is to be found then.
type Story = (fn(&mut Card), Option<(&'static str, &'static str)>);

fn stories(seed: u64) -> impl Iterator<Item = (Card, Label)> {
    differing().into_iter().chain(standing()).zip(AGREED..).map(move |((change, label), number)| {
        let mut card = Card::new(seed, number);
        change(&mut card);
        (card, label.map(|(kind, why)| (kind, why.to_owned())))
    })
}

/// The sides say two things.
fn differing() -> [Story; 8] {
    [
        (
            |card: &mut Card| card.at_kuggar(|side| side.limit += 1),
            Some(("amount_mismatch", "The limit at Kuggar is one smallest unit above that of the ledger.")),
        ),
        (
            |card: &mut Card| card.at_kuggar(|side| side.limit *= 10),
            Some(("amount_mismatch", "The limit at Kuggar is ten times that of the ledger.")),
        ),
        (
            |card: &mut Card| card.at_kuggar(|side| side.limit -= 2_500),
            Some(("amount_mismatch", "Lowered at Kuggar, and not in the ledger.")),
        ),
        (
            |card: &mut Card| {
                (card.ledger.currency, card.ledger.decimals) = ("USD", 2);
                let currency = ("CAD", card.ledger.limit);
                card.at_kuggar(|side| (side.currency, side.decimals, side.limit) = (currency.0, 2, currency.1));
            },
            Some(("currency_mismatch", "The same limit, in Canadian dollars at Kuggar.")),
        ),
        (
            |card: &mut Card| card.at_kuggar(|side| side.to = "2025-12-31"),
            Some(("validity_mismatch", "Kuggar lets it be used until the end of the year.")),
        ),
        (
            |card: &mut Card| card.at_kuggar(|side| side.from = "2025-02-01"),
            Some(("validity_mismatch", "Kuggar has let it be used since February.")),
        ),
        (
            |card: &mut Card| card.at_kuggar(|side| side.state = "Deleted"),
            Some(("status_mismatch", "Deleted at Kuggar, open in the ledger.")),
        ),
        (
            |card: &mut Card| card.ledger.state = "closed",
            Some(("status_mismatch", "Closed in the ledger alone: Kuggar still lets it be used.")),
        ),
    ]
}

/// What Kuggar alone says, or does not.
fn standing() -> [Story; 7] {
    [
        (|card: &mut Card| card.kuggar = None, Some(("missing_in_file", "Kuggar does not know it (404)."))),
        (|card: &mut Card| card.kuggar = None, Some(("missing_in_file", "Kuggar does not know it (404)."))),
        (
            |card: &mut Card| {
                card.at_kuggar(|side| side.state = "Failed");
                card.failure = Some("The issuer declined the card: funding account is blocked".to_owned());
            },
            Some(("provider_failed", "The issuer has made no card of it, and the ledger says that it is open.")),
        ),
        (
            |card: &mut Card| {
                card.at_kuggar(|side| side.state = "Failed");
                card.failure = Some(format!("Change refused for card {}", card.pan));
            },
            Some(("provider_failed", "A change has failed; the reason names the card, which is masked on its way.")),
        ),
        (
            |card: &mut Card| {
                card.at_kuggar(|side| (side.from, side.to) = ("2025-02-10", "2025-03-10"));
                (card.ledger.from, card.ledger.to) = ("2025-02-10", "2025-03-10");
            },
            Some(("open_after_end", "Its last day was the 10th, and Kuggar has not closed it.")),
        ),
        (
            |card: &mut Card| {
                card.at_kuggar(|side| (side.from, side.to) = ("2025-03-01", "2025-03-18"));
                (card.ledger.from, card.ledger.to) = ("2025-03-01", "2025-03-18");
            },
            Some(("open_after_end", "Its last day was the day before, and Kuggar has not closed it.")),
        ),
        // Nobody can be asked about it.
        (|card: &mut Card| card.has_id = false, None),
    ]
}

fn decimal(side: &Side) -> String {
    if side.decimals == 0 {
        return side.limit.to_string();
    }
    format!("{}.{:02}", side.limit / 100, side.limit % 100)
}

/// A number of a test range with a good check digit.
fn pan(range: &str, serial: u64) -> String {
    let body = format!("{range}{serial:09}");
    let doubled = |(index, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0') * if index % 2 == 0 { 2 } else { 1 };
        if digit > 9 { digit - 9 } else { digit }
    };
    let sum: u32 = body.bytes().rev().enumerate().map(doubled).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
