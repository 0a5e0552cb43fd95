//! Waiting for an input that is not there yet, as long as the job says.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Request;
use crate::job::Input;

/// The first look comes soon; each later one after twice the wait of the one before.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// No look comes later than this after the one before: a provider's list is no news channel.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The looks of one run for one input.
#[derive(Debug)]
pub(super) struct Looks {
    until: Option<DateTime<Utc>>,
    next: Duration,
    told: bool,
}

impl Looks {
    /// Of a run that waits as the job says; of one on paper there is one look only.
    pub(super) fn of(request: &Request, input: &Input, waits: bool) -> Self {
        let until = input.wait_until.as_ref().filter(|_| waits && !request.offline);
        Self { until: until.map(|until| until.of(&request.period)), next: FIRST_LOOK, told: false }
    }

    /// Waits until it is time for another look; false when there is none: there is nothing to wait for, or its time has
    /// passed.
    pub(super) async fn another(&mut self, wanted: &str) -> bool {
        let Some(left) = self.until.and_then(|until| (until - Utc::now()).to_std().ok()) else { return false };
        if left.is_zero() {
            return false;
        }
        if let Some(until) = self.until.filter(|_| !self.told) {
            tracing::info!("{wanted} is not there yet; waiting for it until {}", until.format("%Y-%m-%dT%H:%M:%SZ"));
            self.told = true;
        }
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 2).min(LONGEST_WAIT);
        true
    }
}

/// Whether the time until which the job waits for an input is over.
pub(super) fn is_over(request: &Request, input: &Input) -> bool {
    input.wait_until.as_ref().is_some_and(|until| until.of(&request.period) <= Utc::now())
}
