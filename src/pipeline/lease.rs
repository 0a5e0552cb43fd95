//! Keeping the period's lease for as long as the run works.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::exit::Failure;
use crate::journal::{Journal, JournalError, Lease, LeaseError};

/// Renews a lease while it is polled, and tells whether it still holds.
#[derive(Debug)]
pub(crate) struct Keeper {
    good_until: watch::Sender<Until>,
}

/// By both clocks: one stands still while the machine sleeps, the other can be set.
#[derive(Debug, Clone, Copy)]
struct Until {
    monotonic: Instant,
    wall: DateTime<Utc>,
}

impl Until {
    /// `asked` is from before the journal was asked: the lease may have begun no earlier.
    fn after(asked: (Instant, DateTime<Utc>), lease: &Lease) -> Self {
        Self { monotonic: asked.0 + lease.lasting(), wall: asked.1 + lease.lasting() }
    }

    fn is_to_come(&self) -> bool {
        Instant::now() < self.monotonic && Utc::now() < self.wall
    }
}

/// Says to those that send whether the lease still holds. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Guard(watch::Receiver<Until>);

impl Guard {
    /// Whether nobody else can have taken over yet, as far as this process's clocks tell.
    pub(super) fn holds(&self) -> bool {
        self.0.borrow().is_to_come()
    }

    /// Waits until it holds. Where it has run out because the disk or the machine was slow, it is renewed in a while;
    /// where another has taken it, the run ends meanwhile.
    pub(super) async fn held(&self) {
        let mut until = self.0.clone();
        if until.wait_for(Until::is_to_come).await.is_err() {
            // Nobody renews it any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Keeper {
    /// For a lease that was asked for at this time.
    pub(crate) fn new(lease: &Lease, asked: (Instant, DateTime<Utc>)) -> Self {
        Self { good_until: watch::Sender::new(Until::after(asked, lease)) }
    }

    pub(super) fn guard(&self) -> Guard {
        Guard(self.good_until.subscribe())
    }

    /// Renews every third of the lease's time. Ends only when the lease is lost, with the error that says so.
    pub(crate) async fn keep(&self, journal: &Journal, lease: &Lease) -> JournalError {
        loop {
            tokio::time::sleep(lease.lasting() / 3).await;
            let asked = (Instant::now(), Utc::now());
            match journal.renew(lease).await {
                Ok(()) => {
                    self.good_until.send_replace(Until::after(asked, lease));
                }
                Err(lost @ JournalError::LeaseLost { .. }) => return lost,
                // Two more tries are left before it runs out, and a late one is good as long as nobody has taken it.
                Err(error) => tracing::warn!("the lease of this run is not renewed yet: {error}"),
            }
        }
    }
}

/// The lease of another period of this job, if whoever held it is gone.
///
/// # Errors
/// When the journal or the lock files cannot be used; a holder that lives is none.
pub(super) async fn of_the_dead(
    request: &super::Request,
    journal: &Journal,
    period: &str,
) -> Result<Option<Lease>, Failure> {
    let taken = journal.take_lease(super::state_folder(request), &request.job.name, period, request.project.lease);
    match taken.await {
        Ok(lease) => Ok(Some(lease)),
        Err(LeaseError::Held { .. }) => Ok(None),
        Err(error) => Err(Failure::new(error.exit_code(), error)),
    }
}
