//! Keeping the period's lease for as long as the run works.

use tokio::sync::watch;

use crate::journal::{Journal, JournalError, Lease};

/// Renews a lease while it is polled, and tells when it is lost.
#[derive(Debug)]
pub(super) struct Keeper {
    lost: watch::Sender<bool>,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self { lost: watch::Sender::new(false) }
    }

    /// Another has taken over: nothing may be sent any more, and nothing can be written.
    #[expect(dead_code, reason = "asked by whatever sends")]
    pub(super) fn lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Renews every third of the lease's time. Ends only when the lease is lost, with the error that says so.
    pub(super) async fn keep(&self, journal: &Journal, lease: &Lease) -> JournalError {
        loop {
            tokio::time::sleep(lease.lasting() / 3).await;
            match journal.renew(lease).await {
                Ok(()) => {}
                Err(lost @ JournalError::LeaseLost { .. }) => {
                    self.lost.send_replace(true);
                    return lost;
                }
                // Two more tries are left before it runs out, and a late one is good as long as nobody has taken it.
                Err(error) => tracing::warn!("the lease of this run is not renewed yet: {error}"),
            }
        }
    }
}
