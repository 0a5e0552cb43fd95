//! The one that writes: takes what has arrived, writes it as one batch, waits for the disk once, and only then answers
//! all of them. A thread of its own, since every step of it blocks.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound, Utc};
use tokio::sync::{mpsc, oneshot};

use super::publish::Durable;
use super::seen::{BodyDigest, IdDigest, Seen};
use super::segment::{self, Segment};
use crate::frames::signature;

/// A batch ends with this many bytes, or when nothing more has arrived.
const BATCH_BYTES: usize = 8 << 20;
/// Likewise this many.
const BATCH_COUNT: usize = 4096;
/// A write that succeeded says so long that the disk can be written.
const PROOF_LASTS: Duration = Duration::from_secs(5);
/// Rejections are told in the log at most so often.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// Why a notification is among the rejected ones though it was answered 200.
const OTHER_BODY: &str = "repeats the id of an earlier notification with another body";

/// What came of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stands in the log, from now or from before.
    Durable,
    /// It was rejected, and is kept as such if there was room.
    Rejected,
    /// It could not be written: nothing of it counts.
    Failed,
}

/// One for the writer.
#[derive(Debug)]
pub(super) enum Arrival {
    /// Signed and readable; the line but for the time of receipt.
    Taken { id: IdDigest, body: BodyDigest, rest: String },
    /// The line likewise, with the reason.
    Rejected { rest: String },
    /// Asks whether the disk can be written.
    Probe,
    /// The last one: whatever comes after it is not heard.
    Close,
}

#[derive(Debug)]
struct Asked {
    arrival: Arrival,
    answer: oneshot::Sender<Outcome>,
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct ToWriter(mpsc::Sender<Asked>);

impl ToWriter {
    /// Waits until the writer has done it.
    pub(super) async fn ask(&self, arrival: Arrival) -> Outcome {
        let (answer, answered) = oneshot::channel();
        if self.0.send(Asked { arrival, answer }).await.is_err() {
            return Outcome::Failed;
        }
        answered.await.unwrap_or(Outcome::Failed)
    }
}

/// What the writer is given.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    rejected_bytes: u64,
    seen: Seen,
    taken: Option<(NaiveDate, Segment)>,
    rejected: Option<(NaiveDate, Segment)>,
    /// Told to whoever copies segments.
    durable: Durable,
    /// The time of the last batch; the next one is not before it, whatever the clock says.
    latest: DateTime<Utc>,
    /// The last write that succeeded; none once one has failed.
    proof: Option<Instant>,
    told_at: Option<Instant>,
    untold: u64,
}

/// Rejected ones beyond the room of the day are counted only.
const NO_ROOM: &str = "rejected notifications of today fill their file; more are not kept";

impl Writer {
    pub(super) fn new(folder: PathBuf, rejected_bytes: u64, seen: Seen, durable: Durable) -> Self {
        Self {
            folder,
            rejected_bytes,
            seen,
            taken: None,
            rejected: None,
            durable,
            latest: DateTime::UNIX_EPOCH,
            proof: None,
            told_at: None,
            untold: 0,
        }
    }

