//! What happens on each shipped day.

use chrono::NaiveDate;

use super::audits;
use super::core::CoreItem;
use super::rows::{FileRow, LedgerRow, Notice};
use super::stories::{Outcome, Plot, Story, What, arrives, tell};
use super::suspicious::{self, Suspicion};
use super::world::{HOUR, MINUTE, Purchase, Size, Style, World};

/// A day as planned: which stories it holds. What is left of its purchases is agreed by all sides.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) date: NaiveDate,
    count: u64,
    plots: Vec<(Plot, usize)>,
    /// When the provider sends the file, hours after the day's end; none: it has not sent it yet.
    pub(crate) file_sent_after: Option<i64>,
    /// The provider sends the file again under another name, and every row has a key that is new.
    pub(crate) troubled_file: bool,
    /// The export of core banking states a total that lacks its last item.
    pub(crate) core_total_wrong: bool,
    /// Some purchases look like fraud.
    suspicious: bool,
    /// For `samples/README.md`.
    pub(crate) words: &'static str,
}

/// A day as told: each side in order of time, outcomes in order of purchase.
#[derive(Debug, Default)]
pub(crate) struct Day {
    pub(crate) file: Vec<FileRow>,
    pub(crate) ledger: Vec<LedgerRow>,
    pub(crate) notices: Vec<Notice>,
    /// Told from the file's rows, also where the file is not sent yet.
    pub(crate) core: Vec<CoreItem>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) suspicions: Vec<Suspicion>,
}

const AGREEMENT: [(Plot, usize); 4] = [
    (Plot::AgreedAndPaid, 2),
    (Plot::AgreedWithAuthorization, 5),
    (Plot::AgreedWithApproval, 5),
    (Plot::AgreedInParts, 2),
];

/// The shipped days, first to last.
pub(crate) fn plans() -> Vec<Plan> {
    vec![plan_of_breaks(), plan_of_variants(), plan_of_agreement(), plan_without_file()]
}

fn march(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 3, day).expect("callers give a day of March")
}

fn plan_of_breaks() -> Plan {
    let mut plots = AGREEMENT.to_vec();
    plots.extend(
        [
            Plot::MissingInFile,
            Plot::MissingInLedger,
            Plot::MissingWebhook,
            Plot::FileOnly,
            Plot::WebhookOnly,
            Plot::RewardMissing,
            Plot::AmountDiffers,
            Plot::CashbackDiffers,
            Plot::CurrencyDiffers,
            Plot::StatusDiffers,
            Plot::UserDiffers,
            Plot::BookedDaysEarlier,
            Plot::LedgerRowTwice,
            Plot::LedgerContradictsItself,
            Plot::TwoCandidates,
            Plot::PartNotYetSettled,
            Plot::PartsExceedAuthorization,
            Plot::ReturnedTooMuch,
            Plot::ClawbackUnbooked,
            Plot::ReturnedAfterPayout,
            Plot::LateOnFileOnly,
            Plot::LateInFile,
            Plot::LateInLedger,
            Plot::FailedValidation,
            Plot::OtherKeyInFile,
            Plot::Declined,
            Plot::Voided,
            Plot::OtherDay,
            Plot::NotifiedTwice,
            Plot::AuditNotice,
            Plot::UploadNotice,
            Plot::GroupedAmount,
            Plot::ForgedNotice,
        ]
        .map(|plot| (plot, 1)),
    );
    plots.push((Plot::NothingDue, 3));
    Plan {
        date: march(19),
        count: 72,
        plots,
        file_sent_after: Some(9),
        troubled_file: false,
        core_total_wrong: false,
        suspicious: false,
        words: "A day on which everything goes wrong once.",
    }
}

fn plan_of_variants() -> Plan {
    let mut plots = AGREEMENT.to_vec();
    plots.extend(
        [
            Plot::MissingWebhook,
            Plot::RewardMissing,
            Plot::AmountDiffers,
            Plot::CommissionDiffers,
            Plot::CardDiffers,
            Plot::NoticeTwice,
            Plot::FileContradictsItself,
            Plot::TipOnTop,
            Plot::ReversedAfterPayout,
            Plot::LateInFile,
            Plot::FailedValidation,
            Plot::Declined,
        ]
        .map(|plot| (plot, 1)),
    );
    plots.push((Plot::NothingDue, 3));
    Plan {
        date: march(20),
        count: 60,
        plots,
        file_sent_after: Some(20),
        troubled_file: true,
        core_total_wrong: true,
        suspicious: false,
        words: "Other forms of the same breaks, and trouble with the file itself: it comes late, \
                then a second time, and its rows have a key that is new.",
    }
}

fn plan_of_agreement() -> Plan {
    let mut plots = AGREEMENT.to_vec();
    plots.extend([(Plot::NothingDue, 3), (Plot::Declined, 1), (Plot::NotifiedTwice, 1)]);
    Plan {
        date: march(21),
        count: 60,
        plots,
        file_sent_after: Some(9),
        troubled_file: false,
        core_total_wrong: false,
        suspicious: true,
        words: "A day that ties out: no break. But some purchases look like fraud, and the provider closes audits of the first day.",
    }
}

