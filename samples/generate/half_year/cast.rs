//! Which story happens to whom and when: the plan is always the same, days within a month, people, places and amounts
//! are a matter of the seed.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::super::stories::Plot;
use super::super::world::{HOUR, MINUTE, Purchase, Size, Style, World, merchant_of};
use super::months::{CLOSED, DECEMBER, Month};
use super::tale::Tale;
use super::{carried, closings, days, opening, returns};

/// One purchase on its day, about which something is to be told.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) purchase: Purchase,
    pub(super) date: NaiveDate,
}

impl Scene {
    /// So many days later.
    pub(super) fn later(&self, days: u64) -> NaiveDate {
        self.date + Days::new(days)
    }
}

#[derive(Debug, Clone, Copy)]
enum Telling {
    Tale(fn(&Scene) -> Tale),
    Plot(fn(Plot, &Scene) -> Tale, Plot),
}

/// A story in a month.
#[derive(Debug, Clone, Copy)]
struct Role {
    telling: Telling,
    month: Month,
    /// First and last day that the seed may choose; 31 is the last one of any month.
    days: (u32, u32),
    /// In the last hours of the day, within the grace.
    late: bool,
    merchant: Option<usize>,
    /// In Canadian dollars.
    canadian: bool,
}

const NET_60: usize = 105;
const NET_90: usize = 108;
/// Merchants with terms of 30 days.
const NET_30: [usize; 6] = [101, 102, 103, 104, 106, 107];

impl Role {
    const fn new(tell: fn(&Scene) -> Tale, month: u32, days: (u32, u32)) -> Self {
        Self { telling: Telling::Tale(tell), month: Month(month), days, late: false, merchant: None, canadian: false }
    }

    const fn late(self) -> Self {
        Self { late: true, ..self }
    }

    const fn at(self, merchant: usize) -> Self {
        Self { merchant: Some(merchant), ..self }
    }
}

/// Every story of the half year.
fn roles() -> Vec<Role> {
    let mut roles = plots();
    roles.extend(carried_roles());
    roles.extend(closing_roles());
    roles.extend(return_roles());
    for (number, role) in roles.iter_mut().enumerate() {
        let dollars = matches!(role.telling, Telling::Plot(_, Plot::CurrencyDiffers));
        role.canadian = number % 3 == 1 && !dollars;
    }
    roles.extend(opening_roles());
    roles
}

/// What happens within a day: each twice, in two months.
fn plots() -> Vec<Role> {
    let seen_twice = days::SEEN_TWICE.map(|plot| Telling::Plot(days::seen_twice, plot));
    let quiet = days::QUIET.map(|plot| Telling::Plot(days::quiet, plot));
    let others = [days::contradicted, days::two_candidates, days::other_key, returns::clawed_back_at_once];
    let others = others.map(|tell: fn(&Scene) -> Tale| Telling::Tale(tell));
    let mut roles = Vec::new();
    for (telling, first) in seen_twice.into_iter().chain(quiet).chain(others).zip((0..6).cycle()) {
        for month in [first, (first + 3) % 6] {
            let role = Role::new(days::contradicted, month + 1, (4, 24));
            roles.push(Role { telling, ..role });
        }
    }
    roles
}

/// What one day leaves to another: each three times.
fn carried_roles() -> Vec<Role> {
    let by_night = [
        carried::night_file,
        carried::night_never_in_file,
        carried::night_booking,
        carried::night_never_booked,
        carried::night_notice,
        carried::night_file_days_later,
    ];
    let by_day =
        [carried::file_days_later, carried::booked_days_later, carried::notice_days_later, carried::settled_days_later];
    let mut roles = Vec::new();
    for (tell, first) in by_night.into_iter().zip((0..6).cycle()) {
        roles.extend([0, 2, 4].map(|later| Role::new(tell, (first + later) % 6 + 1, (3, 23)).late()));
    }
    for (tell, first) in by_day.into_iter().zip(0..) {
        roles.extend([0, 2, 4].map(|later| Role::new(tell, (first + later) % 6 + 1, (3, 23))));
    }
    roles.extend([2, 5].map(|month| Role::new(carried::never_settled, month, (3, 16))));
    roles.extend([1, 4].map(|month| Role::new(carried::settled_too_late, month, (3, 14))));
    let last = (31, 31);
    roles.extend([1, 3].map(|month| Role::new(carried::boundary_in_its_month, month, last).late()));
    roles.extend([2, 4].map(|month| Role::new(carried::boundary_in_the_next, month, last).late()));
    roles.extend([3, 4].map(|month| Role::new(carried::night_notice, month, last).late()));
    roles.extend([1, 5].map(|month| Role::new(carried::settled_days_later, month, last)));
    roles.extend([2, 5].map(|month| Role::new(carried::boundary_by_day, month, last)));
    roles.push(Role::new(carried::last_night, 6, last).late());
    roles
}

/// What end-of-month files say wrong.
fn closing_roles() -> Vec<Role> {
    let (early, late) = ((5, 12), (17, 24));
    let mut roles = Vec::new();
    let mut each = |tell: fn(&Scene) -> Tale, months: &[u32], days| {
        roles.extend(months.iter().map(|month| Role::new(tell, *month, days)));
    };
    each(closings::dropped_and_paid_later, &[1, 3], late);
    each(closings::dropped_for_good, &[2, 4, 5], late);
    each(closings::paid_twice, &[1, 4], early);
    each(closings::pending_after_paid, &[2, 4], early);
    each(closings::unpaid_30, &[1, 3, 5], early);
    each(closings::restated_since_the_day, &[1, 4], late);
    each(closings::paid_less_than_the_day, &[2, 5], early);
    each(closings::restated_amount, &[3, 6], late);
    each(closings::paid_less_than_pending, &[2, 4], late);
    each(closings::in_no_month, &[2, 6], late);
    each(closings::a_month_late, &[1, 5], late);
    each(closings::in_no_day, &[3, 6], early);
    each(closings::twice_in_the_month, &[2, 5], early);
    roles.extend([1, 3].map(|month| Role::new(closings::unpaid_60, month, early).at(NET_60)));
    roles.extend([1, 2].map(|month| Role::new(closings::unpaid_90, month, early).at(NET_90)));
    roles.extend([1, 3].map(|month| Role::new(closings::restated_since_the_month, month, early).at(NET_60)));
    roles
}

