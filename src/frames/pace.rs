//! Inputs that are read side by side by fewer processors than there are inputs: who is ahead pauses, so that all come to
//! their end at about the same time and no processor waits while the last one is read alone.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Who has so much less left than another one is ahead: less is not worth a pause. With shorter pauses, of which there are
/// more, Linux leaves the processor idle that is free for their time.
const STEP_BYTES: u64 = 8 << 20;

/// The processors that inputs share. Copies share them too.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    processors: usize,
    inputs: Mutex<Vec<Entry>>,
    resumed: Condvar,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u64,
    left_bytes: u64,
    pauses: bool,
}

impl Pace {
    pub fn new(processors: usize) -> Self {
        Self(Arc::new(Shared { processors, inputs: Mutex::default(), resumed: Condvar::new() }))
    }

    /// One more input, of about so many bytes, as long as the runner lives.
    pub fn runner(&self, bytes: u64) -> Runner {
        let mut inputs = self.inputs();
        let number = inputs.iter().map(|entry| entry.number).max().map_or(0, |last| last + 1);
        inputs.push(Entry { number, left_bytes: bytes, pauses: false });
        drop(inputs);
        Runner(Rc::new(RefCell::new(Running { pace: self.clone(), number, left_bytes: bytes })))
    }

    /// How many inputs are being read, those that pause among them.
    pub fn inputs_open(&self) -> usize {
        self.inputs().len()
    }

    fn inputs(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an input with so much left is ahead of others that keep all processors busy.
    fn is_ahead(&self, inputs: &[Entry], number: u64, left_bytes: u64) -> bool {
        let others = || inputs.iter().filter(|other| !other.pauses && other.number != number);
        others().count() >= self.0.processors.max(1) && others().any(|other| other.left_bytes > left_bytes)
    }

    /// Lets those go on that are ahead no longer.
    fn resume(&self, inputs: &mut [Entry]) {
        for place in 0..inputs.len() {
            let Entry { number, left_bytes, pauses } = inputs[place];
            if pauses && !self.is_ahead(inputs, number, left_bytes) {
                inputs[place].pauses = false;
                self.0.resumed.notify_all();
            }
        }
    }
}

/// One input among those that are read at the same time, with all of its files.
#[derive(Debug, Clone)]
pub struct Runner(Rc<RefCell<Running>>);

#[derive(Debug)]
struct Running {
    pace: Pace,
    number: u64,
    left_bytes: u64,
}

impl Runner {
    /// So many bytes more were read. Pauses where that is ahead of the others.
    pub fn passed(&self, bytes: u64) {
        let Running { pace, number, left_bytes } = &mut *self.0.borrow_mut();
        *left_bytes = left_bytes.saturating_sub(bytes);
        let mut inputs = pace.inputs();
        let pauses = pace.is_ahead(&inputs, *number, *left_bytes + STEP_BYTES);
        for own in inputs.iter_mut().filter(|entry| entry.number == *number) {
            (own.left_bytes, own.pauses) = (*left_bytes, pauses);
        }
        pace.resume(&mut inputs);
        while inputs.iter().any(|entry| entry.number == *number && entry.pauses) {
            inputs = pace.0.resumed.wait(inputs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut inputs = self.pace.inputs();
        inputs.retain(|entry| entry.number != self.number);
        self.pace.resume(&mut inputs);
    }
}
