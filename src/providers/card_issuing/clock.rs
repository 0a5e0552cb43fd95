//! Why a time stamp was refused: this machine's clock, a request that was long on its way, or neither.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// `Date` has whole seconds, and a reply takes a moment.
const EXACT_TO: TimeDelta = TimeDelta::seconds(2);

/// What lies behind "Request timestamp outside allowed window".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfWindow {
    /// This machine's clock is so far ahead of the provider's.
    Ahead(TimeDelta),
    /// This machine's clock is so far behind the provider's.
    Behind(TimeDelta),
    /// The clocks agree; the request was made so long before it was answered.
    Slow(TimeDelta),
    /// The clocks agree, and the request was not slow.
    Neither,
    /// The reply has no `Date`.
    Unknown,
}

/// Says why, from our clock when the request was stamped and when the reply came, and from the reply's `Date`.
pub fn out_of_window(
    stamped_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    date: Option<DateTime<Utc>>,
    tolerance: Duration,
) -> OutOfWindow {
    let Some(date) = date else { return OutOfWindow::Unknown };
    let tolerance = TimeDelta::from_std(tolerance).unwrap_or(TimeDelta::MAX);
    let far = tolerance - EXACT_TO;
    let ahead = received_at - date;
    if ahead >= far {
        OutOfWindow::Ahead(ahead)
    } else if -ahead >= far {
        OutOfWindow::Behind(-ahead)
    } else if received_at - stamped_at >= far {
        OutOfWindow::Slow(received_at - stamped_at)
    } else {
        OutOfWindow::Neither
    }
}

impl OutOfWindow {
    /// For the operator: what is the matter, and what to do.
    pub fn words(self) -> String {
        match self {
            Self::Ahead(by) => told("ahead of", by),
            Self::Behind(by) => told("behind", by),
            Self::Slow(by) => {
                format!(
                    "the clocks agree, but the request took {} s; look at the network and any proxy",
                    by.num_seconds()
                )
            }
            Self::Neither => "the clock of whoever set the reply's Date agrees with this machine's: the provider's \
                              servers may differ among themselves, or a proxy may have set it; tell the provider"
                .to_owned(),
            Self::Unknown => {
                "this machine's clock differs from the provider's, which does not say its time; set it by \
                              NTP"
                .to_owned()
            }
        }
    }
}

fn told(how: &str, by: TimeDelta) -> String {
    format!("this machine's clock is {} s {how} the provider's; set it by NTP", by.num_seconds())
}
