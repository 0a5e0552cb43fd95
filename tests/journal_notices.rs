//! What people were told, in the journal: each thing once, by whichever process.

use chrono::TimeDelta;
use tieout::journal::{Delivery, NewNotice, Topic};

use crate::support::journal::Place;
use crate::support::utc;

fn topic(about: &str) -> Topic {
    Topic { job: "a".into(), period: "2025-03-19".into(), event: "failed".into(), about: about.into() }
}

fn notice(id: &str) -> NewNotice {
    NewNotice {
        id: id.to_owned(),
        job: "a".to_owned(),
        period: "2025-03-19".to_owned(),
        made_at: utc("2025-03-20T10:00:00Z"),
        content: "{}".to_owned(),
        channels: vec!["one".to_owned(), "two".to_owned()],
    }
}

#[tokio::test]
async fn a_topic_is_told_once_until_it_is_closed() {
    let place = Place::new();
    let journal = place.open().await;
    assert!(journal.tell(&[topic("69")], &[], Some(&notice("n1"))).await.unwrap());
    assert!(!journal.tell(&[topic("69")], &[], Some(&notice("n2"))).await.unwrap());
    assert!(journal.tell(&[topic("69"), topic("65")], &[], Some(&notice("n3"))).await.unwrap(), "one is new");
    assert_eq!(journal.open_topics(Some("a")).await.unwrap(), [topic("65"), topic("69")]);
    assert_eq!(journal.open_topics(Some("b")).await.unwrap(), []);
    assert_eq!(journal.open_topics(None).await.unwrap().len(), 2);
    assert!(journal.tell(&[], &[topic("65"), topic("69")], Some(&notice("n4"))).await.unwrap());
    assert!(!journal.tell(&[], &[topic("65")], Some(&notice("n5"))).await.unwrap());
    assert!(journal.tell(&[topic("69")], &[], Some(&notice("n6"))).await.unwrap(), "it is armed again");
    let waiting = journal.waiting_notices(utc("2025-03-20T10:00:00Z"), false).await.unwrap();
    let ids: Vec<&str> = waiting.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["n1", "n1", "n3", "n3", "n4", "n4", "n6", "n6"]);
    assert_eq!(journal.waiting_by_channel().await.unwrap(), [("one".to_owned(), 4), ("two".to_owned(), 4)]);
}

#[tokio::test]
async fn a_delivery_is_tried_by_one_process_at_a_time_and_again_when_that_has_died() {
    let place = Place::new();
    let (journal, other) = (place.open().await, place.open().await);
    journal.tell(&[topic("69")], &[], Some(&notice("n1"))).await.unwrap();
    let now = utc("2025-03-20T10:00:00Z");
    let (at, until) = (|seconds| now + TimeDelta::seconds(seconds), now + TimeDelta::seconds(30));
    let mine = journal.waiting_notices(now, true).await.unwrap().remove(0);
    let theirs = other.waiting_notices(now, true).await.unwrap().remove(0);
    assert_eq!(mine, theirs);
    assert!(journal.claim_delivery(&mine, until).await.unwrap());
    assert!(!other.claim_delivery(&theirs, until).await.unwrap());
    assert_eq!(other.waiting_notices(at(29), true).await.unwrap().len(), 1, "the other channel alone");
    let again = other.waiting_notices(at(30), true).await.unwrap();
    assert_eq!((again.len(), again[0].tries), (2, 1), "whoever had it has died");
    journal.settle_delivery(&mine, Delivery::Again { at: at(60), problem: "status 500" }).await.unwrap();
    assert_eq!(journal.waiting_notices(at(1), false).await.unwrap().len(), 1, "not before its time");
    assert_eq!(journal.waiting_notices(at(1), true).await.unwrap().len(), 2, "unless a run has ended");
    assert_eq!(journal.waiting_notices(at(60), false).await.unwrap().len(), 2);
    journal.settle_delivery(&mine, Delivery::Delivered).await.unwrap();
    let second = journal.waiting_notices(at(60), true).await.unwrap().remove(0);
    journal.settle_delivery(&second, Delivery::GivenUp { problem: "status 500" }).await.unwrap();
    assert!(journal.waiting_notices(at(99_999), true).await.unwrap().is_empty());
    assert!(journal.waiting_by_channel().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_tell_the_same_one_wins_each_time() {
    let place = Place::new();
    let (one, other) = (place.open().await, place.open().await);
    for round in 0..50 {
        let topic = topic(&round.to_string());
        let (left, right) = (notice(&format!("one-{round}")), notice(&format!("other-{round}")));
        let opened = std::slice::from_ref(&topic);
        let both = tokio::join!(one.tell(opened, &[], Some(&left)), other.tell(opened, &[], Some(&right)));
        assert!(both.0.unwrap() ^ both.1.unwrap(), "round {round}");
    }
    assert_eq!(place.number("SELECT count(*) FROM notices").await, 50);
}

#[tokio::test]
async fn a_probe_is_answered_and_effects_are_counted() {
    let place = Place::new();
    let journal = place.open().await;
    journal.ping().await.unwrap();
    assert_eq!(journal.count_effects().await.unwrap(), []);
    assert_eq!(journal.plans_to_approve("a").await.unwrap(), []);
    assert_eq!(journal.latest_finished_period("a").await.unwrap(), None);
}
