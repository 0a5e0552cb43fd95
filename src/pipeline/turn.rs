//! Runs of a job that carries items, closes months or looks at changes take their turn: from reading what other periods
//! left to telling them what is left, one at a time. Two that did so at once would not see each other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::watch;

use super::lease::Keeper;
use super::{Request, state_folder};
use crate::exit::Failure;
use crate::job::{Job, Reconciliation};
use crate::journal::{Journal, JournalError, Lease, LeaseError, RunRecord};

/// Takes the place of a period in the name of the lease.
const LEASE: &str = "carry";

/// Between two looks whether the turn has come.
const PAUSE: Duration = Duration::from_millis(50);

/// A wait that is longer than this is told.
const PATIENT: Duration = Duration::from_secs(10);

/// The order in which runs of one process take their turns: that in which they got their places.
#[derive(Debug, Default)]
pub struct Queue {
    /// Of those that have not ended.
    places: watch::Sender<BTreeSet<u64>>,
}

/// A place in a queue; whoever drops it makes room for the next.
#[derive(Debug)]
pub struct Place {
    number: u64,
    queue: Arc<Queue>,
}

impl Queue {
    /// The last place.
    pub fn place(self: &Arc<Self>) -> Place {
        let mut number = 0;
        self.places.send_modify(|places| {
            number = places.last().map_or(0, |last| last + 1);
            places.insert(number);
        });
        Place { number, queue: Arc::clone(self) }
    }
}

impl Place {
    /// Waits until all before it have ended.
    async fn reached(&self) {
        let mut places = self.queue.places.subscribe();
        let first = places.wait_for(|places| places.first() == Some(&self.number)).await;
        first.expect("the place holds the queue");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.places.send_modify(|places| {
            places.remove(&self.number);
        });
    }
}

/// Whether runs of the job depend on what others of it leave: open items, breaks that another month's file clears, or
/// statuses.
pub fn takes_turns(job: &Job) -> bool {
    let depends =
        |work: &Reconciliation| work.carry > 0 || work.month_end.is_some() || work.matching.status_changes.is_some();
    job.reconciliation().is_some_and(depends)
}

/// Held by the one run of a job that compares now. Dropped, it is the next one's.
#[derive(Debug)]
pub(super) struct Turn {
    lease: Lease,
    keeper: Keeper,
}

impl Turn {
    /// Waits for it; none for a job whose periods stand alone.
    ///
    /// # Errors
    /// When the journal or the lock files cannot be used.
    pub(super) async fn take(request: &Request, journal: &Journal) -> Result<Option<Self>, Failure> {
        if !takes_turns(&request.job) {
            return Ok(None);
        }
        if let Some(place) = &request.place {
            place.reached().await;
        }
        let (began, mut told) = (Instant::now(), false);
        loop {
            let asked = (Instant::now(), Utc::now());
            let taken = journal.take_lease(state_folder(request), &request.job.name, LEASE, request.project.lease);
            match taken.await {
                Ok(lease) => return Ok(Some(Self { keeper: Keeper::new(&lease, asked), lease })),
                Err(LeaseError::Held { holder, .. }) => {
                    if !told && began.elapsed() > PATIENT {
                        let job = &request.job.name;
                        tracing::info!("waits for another run of {job} ({holder}): its open items count here");
                        told = true;
                    }
                }
                Err(error) => return Err(Failure::new(error.exit_code(), error)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Does what has to be done within the turn, and keeps the turn meanwhile. None as the turn: nobody else matters.
    pub(super) async fn within<T>(
        turn: Option<&Self>,
        (journal, record): (&Journal, &RunRecord),
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(Self { lease, keeper }) = turn else { return work.await };
        tokio::select! {
            outcome = work => outcome,
            _ = keeper.keep(journal, lease) => Err(JournalError::LeaseLost { run: record.id.clone() }.into()),
        }
    }

    /// Makes sure, before anything is published, that nobody else has taken it.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when somebody has; or when the state file cannot be written.
    pub(super) async fn still_ours(
        turn: Option<&Self>,
        (journal, record): (&Journal, &RunRecord),
    ) -> Result<(), JournalError> {
        let Some(turn) = turn else { return Ok(()) };
        journal.renew(&turn.lease).await.map_err(|error| match error {
            JournalError::LeaseLost { .. } => JournalError::LeaseLost { run: record.id.clone() },
            error => error,
        })
    }

    /// Hands it on, once the run's end is recorded.
    pub(super) async fn end(turn: Option<Self>, journal: &Journal) {
        let Some(Self { lease, .. }) = turn else { return };
        if let Err(error) = journal.release(lease).await {
            tracing::debug!("the turn is not released and is free when this process has ended: {error}");
        }
    }
}