    /// Starts the thread; `places` may wait for it at a time. The receiver hears when it has ended.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn start(self, places: usize) -> std::io::Result<(ToWriter, oneshot::Receiver<()>)> {
        let (to_writer, arrivals) = mpsc::channel(places);
        let (ended, has_ended) = oneshot::channel();
        std::thread::Builder::new().name("webhook writer".to_owned()).spawn(move || {
            // Dropped also when the thread panics: then the receiver must not go on.
            let _ended = ended;
            self.work(arrivals);
        })?;
        Ok((ToWriter(to_writer), has_ended))
    }

    fn work(mut self, mut arrivals: mpsc::Receiver<Asked>) {
        while let Some(first) = arrivals.blocking_recv() {
            let mut batch = Vec::new();
            let (mut bytes, mut next, mut closing) = (0, Some(first), false);
            while let Some(asked) = next {
                bytes += asked.arrival.bytes();
                closing = matches!(asked.arrival, Arrival::Close);
                batch.push(asked);
                let full = closing || bytes >= BATCH_BYTES || batch.len() >= BATCH_COUNT;
                next = if full { None } else { arrivals.try_recv().ok() };
            }
            self.commit(batch);
            if closing {
                break;
            }
        }
        self.tell_rejections(true);
    }

    /// Writes the batch and answers everyone in it. Whoever has gone meanwhile will come again, and be told that it
    /// stands already.
    fn commit(&mut self, batch: Vec<Asked>) {
        let now = Utc::now().trunc_subsecs(3).max(self.latest);
        self.latest = now;
        let day = now.date_naive();
        self.seen.forget(day);
        let received_at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut lines = Lines::default();
        let sorted: Vec<_> = batch
            .into_iter()
            .map(|Asked { arrival, answer }| (self.sort(arrival, &received_at, &mut lines), answer))
            .collect();
        let taken = lines.taken.is_empty() || self.append(segment::TAKEN, day, &lines.taken);
        if taken {
            self.seen.add(day, lines.fresh);
        }
        self.untold += lines.rejected_count;
        let rejected = lines.rejected.is_empty() || self.keep_rejected(day, &lines.rejected);
        self.tell_rejections(false);
        let probed = lines.probed.then(|| self.probe(day));
        for (sort, answer) in sorted {
            let outcome = match sort {
                Sort::Known => Outcome::Durable,
                Sort::Fresh if taken => Outcome::Durable,
                Sort::OtherBody { same_batch } if rejected && (taken || !same_batch) => Outcome::Durable,
                Sort::Rejected if rejected => Outcome::Rejected,
                Sort::Probe if probed == Some(true) => Outcome::Durable,
                Sort::Fresh | Sort::OtherBody { .. } | Sort::Rejected | Sort::Probe => Outcome::Failed,
            };
            // Nobody to tell is no error.
            let _ = answer.send(outcome);
        }
    }

    fn sort(&self, arrival: Arrival, received_at: &str, lines: &mut Lines) -> Sort {
        match arrival {
            Arrival::Taken { id, body, rest } => {
                let before = self.seen.body_of(&id).map(|known| (known, false));
                // Of the same batch: it counts only if the batch does.
                let before = before.or_else(|| lines.fresh.get(&id).map(|known| (*known, true)));
                match before {
                    None => {
                        signature::line(&mut lines.taken, received_at, &rest);
                        lines.fresh.insert(id, body);
                        Sort::Fresh
                    }
                    Some((known, false)) if known == body => Sort::Known,
                    Some((known, true)) if known == body => Sort::Fresh,
                    Some((_, same_batch)) => {
                        // The provider says that it is the same; what differs is kept for people.
                        let open = rest.strip_suffix('}').expect("the rest of a line ends its object");
                        let rest = format!("{open},\"reason\":\"{OTHER_BODY}\"}}");
                        signature::line(&mut lines.rejected, received_at, &rest);
                        lines.rejected_count += 1;
                        Sort::OtherBody { same_batch }
                    }
                }
            }
            Arrival::Rejected { rest } => {
                signature::line(&mut lines.rejected, received_at, &rest);
                lines.rejected_count += 1;
                Sort::Rejected
            }
            Arrival::Probe => {
                lines.probed = true;
                Sort::Probe
            }
            Arrival::Close => Sort::Known,
        }
    }

    /// Whether they are on the disk.
    fn append(&mut self, kind: &'static str, day: NaiveDate, lines: &str) -> bool {
        self.written(kind, day, |segment| segment.append(lines.as_bytes()))
    }

    /// True also when there is no more room for them.
    fn keep_rejected(&mut self, day: NaiveDate, lines: &str) -> bool {
        let limit = self.rejected_bytes;
        let mut left_out = false;
        let kept = self.written(segment::REJECTED, day, |segment| {
            let room = usize::try_from(limit.saturating_sub(segment.bytes())).unwrap_or(usize::MAX);
            let end = whole_lines(lines, room);
            left_out = end < lines.len();
            if end == 0 { Ok(()) } else { segment.append(&lines.as_bytes()[..end]) }
        });
        if left_out && self.told_at.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            tracing::warn!(limit_bytes = limit, "{NO_ROOM}");
        }
        kept
    }

    /// Does something with the day's segment, which is opened or made first; tells an error.
    fn written(
        &mut self,
        kind: &'static str,
        day: NaiveDate,
        work: impl FnOnce(&mut Segment) -> std::io::Result<()>,
    ) -> bool {
        let path = segment::path(&self.folder, kind, day);
        let place = if kind == segment::TAKEN { &mut self.taken } else { &mut self.rejected };
        // Somebody may have moved it, or packed it and put it away.
        let standing = place.take().filter(|(of, segment)| *of == day && segment.is_in_place());
        let opened = standing.map_or_else(|| Segment::open(path.clone()), |(_, segment)| Ok(segment));
        let worked = opened.and_then(|mut segment| {
            self.durable.is(&path, segment.bytes());
            let worked = work(&mut segment);
            self.durable.is(&path, segment.bytes());
            *place = Some((day, segment));
            worked
        });
        match worked {
            Ok(()) => {
                // That rejected ones can be kept says nothing about the log.
                if kind == segment::TAKEN {
                    self.proof = Some(Instant::now());
                }
                true
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "cannot write; answered 503, to be sent again");
                self.proof = None;
                false
            }
        }
    }

    fn probe(&mut self, day: NaiveDate) -> bool {
        let proven = self.proof.is_some_and(|proof| proof.elapsed() < PROOF_LASTS);
        proven || self.written(segment::TAKEN, day, Segment::rehearse)
    }

    fn tell_rejections(&mut self, last: bool) {
        let due = last || self.told_at.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if self.untold > 0 && due {
            let count = self.untold;
            tracing::warn!(count, "rejected notifications; see the reasons in {}-DATE.jsonl", segment::REJECTED);
            self.told_at = Some(Instant::now());
            self.untold = 0;
        }
    }
}

/// How many bytes of these lines fit into so much room, no line cut.
fn whole_lines(lines: &str, room: usize) -> usize {
    if lines.len() <= room {
        return lines.len();
    }
    lines.as_bytes()[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

impl Arrival {
    fn bytes(&self) -> usize {
        match self {
            Self::Taken { rest, .. } | Self::Rejected { rest } => rest.len(),
            Self::Probe | Self::Close => 0,
        }
    }
}

/// What a batch writes.
#[derive(Debug, Default)]
struct Lines {
    taken: String,
    fresh: HashMap<IdDigest, BodyDigest>,
    rejected: String,
    rejected_count: u64,
    probed: bool,
}

/// On what an answer depends.
#[derive(Debug, Clone, Copy)]
enum Sort {
    /// On nothing: it is on the disk since an earlier batch.
    Known,
    Fresh,
    /// That it is kept among the rejected ones, and what it repeats in the log.
    OtherBody {
        same_batch: bool,
    },
    Rejected,
    Probe,
}
