//! The times that Kubernetes is told, worked out from a schedule.

use chrono::{DateTime, NaiveDate, Utc};

use crate::job::{Catchup, Schedule};

/// What a pod gets from SIGTERM to SIGKILL: calls under way are awaited for 20 s, and what computes ends at its next
/// pause.
pub(super) const GRACE_SECONDS: u64 = 300;
/// Nothing takes longer than a day.
const DAY_SECONDS: u64 = 86_400;
/// 2024-01-01: a schedule is judged by what it does from then on, so that the answer never changes.
const FROM_SECONDS: i64 = 1_704_067_200;
/// What fires as often as this is looked at no further: no day of the year changes much.
const OFTEN_SECONDS: u64 = 3_600;
/// So many times that it fires are looked at: a year of days, and more.
const LOOKED_AT: usize = 400;

/// The first day after 2023 on which clocks are put forward over a time at which the schedule fires. Of one that fires
/// every hour none is told: the next time is near.
pub(super) fn first_skipped(schedule: &Schedule) -> Option<NaiveDate> {
    if shortest_gap(schedule) <= OFTEN_SECONDS {
        return None;
    }
    schedule.first_skipped(from(), LOOKED_AT)
}

fn from() -> DateTime<Utc> {
    DateTime::from_timestamp(FROM_SECONDS, 0).unwrap_or_default()
}

/// The shortest time between two times that a schedule fires, on whatever day; a day where it fires less often.
fn shortest_gap(schedule: &Schedule) -> u64 {
    // Kubernetes knows no calendar: it fires on closed days too.
    let every_day = Schedule { calendar: None, ..schedule.clone() };
    let from = from();
    let (mut shortest, mut last) = (DAY_SECONDS, every_day.next_fire(from));
    for _ in 0..LOOKED_AT {
        let next = last.and_then(|last| every_day.next_fire(last));
        let Some((before, after)) = last.zip(next) else { break };
        shortest = shortest.min((after - before).num_seconds().unsigned_abs());
        if shortest <= OFTEN_SECONDS {
            break;
        }
        last = next;
    }
    shortest
}

/// How long a Job may take with all its tries: it has ended before the schedule fires again, since two of one job are
/// never at work, and in a day.
pub(super) fn active_deadline_seconds(schedule: &Schedule) -> u64 {
    let gap = shortest_gap(schedule);
    // Room for the end of the last pod.
    let room = GRACE_SECONDS + 60;
    if gap > 4 * room { gap - room } else { (gap * 3 / 4).max(30) }
}

/// How late a Job may be started: within what the schedule catches up with anyway, and never beside the next one.
pub(super) fn starting_deadline_seconds(schedule: &Schedule) -> u64 {
    let half = shortest_gap(schedule) / 2;
    match schedule.catchup {
        // What was missed stays missed: only a controller that is slow is waited for.
        Catchup::None => half.min(300),
        Catchup::Latest | Catchup::Missing(_) => half,
    }
}
