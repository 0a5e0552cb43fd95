//! `tieout listen` under load, killed in its middle: what was answered 200 stands in the log, once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tieout::sandbox::WEBHOOK_KEY;

use crate::support::project::TestProject;
use crate::support::receiver::{ids, lines, listen, notification, post, signature};

/// What the clients of one load have seen.
#[derive(Debug, Default)]
struct Told {
    /// Ids that were answered 200, and those that were sent at all with a good signature.
    taken: Mutex<BTreeSet<String>>,
    sent: Mutex<BTreeSet<String>>,
    statuses: Mutex<BTreeMap<u16, usize>>,
    broken: AtomicUsize,
}

/// The next request of a load, which repeats itself: one in eight comes again, one in sixteen is badly signed.
fn request(number: usize) -> (String, bool) {
    let id = if number % 8 == 7 { number - 5 } else { number };
    (format!("n-{id:06}"), number % 16 != 9)
}

/// Sends requests from `connections` connections until all are sent; those that get no answer are sent again where
/// `address` then says.
fn load(told: &Arc<Told>, connections: usize, requests: usize, address: &Arc<Mutex<String>>) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (told, next, address) = (Arc::clone(told), Arc::clone(&next), Arc::clone(address));
            std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn(move || client(&told, &next, requests, &address))
                .unwrap()
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    begun.elapsed()
}

fn client(told: &Told, next: &AtomicUsize, requests: usize, address: &Mutex<String>) {
    let mut stream: Option<TcpStream> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            return;
        }
        let (id, good) = request(number);
        let body = notification(&id, &format!("t-{id}"));
        let signed = signature(if good { WEBHOOK_KEY } else { "another" }, body.as_bytes());
        if good {
            told.sent.lock().unwrap().insert(id.clone());
        }
        loop {
            let answer =
                connected(&mut stream, address).and_then(|stream| post(stream, body.as_bytes(), Some(&signed)));
            if let Ok((status, _)) = answer {
                *told.statuses.lock().unwrap().entry(status).or_default() += 1;
                match status {
                    200 if good => drop(told.taken.lock().unwrap().insert(id)),
                    401 if !good => {}
                    // Killed on the way, or stopping: as a provider would, again.
                    503 => continue,
                    _ => panic!("{status} for {id}"),
                }
                break;
            }
            told.broken.fetch_add(1, Ordering::Relaxed);
            stream = None;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn connected<'s>(stream: &'s mut Option<TcpStream>, address: &Mutex<String>) -> std::io::Result<&'s mut TcpStream> {
    if stream.is_none() {
        let address = address.lock().unwrap().clone();
        let new = TcpStream::connect(address)?;
        new.set_nodelay(true)?;
        new.set_read_timeout(Some(Duration::from_secs(30)))?;
        *stream = Some(new);
    }
    Ok(stream.as_mut().expect("it was just made"))
}

/// A load with as many kills on its way; the log is checked after each, and at the end.
fn killed_on_the_way(connections: usize, requests: usize, kills: usize) {
    let project = TestProject::empty();
    let told = Arc::new(Told::default());
    let mut listening = listen(&project, &[]);
    let address = Arc::new(Mutex::new(listening.address.clone()));
    let loading = {
        let (told, address) = (Arc::clone(&told), Arc::clone(&address));
        std::thread::spawn(move || load(&told, connections, requests, &address))
    };
    for kill in 1..=kills {
        let enough = requests * kill / (kills + 1);
        let deadline = Instant::now() + Duration::from_mins(5);
        while told.statuses.lock().unwrap().values().sum::<usize>() < enough {
            assert!(Instant::now() < deadline, "the load does not move: {told:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        // What was answered by now must stand there, whatever becomes of the rest.
        let answered = told.taken.lock().unwrap().clone();
        listening.kill();
        listening = listen(&project, &[]);
        address.lock().unwrap().clone_from(&listening.address);
        let logged = ids(&project);
        assert!(answered.iter().all(|id| logged.contains_key(id)), "kill {kill}");
    }
    let took = loading.join().unwrap();
    let logged = ids(&project);
    let taken = told.taken.lock().unwrap().clone();
    assert_eq!(taken, *told.sent.lock().unwrap(), "every one is answered in the end");
    assert_eq!(logged.keys().cloned().collect::<BTreeSet<_>>(), taken);
    let doubled: Vec<_> = logged.iter().filter(|(_, count)| **count != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let rejected = lines(&project, "rejected");
    let bad = (0..requests).filter(|number| !request(*number).1).count();
    // An answer that a kill swallowed makes the client send again, and a rejected one knows no repeats.
    assert!(rejected.len() >= bad, "{} of {bad}", rejected.len());
    assert!(rejected.iter().all(|line| line["reason"].as_str().unwrap().starts_with("has a wrong signature")));
    assert_eq!(listening.stop(), Some(0));
    let (statuses, broken) = (told.statuses.lock().unwrap().clone(), told.broken.load(Ordering::Relaxed));
    let rate = requests as u128 * 1_000 / took.as_millis().max(1);
    tell(&format!(
        "{requests} requests over {connections} connections with {kills} kills in {:.1} s: {rate} requests/s; \
         answers {statuses:?}, {broken} without an answer, {} in the log",
        took.as_secs_f64(),
        logged.len()
    ));
}

#[expect(clippy::print_stdout, reason = "the rate is what the whole load is run for")]
fn tell(text: &str) {
    println!("{text}");
}

#[test]
fn what_was_answered_stands_in_the_log_once_though_it_was_killed() {
    killed_on_the_way(40, 2_000, 2);
}

#[test]
#[ignore = "20,000 requests over 200 connections; benches/listen.sh runs it"]
fn the_whole_load_with_a_kill_in_its_middle() {
    killed_on_the_way(200, 20_000, 1);
}

#[test]
#[ignore = "as the load above without a kill; benches/listen.sh runs it"]
fn the_whole_load_undisturbed() {
    killed_on_the_way(200, 20_000, 0);
}
