//! Random histories of items over half a year: in every month the receivable is what an independent count says, every
//! planted trouble is found and nothing else, and the order of rows and files changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tieout::breaks::BreakKind;
use tieout::frames::{Frame, Side};
use tieout::month::Closing;
use tieout::month::facts::Line as Of;

use crate::support::months::{Line, World, clawback, file, item, month, noon};

const MONTHS: [&str; 6] = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"];
const DAYS: [u32; 4] = [2, 9, 16, 28];

/// What a monthly file does to an item; what does not fit how the item stands does the nearest that does.
#[derive(Debug, Clone, Copy)]
enum Step {
    Stay,
    Pay,
    Restate(i64),
    PayOther(i64),
    Drop,
    ClawBack,
    Again { paid: bool },
}

#[derive(Debug, Clone)]
struct History {
    settled_month: usize,
    day: u32,
    euro: bool,
    airline: bool,
    commission: i64,
    reward: i64,
    in_daily: bool,
    /// Of each month from the one on in which it settles.
    steps: Vec<Step>,
}

/// How an item stands, as the test counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    New,
    Pending,
    Dropped,
    Paid,
    PendingAgain,
    ClawedBack,
}

/// What one month does to one item.
#[derive(Debug, Clone, Default)]
struct Told {
    row: Option<Line>,
    notice: bool,
    kinds: BTreeSet<BreakKind>,
    /// What is owed after it: commission, reward.
    owed: [i64; 2],
    paid: [i64; 2],
}

fn any_step() -> impl Strategy<Value = Step> {
    let delta = prop_oneof![1_i64..50, -50_i64..-1];
    prop_oneof![
        5 => Just(Step::Stay),
        3 => Just(Step::Pay),
        1 => delta.clone().prop_map(Step::Restate),
        1 => delta.prop_map(Step::PayOther),
        1 => Just(Step::Drop),
        1 => Just(Step::ClawBack),
        1 => any::<bool>().prop_map(|paid| Step::Again { paid }),
    ]
}

fn any_history() -> impl Strategy<Value = History> {
    let owed = (100_i64..900, 0_i64..500);
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.9));
    (0..MONTHS.len(), prop::sample::select(DAYS.to_vec()), flags, owed, prop::collection::vec(any_step(), MONTHS.len()))
        .prop_map(|(settled_month, day, (euro, airline, in_daily), (commission, reward), steps)| History {
            settled_month,
            day,
            euro,
            airline,
            commission,
            reward,
            in_daily,
            steps,
        })
}

/// Days of the half year that have no file.
fn any_gaps() -> impl Strategy<Value = BTreeSet<String>> {
    let days = MONTHS.iter().flat_map(|month| DAYS.map(|day| format!("{month}-{day:02}"))).collect::<Vec<_>>();
    prop::sample::subsequence(days, 0..3).prop_map(|gaps| gaps.into_iter().collect())
}

impl History {
    fn settled(&self) -> String {
        format!("{}-{:02}", MONTHS[self.settled_month], self.day)
    }

    fn line(&self, id: &str, commission: i64) -> Line {
        let line = item(id).settled(&self.settled()).owed(commission, self.reward);
        let line = line.currency(if self.euro { "EUR" } else { "USD" });
        line.merchant(if self.airline { "Airline" } else { "Coffee" })
    }

    /// Month by month from the one in which it settles.
    fn told(&self, id: &str, gaps: &BTreeSet<String>) -> Vec<Told> {
        let (mut stands, mut commission) = (Stands::New, self.commission);
        let in_daily = self.in_daily && !gaps.contains(&self.settled());
        let months = MONTHS[self.settled_month..].iter().enumerate();
        months
            .map(|(index, label)| {
                let before = (stands, commission);
                let (after, row, delta) = next(stands, self.steps[index]);
                stands = after;
                commission += delta;
                let mut told = Told {
                    notice: matches!(
                        (before.0, after),
                        (Stands::New | Stands::Pending | Stands::Dropped, Stands::ClawedBack)
                    ),
                    ..Told::default()
                };
                let owed = [commission, self.reward];
                if matches!(after, Stands::Pending | Stands::Dropped | Stands::PendingAgain) {
                    told.owed = owed;
                }
                if let Some(paid) = row {
                    let line = self.line(id, commission);
                    told.row = Some(if paid { line.paid() } else { line });
                    told.paid = if paid { owed } else { [0, 0] };
                }
                let first = before.0 == Stands::New;
                told.kinds = self.kinds(label, before.0, after, row);
                let compared = if first { in_daily && index == 0 } else { true };
                if delta != 0 && compared && matches!(before.0, Stands::New | Stands::Pending | Stands::Dropped) {
                    told.kinds.insert(if row == Some(true) {
                        BreakKind::PaidAmountMismatch
                    } else {
                        BreakKind::Restated
                    });
                }
                if index == 0 && in_daily && row.is_none() && after == Stands::New {
                    told.kinds.insert(BreakKind::MissingInMonth);
                }
                if index == 0 && !self.in_daily && row.is_some() && !gaps.contains(&self.settled()) {
                    told.kinds.insert(BreakKind::MissingInDailies);
                }
                told
            })
            .collect()
    }

