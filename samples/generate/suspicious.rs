//! Purchases on which all sides agree, and which a person should look at all the same. Users and cards are their
//! own, so that nobody else's figures change.

use super::rows::{LedgerRow, State, major};
use super::stories::{Outcome, Plot, Story, What, tell};
use super::world::{CASINO, HOUR, MINUTE, Merchant, Purchase, Size, World};

/// What looks like fraud, for `samples/README.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspicion {
    pub(crate) what: &'static str,
    /// The transactions that show it.
    pub(crate) keys: Vec<String>,
    pub(crate) why: String,
}

/// The suspicious purchases of one day. `first` is the number of the first one.
pub(crate) fn stories(world: &World, first: u64) -> (Vec<Story>, Vec<Suspicion>) {
    let mut teller = Teller { world, next: first, stories: Vec::new() };
    let suspicions =
        vec![teller.burst(), teller.shared_card(), teller.returns(), teller.outlier(), teller.denied_merchant()];
    (teller.stories, suspicions)
}

struct Teller<'w> {
    world: &'w World,
    next: u64,
    stories: Vec<Story>,
}

impl Teller<'_> {
    /// A purchase on which all sides agree; returns its key.
    fn buy(&mut self, user: &str, last_four: &str, amount: i64, second: i64) -> String {
        let purchase = self.purchase(second).by(user, last_four).costing(amount);
        self.agreed(&purchase)
    }

    fn purchase(&mut self, second: i64) -> Purchase {
        let index = self.next;
        self.next += 1;
        self.world.purchase(index, self.world.start().plus(second), Size::Usual)
    }

    fn agreed(&mut self, purchase: &Purchase) -> String {
        self.stories.push(tell(Plot::Agreed, purchase));
        purchase.key.clone()
    }

    fn burst(&mut self) -> Suspicion {
        let amounts = [24_90, 31_15, 18_40, 27_75, 22_05, 35_60, 29_30];
        let buys =
            (0..).zip(amounts).map(|(n, amount)| self.buy("user-101", "4101", amount, 14 * HOUR + n * 3 * MINUTE));
        let keys: Vec<String> = buys.collect();
        let why = format!("{} purchases of user-101 on card 4101 in less than 20 minutes.", keys.len());
        Suspicion { what: "velocity", keys, why }
    }

    fn shared_card(&mut self) -> Suspicion {
        let users = [("user-102", 41_20, 9), ("user-103", 38_85, 12), ("user-104", 52_10, 16)];
        let keys = users.map(|(user, amount, hour)| self.buy(user, "4102", amount, hour * HOUR)).to_vec();
        Suspicion { what: "shared card", keys, why: "Card 4102 pays for user-102, user-103 and user-104.".to_owned() }
    }

    fn returns(&mut self) -> Suspicion {
        let bought = [(35_20, 8), (18_90, 11)];
        let mut keys = bought.map(|(amount, hour)| self.buy("user-105", "4105", amount, hour * HOUR)).to_vec();
        let returned = [(49_00, 13), (62_50, 15), (38_75, 17)];
        keys.extend(returned.map(|(amount, hour)| self.give_back("user-105", "4105", amount, hour * HOUR)));
        let sum = |of: &[(i64, i64)]| major(of.iter().map(|(amount, _)| amount).sum());
        let why = format!("user-105 buys for {} and returns {}.", sum(&bought), sum(&returned));
        Suspicion { what: "returns above purchases", keys, why }
    }

    /// A return of something that was bought without an offer; returns its key.
    fn give_back(&mut self, user: &str, last_four: &str, amount: i64, second: i64) -> String {
        let purchase = self.purchase(second).by(user, last_four).costing(amount);
        let row =
            LedgerRow { state: State::Refunded, rewarded: false, note: "bought in February", ..purchase.ledger_row() };
        let outcome = Outcome {
            key: purchase.key.clone(),
            what: What::Excluded,
            why: "Returned without cashback, and none reported: nothing due.".to_owned(),
        };
        self.stories.push(Story { ledger: vec![row], outcomes: vec![outcome], ..Story::default() });
        purchase.key
    }

    fn outlier(&mut self) -> Suspicion {
        let usual = [(8_10, 6), (9_40, 8), (7_95, 10), (8_80, 12), (9_10, 15)];
        for (amount, hour) in usual {
            self.buy("user-106", "4106", amount, hour * HOUR);
        }
        let keys = vec![self.buy("user-106", "4106", 18_040, 18 * HOUR)];
        let why = "user-106 pays 180.40, after five purchases between 7.95 and 9.40 on the same day.".to_owned();
        Suspicion { what: "outlier", keys, why }
    }

    fn denied_merchant(&mut self) -> Suspicion {
        let casino: &'static Merchant = &CASINO;
        let purchase = self.purchase(17 * HOUR + 30 * MINUTE).by("user-107", "4107").of(casino).costing(75_00);
        let keys = vec![self.agreed(&purchase)];
        Suspicion { what: "denied merchant", keys, why: format!("user-107 pays 75.00 to {}.", casino.name) }
    }
}
