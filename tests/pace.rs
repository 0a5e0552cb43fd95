//! Inputs that are read side by side: who is ahead pauses, so that none of them comes last alone.

use std::sync::{Barrier, Mutex};

use tieout::frames::{Pace, Runner};

const PIECE_BYTES: u64 = 8 << 20;

/// Reads inputs of so many pieces side by side: the inputs in the order in which their pieces were read.
fn order(processors: usize, inputs: &[u64]) -> Vec<usize> {
    let pace = Pace::new(processors);
    let read = Mutex::new(Vec::new());
    let all_are_there = Barrier::new(inputs.len());
    std::thread::scope(|scope| {
        for (input, pieces) in inputs.iter().copied().enumerate() {
            let (pace, read, all_are_there) = (&pace, &read, &all_are_there);
            scope.spawn(move || {
                let runner = pace.runner(pieces * PIECE_BYTES);
                all_are_there.wait();
                for _ in 0..pieces {
                    runner.passed(PIECE_BYTES);
                    read.lock().unwrap().push(input);
                }
            });
        }
    });
    assert_eq!(pace.inputs_open(), 0);
    read.into_inner().unwrap()
}

#[test]
fn who_is_ahead_pauses_until_the_others_have_as_little_left() {
    let read = order(1, &[3, 20, 8]);
    assert_eq!(read.len(), 31);
    assert!(read[..10].iter().all(|input| *input == 1), "{read:?}");
}

#[test]
fn an_input_that_ends_lets_the_others_go_on() {
    assert_eq!(order(1, &[0, 2]), [1, 1]);
    assert!(order(1, &[0, 0, 0]).is_empty());
    assert_eq!(order(2, &[5, 6, 90, 7, 1]).len(), 109);
}

#[test]
fn nobody_pauses_where_there_are_processors_enough() {
    let pace = Pace::new(3);
    let runners: Vec<Runner> = [1, 50, 9].map(|pieces| pace.runner(pieces * PIECE_BYTES)).into();
    for runner in &runners {
        runner.passed(PIECE_BYTES);
    }
    assert_eq!(pace.inputs_open(), 3);
}