    /// What is wrong with how it stands.
    fn kinds(&self, label: &str, before: Stands, after: Stands, row: Option<bool>) -> BTreeSet<BreakKind> {
        let age = month(label).end - noon(&self.settled());
        let terms = if self.airline { 90 } else { 30 };
        let again = matches!(before, Stands::Paid | Stands::PendingAgain) && row.is_some();
        let kind = match after {
            _ if again => Some(BreakKind::PaidTwice),
            Stands::Dropped => Some(BreakKind::DroppedPending),
            Stands::Pending if age.num_days() > terms => Some(BreakKind::SettledUnpaid),
            _ => None,
        };
        kind.into_iter().collect()
    }
}

/// How it stands next, whether the file holds it (and as paid), and by how much its commission changes.
fn next(stands: Stands, step: Step) -> (Stands, Option<bool>, i64) {
    match (stands, step) {
        (Stands::ClawedBack, _) => (Stands::ClawedBack, None, 0),
        (Stands::New, Step::Drop) => (Stands::New, None, 0),
        (Stands::New | Stands::Pending | Stands::Dropped, step) => match step {
            Step::Stay | Step::Again { .. } => (Stands::Pending, Some(false), 0),
            Step::Restate(delta) => (Stands::Pending, Some(false), delta),
            Step::Pay => (Stands::Paid, Some(true), 0),
            Step::PayOther(delta) => (Stands::Paid, Some(true), delta),
            Step::Drop => (Stands::Dropped, None, 0),
            Step::ClawBack => (Stands::ClawedBack, None, 0),
        },
        (Stands::Paid, Step::Again { paid: true }) => (Stands::Paid, Some(true), 0),
        (Stands::Paid, Step::Again { paid: false }) => (Stands::PendingAgain, Some(false), 0),
        (Stands::Paid, _) => (Stands::Paid, None, 0),
        (Stands::PendingAgain, step) => match step {
            Step::Stay | Step::Restate(_) | Step::Again { paid: false } => (Stands::PendingAgain, Some(false), 0),
            Step::Pay | Step::PayOther(_) | Step::Again { paid: true } => (Stands::Paid, Some(true), 0),
            Step::Drop | Step::ClawBack => (Stands::Paid, None, 0),
        },
    }
}

/// The half year as files, and what is true of it.
struct HalfYear {
    /// Rows and notices by month.
    rows: Vec<Vec<Line>>,
    notices: Vec<Vec<Line>>,
    days: BTreeMap<String, Option<Vec<Line>>>,
    /// Kind and key by month.
    kinds: Vec<BTreeSet<(BreakKind, String)>>,
    /// Currency → what is owed and what was paid, by month.
    owed: Vec<BTreeMap<&'static str, [i128; 2]>>,
    paid: Vec<BTreeMap<&'static str, [i128; 2]>>,
}

fn half_year(histories: &[History], gaps: &BTreeSet<String>) -> HalfYear {
    let mut year = HalfYear {
        rows: vec![Vec::new(); MONTHS.len()],
        notices: vec![Vec::new(); MONTHS.len()],
        days: BTreeMap::new(),
        kinds: vec![BTreeSet::new(); MONTHS.len()],
        owed: vec![BTreeMap::new(); MONTHS.len()],
        paid: vec![BTreeMap::new(); MONTHS.len()],
    };
    for (index, label) in MONTHS.iter().enumerate() {
        for day in DAYS.map(|day| format!("{label}-{day:02}")) {
            if gaps.contains(&day) {
                year.kinds[index].insert((BreakKind::FileMissing, day.clone()));
                year.days.insert(day, None);
            } else {
                year.days.insert(day, Some(Vec::new()));
            }
        }
    }
    for (index, history) in histories.iter().enumerate() {
        let id = format!("item-{index:02}");
        if let Some(Some(rows)) = year.days.get_mut(&history.settled()).filter(|_| history.in_daily) {
            rows.push(history.line(&id, history.commission));
        }
        for (month, told) in (history.settled_month..).zip(history.told(&id, gaps)) {
            year.rows[month].extend(told.row);
            year.notices[month].extend(told.notice.then(|| clawback(&id)));
            year.kinds[month].extend(told.kinds.into_iter().map(|kind| (kind, id.clone())));
            let currency = if history.euro { "EUR" } else { "USD" };
            for (sums, minor) in [(&mut year.owed[month], told.owed), (&mut year.paid[month], told.paid)] {
                let sum = sums.entry(currency).or_default();
                *sum = [sum[0] + i128::from(minor[0]), sum[1] + i128::from(minor[1])];
            }
        }
    }
    year
}