fn return_roles() -> Vec<Role> {
    let (early, late) = ((3, 12), (18, 24));
    let mut roles = Vec::new();
    let mut each = |tell: fn(&Scene) -> Tale, months: &[u32], days| {
        roles.extend(months.iter().map(|month| Role::new(tell, *month, days)));
    };
    each(returns::before_payment, &[1, 3, 5], late);
    each(returns::after_payment, &[2, 4], early);
    each(returns::unheard, &[1, 4], early);
    each(returns::unbooked_before_payment, &[2, 5], late);
    each(returns::unbooked_after_payment, &[3, 5], early);
    each(returns::unbooked_in_its_month, &[3, 6], early);
    each(returns::booked_in_its_month, &[1, 4], early);
    roles
}

fn opening_roles() -> Vec<Role> {
    let role = |tell, days| Role::new(tell, DECEMBER.0, days);
    let canadian = |role| Role { canadian: true, ..role };
    vec![
        role(opening::paid_in_january, (18, 28)),
        role(opening::paid_in_january, (18, 28)),
        canadian(role(opening::paid_in_january, (18, 28))),
        role(opening::paid_in_february, (5, 12)),
        canadian(role(opening::paid_in_february, (5, 12))),
        role(opening::paid_in_march, (8, 12)).at(NET_90),
        role(opening::dropped, (18, 28)),
        role(opening::paid_already, (5, 12)),
        canadian(role(opening::paid_already, (5, 12))),
        role(opening::paid_again, (5, 12)),
        role(opening::clawed_back, (18, 28)),
    ]
}

/// Everything that happens: the stories, and agreement until each day has so many purchases.
#[derive(Debug)]
pub(super) struct Cast {
    seed: u64,
    per_day: u64,
    /// How many purchases each day has so far.
    made: BTreeMap<NaiveDate, u64>,
}

impl Cast {
    pub(super) fn tales(seed: u64, per_day: u64) -> Vec<Tale> {
        let mut cast = Self { seed, per_day, made: BTreeMap::new() };
        let mut tales: Vec<Tale> = (0..).zip(roles()).map(|(number, role)| cast.play(number, role)).collect();
        for month in CLOSED {
            for date in month.date(1).iter_days().take_while(|date| *date <= month.last_day()) {
                tales.extend(cast.agreement(date));
            }
        }
        tales
    }

    fn world(&self, date: NaiveDate) -> World {
        World { seed: self.seed, date, style: Style::Bulk }
    }

    /// The day's next purchase, by somebody who buys nothing else for weeks.
    fn purchase(&mut self, date: NaiveDate, seconds: i64, canadian: bool) -> Purchase {
        let day = u64::try_from((date - DECEMBER.date(1)).num_days()).expect("no day is before December");
        let number = self.made.entry(date).or_default();
        *number += 1;
        // More than any day has.
        let index = day * (self.per_day + 60) + *number;
        let world = World { seed: self.seed, date, style: Style::Bulk };
        let mut purchase = world.purchase(index, world.start().plus(seconds), Size::Usual);
        purchase.stated_currency = Some(if canadian { "CAD" } else { "USD" });
        purchase
    }

    fn play(&mut self, number: u64, role: Role) -> Tale {
        let mut prng = self.world(DECEMBER.date(1)).prng(30, number);
        let date = match role.days {
            (31, _) => role.month.last_day(),
            (first, last) => {
                let days = u64::from(last - first + 1);
                role.month.date(first) + Days::new(prng.below(days))
            }
        };
        let (from, to) = if role.late { (21 * HOUR, 22 * HOUR + 40 * MINUTE) } else { (HOUR, 17 * HOUR) };
        let purchase = self.purchase(date, prng.between(from, to), role.canadian);
        let usual = NET_30[usize::try_from(prng.below(NET_30.len() as u64)).expect("below six")];
        let amount = purchase.amount;
        let purchase = purchase.of(merchant_of(role.merchant.unwrap_or(usual))).costing(amount);
        let scene = Scene { purchase, date };
        match role.telling {
            Telling::Tale(tell) => tell(&scene),
            Telling::Plot(tell, plot) => tell(plot, &scene),
        }
    }

    /// What all sides agree on, and a purchase without an offer or a declined one now and then.
    fn agreement(&mut self, date: NaiveDate) -> Vec<Tale> {
        let told = self.made.get(&date).copied().unwrap_or_default();
        // A day without any row would be an empty file.
        let wanted = self.per_day.saturating_sub(told).max(2);
        let mut tales = Vec::new();
        for number in 0..wanted {
            let mut prng = self.world(date).prng(31, number);
            let purchase = self.purchase(date, prng.between(HOUR, 17 * HOUR), prng.below(6) == 0);
            let plot = match prng.below(20) {
                0..=2 => Plot::AgreedWithAuthorization,
                3..=5 => Plot::AgreedWithApproval,
                6 => Plot::NothingDue,
                7 => Plot::Declined,
                8 => Plot::AgreedInParts,
                _ => Plot::Agreed,
            };
            let plot = if number == 0 { Plot::Agreed } else { plot };
            tales.push(days::quiet(plot, &Scene { purchase, date }));
        }
        tales
    }
}
