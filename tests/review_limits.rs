//! The bounds of sign-ins, networks, paths of our own and hashes of passwords, by themselves.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tieout::review::limits::{Limits, Pace};
use tieout::review::origin::own_path;
use tieout::review::passwords::{HashError, PasswordError, PasswordHash};
use tieout::review::peers::{Network, guest};
use tieout::review::tokens::Token;

use crate::support::house::{PASSWORD, hash};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn failures_cost_more_and_more_time_and_are_forgotten() {
    let mut limits = Limits::new(Pace::default());
    let (start, here) = (Instant::now(), ip("192.0.2.1"));
    let mut now = start;
    for _ in 0..5 {
        assert_eq!(limits.attempt("Rosa", here, now), Ok(()));
    }
    let mut waits = Vec::new();
    for _ in 0..7 {
        let wait = limits.attempt("rosa ", here, now).unwrap_err();
        waits.push(wait.as_secs());
        assert!(limits.attempt("rosa", here, now + wait / 2).is_err());
        now += wait;
        assert_eq!(limits.attempt("rosa", here, now), Ok(()));
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900]);
    assert_eq!(limits.attempt("rosa", ip("192.0.2.2"), now), Ok(()), "from elsewhere she is free");
    assert_eq!(limits.attempt("paul", here, now), Ok(()), "and others from here");
    now += Duration::from_mins(16);
    for _ in 0..5 {
        assert_eq!(limits.attempt("rosa", here, now), Ok(()));
    }
    limits.succeeded("rosa", here);
    assert_eq!(limits.attempt("rosa", here, now), Ok(()));
}

#[test]
fn many_addresses_and_many_names_are_bounded_but_not_for_those_who_are_known_there() {
    let mut limits = Limits::new(Pace::default());
    let (now, home) = (Instant::now(), ip("192.0.2.1"));
    limits.attempt("rosa", home, now).unwrap();
    limits.succeeded("rosa", home);
    let tried = (0..200_u8).filter(|number| limits.attempt("rosa", IpAddr::from([10, 0, 0, *number]), now).is_ok());
    assert_eq!(tried.count(), 60);
    assert_eq!(limits.attempt("rosa", home, now), Ok(()));
    let tried = (0..200).filter(|number| limits.attempt(&format!("user-{number}"), home, now).is_ok());
    assert_eq!(tried.count(), 60);
    assert_eq!(limits.attempt("rosa", home, now), Ok(()));
}

#[test]
fn entries_of_failures_are_bounded_and_the_others_are_counted() {
    let mut limits = Limits::new(Pace { entries: 2, ..Pace::default() });
    let now = Instant::now();
    let told: Vec<_> = (0..5).map(|_| limits.entry(now)).collect();
    assert_eq!(told, [Some(0), Some(0), None, None, None]);
    assert_eq!(limits.entry(now + Duration::from_secs(61)), Some(3));
    assert_eq!(limits.entry(now + Duration::from_secs(61)), Some(0));
}

#[test]
fn a_network_holds_its_addresses_and_no_others() {
    let table = [
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
        ("0.0.0.0/0", "255.1.2.3", "::1"),
        ("10.0.0.0/8", "::ffff:10.9.9.9", "11.0.0.0"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("::1", "::1", "127.0.0.1"),
    ];
    for (network, inside, outside) in table {
        let parsed = Network::parse(network).unwrap();
        assert!(parsed.holds(ip(inside)) && !parsed.holds(ip(outside)), "{network}");
    }
    for bad in [
        "10.1.2.3/16",
        "10.1.0.0/33",
        "10.1.0.0/",
        "10.1.0.0/+8",
        "10.1",
        "",
        "fd00::/129",
        "localhost",
        "10.0.0.0/8/8",
    ] {
        assert_eq!(Network::parse(bad), None, "{bad}");
    }
    assert_eq!(guest(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
    assert_eq!(guest(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
}

proptest! {
    #[test]
    fn whatever_is_asked_for_leads_to_a_path_of_ours(text in "[/\\\\a-z:.@?#%\\r\\n\\t 0-9]{0,12}") {
        let path = own_path(&text);
        let base = reqwest::Url::parse("https://tieout.acme.example/sign-in").unwrap();
        let led = base.join(path).unwrap();
        prop_assert_eq!(led.host_str(), Some("tieout.acme.example"));
        prop_assert_eq!(led.scheme(), "https");
        prop_assert!(path.starts_with('/') && !path.contains(['\r', '\n', '\\']));
    }

    #[test]
    fn a_form_of_another_token_is_none_of_ours(text in "[0-9a-f]{0,70}") {
        let token = Token::parse(&"ab".repeat(32)).unwrap();
        prop_assert!(!token.is_of_form(&text) || text == token.of_forms());
        prop_assert!(token.is_of_form(&token.of_forms()));
        prop_assert!(!token.is_of_form_of("rosa", &token.of_forms_of("ada")));
    }
}

#[test]
fn only_hashes_that_are_dear_enough_are_taken_and_none_is_repeated() {
    let good = hash().as_str().to_owned();
    assert!(hash().is_of(PASSWORD) && !hash().is_of("another-password"));
    let tail = good.rsplit_once("p=1").unwrap().1.to_owned();
    let table = [
        (PASSWORD.to_owned(), HashError::NoHash),
        (String::new(), HashError::NoHash),
        (good.replace("argon2id", "argon2i"), HashError::OtherAlgorithm),
        (good.replace("m=7168", "m=1024"), HashError::TooCheap),
        (good.replace("m=7168", "m=1048576"), HashError::TooDear),
        (good.replace("t=1", "t=1000"), HashError::TooDear),
        (good.replace("v=19", "v=16"), HashError::NoHash),
        (good.replace(&tail, ""), HashError::Incomplete),
        (format!("{good}{}", "A".repeat(300)), HashError::NoHash),
    ];
    for (text, error) in table {
        assert_eq!(PasswordHash::parse(&text), Err(error), "{text}");
        assert!(!error.to_string().contains(&tail) && !error.to_string().contains(PASSWORD), "{error}");
    }
    let too_short = PasswordHash::of("rosa", "eleven-char").unwrap_err();
    let told = "the password has 11 characters; expected 12 at least, such as four words in a row";
    assert_eq!((too_short, &*too_short.to_string()), (PasswordError::TooShort { found: 11 }, told));
    assert_eq!(PasswordHash::of("rosa", &"x".repeat(1_025)), Err(PasswordError::TooLong));
    assert_eq!(PasswordHash::of("Rosa van der Berg", "rosa van der berg"), Err(PasswordError::IsName));
    let (one, other) = (PasswordHash::of("rosa", PASSWORD).unwrap(), PasswordHash::of("rosa", PASSWORD).unwrap());
    assert!(one != other && one.mark() != other.mark() && PasswordHash::parse(one.as_str()).is_ok());
    assert_eq!(format!("{one:?}"), "PasswordHash(…)");
}
