//! Who buys what, where and when: the one truth from which each side's rows are told.

use chrono::{DateTime, NaiveDate, NaiveTime};

use super::prng::Prng;

/// Seconds since the epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

impl Moment {
    pub(crate) fn start_of(date: NaiveDate) -> Self {
        Self(date.and_time(NaiveTime::MIN).and_utc().timestamp())
    }

    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    /// Microseconds since the epoch.
    pub(crate) const fn micros(self) -> i64 {
        self.0 * 1_000_000
    }
}

impl std::fmt::Display for Moment {
    /// RFC 3339 in UTC: `2025-03-19T10:00:00Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = DateTime::from_timestamp(self.0, 0).expect("a day of this century");
        write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A merchant with an offer. Rates are in hundredths of a percent of the amount.
#[derive(Debug)]
pub(crate) struct Merchant {
    pub(crate) id: &'static str,
    pub(crate) offer: &'static str,
    pub(crate) name: &'static str,
    issuer_rate: i64,
    user_rate: i64,
}

const fn merchant(
    id: &'static str,
    offer: &'static str,
    name: &'static str,
    issuer_rate: i64,
    user_rate: i64,
) -> Merchant {
    Merchant { id, offer, name, issuer_rate, user_rate }
}

const MERCHANTS: [Merchant; 8] = [
    merchant("merchant-101", "offer-1101", "Bluebird Coffee", 800, 500),
    merchant("merchant-102", "offer-1102", "Harbor Books", 650, 400),
    merchant("merchant-103", "offer-1103", "Northside Grocers", 300, 150),
    merchant("merchant-104", "offer-1104", "O'Malley's Diner", 900, 600),
    merchant("merchant-105", "offer-1105", "Peak Outfitters", 1000, 700),
    merchant("merchant-106", "offer-1106", "Crème & Co.", 750, 500),
    merchant("merchant-107", "offer-1107", "Station Cinema", 500, 300),
    merchant("merchant-108", "offer-1108", "Willow Pharmacy", 400, 250),
];

/// One of the usual merchants, by its number from 101.
pub(crate) fn merchant_of(number: usize) -> &'static Merchant {
    &MERCHANTS[number - 101]
}

/// On a deny list; none of the usual purchases is made there.
pub(crate) static CASINO: Merchant = merchant("merchant-190", "offer-1190", "CASINO ROYALE", 200, 100);

/// How things are called, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Few users and keys that read well: `txn-0319-0042`.
    Shipped,
    /// Many users and keys of 24 hexadecimal digits.
    Bulk,
}

impl Style {
    /// At most 10,000: each user has one card, and the last four digits tell the cards apart.
    const fn users(self) -> u64 {
        match self {
            Self::Shipped => 40,
            Self::Bulk => 10_000,
        }
    }
}

/// How large the amounts are. Within one card no amount repeats, so that no pair by a weaker rule
/// (same card, same amount) arises by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// 3.00 to 28.02: what breaks stays below the shipped job's gate.
    Modest,
    /// 30.00 to 330.10.
    Usual,
}

/// One day of purchases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) date: NaiveDate,
    pub(crate) style: Style,
}

/// One purchase at a merchant with an offer. Amounts are cents of a US dollar.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) key: String,
    /// Other keys under which a side may know it.
    pub(crate) aliases: [String; 2],
    pub(crate) user: String,
    pub(crate) other_user: String,
    pub(crate) merchant: &'static Merchant,
    pub(crate) bin: &'static str,
    pub(crate) last_four: String,
    pub(crate) other_last_four: String,
    pub(crate) amount: i64,
    pub(crate) issuer_commission: i64,
    pub(crate) user_reward: i64,
    pub(crate) at: Moment,
    /// The currency where the provider states one, which its published shape does not; none: dollars, unstated.
    pub(crate) stated_currency: Option<&'static str>,
    /// The part after the transaction's key in what is derived from it.
    events: Prng,
}

impl World {
    pub(crate) fn start(&self) -> Moment {
        Moment::start_of(self.date)
    }

    /// A stream for one purpose and index of this day.
    pub(crate) fn prng(&self, purpose: u64, index: u64) -> Prng {
        let day = u64::try_from(self.start().0 / DAY).expect("a day of this century");
        Prng::of(self.seed ^ (day << 32), purpose, index)
    }