fn plan_without_file() -> Plan {
    Plan {
        date: march(22),
        count: 24,
        plots: AGREEMENT.to_vec(),
        file_sent_after: None,
        troubled_file: false,
        core_total_wrong: false,
        suspicious: false,
        words: "Ledger and webhooks are there, the provider's file is not there yet: `rewards-daily` ends with 75 (try again later), \
                `core-daily` goes on without it.",
    }
}

impl Plan {
    /// Tells the day: which purchase gets which story is a matter of the seed.
    pub(crate) fn tell(&self, seed: u64) -> Day {
        let world = World { seed, date: self.date, style: Style::Shipped };
        let mut day = Day::default();
        for mut story in self.stories(&world, &mut day.suspicions) {
            day.core.extend(story.file.iter().map(CoreItem::from));
            if self.file_sent_after.is_none() {
                story.file.clear();
            }
            day.add(story, self.troubled_file);
        }
        day.file.sort_by_key(|row| row.purchase.at);
        day.ledger.sort_by_key(|row| row.booked_at);
        day.core.sort_by_key(|item| item.purchase.at);
        day.notices.sort_by_key(|notice| notice.received_at);
        day
    }

    /// What happens: the purchases in order of time, then what is suspicious, then what is told of audits.
    fn stories(&self, world: &World, suspicions: &mut Vec<Suspicion>) -> Vec<Story> {
        let mut stories: Vec<Story> =
            self.purchases(world).into_iter().map(|(plot, purchase)| tell(plot, &purchase)).collect();
        if self.suspicious {
            let (more, told) = suspicious::stories(world, self.count + 1);
            stories.extend(more);
            *suspicions = told;
        }
        let first = plan_of_breaks();
        if self.date > first.date {
            stories.push(audits::story(self.date, &first.tell(world.seed)));
        }
        stories.extend(self.of_the_day_before(world.seed));
        stories
    }

    /// What was not due on the day before, and comes or is due today.
    fn of_the_day_before(&self, seed: u64) -> Vec<Story> {
        let Some(before) = plans().into_iter().find(|plan| plan.date.succ_opt() == Some(self.date)) else {
            return Vec::new();
        };
        let world = World { seed, date: before.date, style: Style::Shipped };
        before.purchases(&world).iter().filter_map(|(plot, purchase)| arrives(*plot, purchase)).collect()
    }

    /// The purchases of the day, in order of time, and what happens to each.
    fn purchases(&self, world: &World) -> Vec<(Plot, Purchase)> {
        let purchase = |(slot, plot): (usize, Plot)| {
            let at = world.start().plus(self.second_of(world, slot));
            (plot, world.purchase(slot as u64 + 1, at, size(plot)))
        };
        self.cast(world).into_iter().enumerate().map(purchase).collect()
    }

    /// One plot for each purchase of the day, in order of time.
    fn cast(&self, world: &World) -> Vec<Plot> {
        let mut prng = world.prng(9, 0);
        let count = usize::try_from(self.count).expect("a small number");
        let mut cast = vec![Plot::Agreed; count];
        let (mut early, mut late) = (Vec::new(), Vec::new());
        for slot in 0..count {
            match self.second_of(world, slot) {
                // Well before the grace of 4 hours begins, with time for a second part or a return.
                second if second < 18 * HOUR => early.push(slot),
                second if second > 20 * HOUR + 30 * MINUTE => late.push(slot),
                _ => {}
            }
        }
        prng.shuffle(&mut early);
        prng.shuffle(&mut late);
        for &(plot, times) in &self.plots {
            for _ in 0..times {
                let free = if plot.in_grace() { &mut late } else { &mut early };
                let slot = free.pop().expect("the plans leave room for all plots");
                cast[slot] = plot;
            }
        }
        cast
    }

    /// When the purchase in this slot is made, seconds from the day's start: 00:31 to 23:40.
    fn second_of(&self, world: &World, slot: usize) -> i64 {
        let count = i64::try_from(self.count).expect("a small number");
        let slot = i64::try_from(slot).expect("a small number");
        let jitter = world.prng(8, slot.unsigned_abs()).between(0, 10 * MINUTE);
        31 * MINUTE + slot * 23 * HOUR / count + jitter
    }
}

/// What breaks or stands alone is small, today or tomorrow; what agrees is of any size.
fn size(plot: Plot) -> Size {
    if Plot::BREAKING.contains(&plot) || plot == Plot::LateOnFileOnly { Size::Modest } else { Size::Usual }
}

impl Day {
    fn add(&mut self, story: Story, new_key: bool) {
        self.file.extend(story.file.into_iter().map(|row| FileRow { new_key, ..row }));
        self.ledger.extend(story.ledger);
        self.notices.extend(story.notices);
        self.outcomes.extend(story.outcomes);
    }

    /// Adds what must be found about a file as a whole.
    pub(crate) fn about_file(&mut self, file_name: &str, kind: &'static str, why: &str) {
        let (key, why) = (file_name.to_owned(), why.to_owned());
        self.outcomes.push(Outcome { key, what: What::Break(kind, ""), why });
    }
}
