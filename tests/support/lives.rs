//! Breaks as runs find them and what people decide about them, by hand.

use tieout::breaks::BreakKind;
use tieout::breaks::life::{Event, Sighted, Sighting};
use tieout::breaks::observe::Observation;
use tieout::frames::Measure;

use super::journal::{JOB as OF_JOURNAL, PERIOD};
use super::utc;

pub(crate) const JOB: &str = OF_JOURNAL;
pub(crate) const DAY: &str = PERIOD;
pub(crate) const AT: &str = "2025-03-20T09:45:00Z";
pub(crate) const ID: &str = "00000000000000b1";

/// A break of 7.50 USD, with these facts.
pub(crate) fn facts(period: &str, digest: &str) -> Sighting {
    Sighting {
        period: period.to_owned(),
        seen_at: utc(AT),
        kind: Some(BreakKind::MissingInFile),
        key: "t-1".to_owned(),
        currency: "USD".to_owned(),
        measure: Measure::TransactionAmount,
        at_risk_minor: 750,
        detail: "in ledger (7.50 USD), not in file".to_owned(),
        digest: digest.to_owned(),
    }
}

/// Two keys that a weaker rule pairs.
pub(crate) fn pair(digest: &str) -> Sighting {
    Sighting {
        kind: None,
        key: "t-1 = x-1".to_owned(),
        at_risk_minor: 0,
        detail: "paired by amount within 1d".to_owned(),
        ..facts(DAY, digest)
    }
}

pub(crate) fn opened(digest: &str) -> Event {
    Event::Opened { job: JOB.to_owned(), facts: facts(DAY, digest).into() }
}

/// What Mara decides.
pub(crate) fn person(decision: &str) -> Event {
    let (by, reason) = ("Mara Lind".to_owned(), "as the shop says".to_owned());
    match decision {
        "assign" => Event::Assigned { to: "Robin".to_owned(), by, reason: None },
        "comment" => Event::Commented { text: "asked Kard".to_owned(), by },
        "confirm" => Event::Confirmed { by, reason: None },
        "write off" => Event::WrittenOff { by, reason },
        "match" => Event::ForceMatched { with: Some("t-9".to_owned()), by, reason },
        "accept" => Event::SuggestionAccepted { by, reason },
        "reopen" => Event::ReopenedByPerson { by, reason },
        other => panic!("nobody decides {other}"),
    }
}

/// So many breaks of the day, each with its own key.
pub(crate) fn many(count: usize) -> Observation {
    let one = |number: usize| {
        let facts = Sighting { key: format!("t-{number:05}"), ..facts(DAY, &format!("{number:016x}")) };
        Sighted { id: format!("{number:016x}"), facts: facts.into() }
    };
    let found = (0..count).map(one).collect();
    Observation { job: JOB.to_owned(), period: DAY.to_owned(), found, ..Observation::default() }
}