    /// Purchase number `index` (from 1), made at `at`.
    pub(crate) fn purchase(&self, index: u64, at: Moment, size: Size) -> Purchase {
        let mut prng = self.prng(1, index);
        let users = self.style.users();
        let user = index % users;
        let other = (user + 1 + prng.below(users - 1)) % users;
        let amount = self.amount(user, index / users, size);
        let merchant = &MERCHANTS[usize::try_from(prng.below(MERCHANTS.len() as u64)).expect("below eight")];
        Purchase {
            key: self.key(index, 0),
            aliases: [self.key(index, 1), self.key(index, 2)],
            user: self.user(user),
            other_user: self.user(other),
            merchant,
            bin: "411111",
            last_four: self.last_four(user),
            other_last_four: self.last_four(other),
            amount,
            issuer_commission: amount * merchant.issuer_rate / 10_000,
            user_reward: amount * merchant.user_rate / 10_000,
            at,
            stated_currency: None,
            events: prng,
        }
    }

    /// The moduli are primes: for one user, different rounds give different amounts.
    fn amount(&self, user: u64, round: u64, size: Size) -> i64 {
        let offset = self.prng(2, user).below(1 << 40);
        let (least, prime) = match size {
            Size::Modest => (300, 2_503),
            Size::Usual => (3_000, 30_011),
        };
        least + i64::try_from((round * 7_919 + offset) % prime).expect("below the prime")
    }

    fn key(&self, index: u64, alias: usize) -> String {
        match self.style {
            Style::Shipped => {
                let suffix = ["", "-a", "-b"][alias];
                format!("txn-{}-{index:04}{suffix}", self.date.format("%m%d"))
            }
            Style::Bulk => {
                let mut prng = self.prng(3 + alias as u64, index);
                format!("{:016x}{:08x}", prng.next(), prng.next() >> 32)
            }
        }
    }

    fn user(&self, user: u64) -> String {
        match self.style {
            Style::Shipped => format!("user-{:03}", user + 1),
            Style::Bulk => format!("user-{:06}", user + 1),
        }
    }

    /// One to one: 7,321 has no factor in common with 10,000.
    fn last_four(&self, user: u64) -> String {
        format!("{:04}", (user * 7_321 + self.seed % 10_000) % 10_000)
    }
}

impl Purchase {
    /// The same purchase by somebody else with a card of theirs.
    pub(crate) fn by(mut self, user: &str, last_four: &str) -> Self {
        user.clone_into(&mut self.user);
        last_four.clone_into(&mut self.last_four);
        self
    }

    /// The same purchase elsewhere; say afterwards what it costs.
    pub(crate) fn of(self, merchant: &'static Merchant) -> Self {
        Self { merchant, ..self }
    }

    /// The same purchase for another amount.
    pub(crate) fn costing(self, amount: i64) -> Self {
        let issuer_commission = amount * self.merchant.issuer_rate / 10_000;
        let user_reward = amount * self.merchant.user_rate / 10_000;
        Self { amount, issuer_commission, user_reward, ..self }
    }

    pub(crate) fn currency(&self) -> &'static str {
        self.stated_currency.unwrap_or("USD")
    }

    /// Id number `n` of what the provider derives from this purchase, in the shape of a UUID.
    pub(crate) fn event_id(&self, n: u64) -> String {
        let mut prng = self.events.clone();
        let (high, low) = (0..=n).fold((0, 0), |_, _| (prng.next(), prng.next()));
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFF,
            low >> 52,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    /// Some seconds, other ones for each `n`: what lies between a purchase and its booking or notice.
    pub(crate) fn delay(&self, n: u64) -> i64 {
        let mut prng = self.events.clone();
        (0..=n).fold(0, |_, _| 15 + prng.between(0, 75))
    }

    /// The purchase settled in two parts: `share` percent of everything now, the rest 40 minutes later.
    pub(crate) fn parts(&self, share: i64) -> [Self; 2] {
        let cut = |whole: i64| whole * share / 100;
        let mut first = self.clone();
        first.amount = cut(self.amount);
        first.issuer_commission = cut(self.issuer_commission);
        first.user_reward = cut(self.user_reward);
        let mut rest = self.clone();
        rest.amount -= first.amount;
        rest.issuer_commission -= first.issuer_commission;
        rest.user_reward -= first.user_reward;
        rest.at = self.at.plus(40 * MINUTE);
        [first, rest]
    }
}