impl HalfYear {
    /// The world of the months up to this one; `turned`: its rows, files and months in another order.
    fn world(&self, upto: usize, turned: bool) -> World {
        let ordered = |rows: &[Line]| {
            let mut rows = rows.to_vec();
            if turned {
                rows.reverse();
                let third = rows.len() / 3;
                rows.rotate_left(third);
            }
            rows
        };
        let mut world = World::new();
        for (index, label) in MONTHS.iter().enumerate().take(upto + 1) {
            world = world.month(label, &ordered(&self.rows[index]));
            let log = file("log.jsonl", &ordered(&self.notices[index]));
            if let Some(added) = world.months.last_mut() {
                added.2 = Some(Frame { side: Side::Webhooks, ..log });
            }
        }
        for (day, rows) in self.days.iter().filter(|(day, _)| day.starts_with(MONTHS[upto])) {
            world = match rows {
                Some(rows) => world.day(day, &ordered(rows)),
                None => world.day_missing(day),
            };
        }
        if turned {
            world.months.reverse();
            world.days.reverse();
        }
        world
    }
}

/// Currency → commission and reward of the balance.
fn balances(of: &Closing, opening: bool) -> BTreeMap<String, [i128; 2]> {
    let one = |one: &tieout::month::facts::Receivable| {
        let owed = if opening { one.line(Of::Opening).owed } else { one.closing };
        (one.currency.clone(), [owed.issuer_commission_minor, owed.user_reward_minor])
    };
    without_zeros(of.facts.receivable.iter().map(one))
}

fn without_zeros<K: Ord>(sums: impl IntoIterator<Item = (K, [i128; 2])>) -> BTreeMap<K, [i128; 2]> {
    sums.into_iter().filter(|(_, sum)| *sum != [0, 0]).collect()
}

fn named(sums: &BTreeMap<&'static str, [i128; 2]>) -> BTreeMap<String, [i128; 2]> {
    without_zeros(sums.iter().map(|(currency, sum)| ((*currency).to_owned(), *sum)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn in_every_month_the_receivable_ties_and_every_trouble_is_found_and_nothing_else(
        histories in prop::collection::vec(any_history(), 1..24),
        gaps in any_gaps(),
    ) {
        let year = half_year(&histories, &gaps);
        let mut carried = BTreeMap::new();
        for (index, label) in MONTHS.iter().enumerate() {
            let closing = year.world(index, false).close(label);
            let found: BTreeSet<(BreakKind, String)> =
                closing.breaks.iter().map(|found| (found.kind, found.key.clone())).collect();
            prop_assert_eq!(found.len(), closing.breaks.len(), "a break is told once");
            prop_assert_eq!(&found, &year.kinds[index], "{}", label);
            let ids: BTreeSet<&str> = closing.breaks.iter().map(|found| found.id.as_str()).collect();
            prop_assert_eq!(ids.len(), closing.breaks.len(), "ids are apart");
            prop_assert_eq!(balances(&closing, true), carried, "opening of {}", label);
            carried = balances(&closing, false);
            prop_assert_eq!(&carried, &named(&year.owed[index]), "closing of {}", label);
            let paid = closing.facts.receivable.iter().map(|one| {
                let paid = one.line(Of::Paid).owed;
                (one.currency.clone(), [-paid.issuer_commission_minor, -paid.user_reward_minor])
            });
            prop_assert_eq!(without_zeros(paid), named(&year.paid[index]), "paid in {}", label);
            let aged: i128 = closing.facts.ageing.iter().map(|bucket| bucket.owed.total_minor()).sum();
            let owed: i128 = closing.facts.receivable.iter().map(|one| one.closing.total_minor()).sum();
            prop_assert_eq!(aged, owed);
        }
    }

    #[test]
    fn the_order_of_rows_files_months_and_days_changes_nothing(
        histories in prop::collection::vec(any_history(), 1..24),
        gaps in any_gaps(),
        month in 0..MONTHS.len(),
    ) {
        let year = half_year(&histories, &gaps);
        let [one, other] = [false, true].map(|turned| year.world(month, turned).close(MONTHS[month]));
        let told = |closing: &Closing| -> Vec<_> {
            let breaks = closing.breaks.iter();
            breaks.map(|found| (found.id.clone(), found.kind, found.key.clone(), found.at_risk_minor)).collect()
        };
        prop_assert_eq!(told(&one), told(&other));
        // Lines of files are other ones; everything else is the same.
        prop_assert_eq!(&one.facts.receivable, &other.facts.receivable);
        prop_assert_eq!(&one.facts.entries, &other.facts.entries);
        prop_assert_eq!(&one.facts.ageing, &other.facts.ageing);
        prop_assert_eq!(&one.facts.roll_forward, &other.facts.roll_forward);
        prop_assert_eq!(&one.facts.fronted, &other.facts.fronted);
        prop_assert_eq!(&one.facts.files, &other.facts.files);
    }
}
