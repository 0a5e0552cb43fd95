//! Who may put a name under which report. Pure: all that matters is handed in.

use super::life::{SignOffState, Standing};
use crate::text::is_same_person;

/// In which role a person signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Role {
    Preparer,
    Reviewer,
}

impl Role {
    /// The name in forms and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preparer => "preparer",
            Self::Reviewer => "reviewer",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Preparer, Self::Reviewer].into_iter().find(|role| role.name() == name)
    }
}

/// What a person wants.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub run: &'a str,
    pub role: Role,
    pub by: &'a str,
    /// Of the report that the person was shown.
    pub digest: &'a str,
}

/// What is known of the attempt at that moment.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its report is complete.
    pub is_finished: bool,
    pub ties_out: bool,
    /// The last finished attempt of its period.
    pub last_finished: Option<&'a str>,
    /// Of the report's files as they lie there.
    pub digest_now: &'a str,
    /// Who has started the run; none where that was not kept.
    pub started_by: Option<&'a str>,
    /// The job's effects say `distinct: true`.
    pub is_distinct: bool,
    pub standing: Option<&'a Standing>,
}

/// Why a report cannot be signed. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("run {run} has not finished: only a complete report is signed")]
    NotFinished { run: String },
    #[error("run {run} does not tie out: a statement that is not proved is not signed")]
    NotTied { run: String },
    #[error("run {run} is superseded by {by}: look at that one and sign it")]
    Superseded { run: String, by: String },
    #[error(
        "the report of run {run} is not the one that was seen: its digest is {now}, and {seen} was to be signed; look \
         at it again"
    )]
    OtherReport { run: String, seen: String, now: String },
    #[error(
        "the report of run {run} has changed since {by} prepared it: its digest is {now}, and {prepared} was prepared; \
         withdraw that signature, or make a new attempt"
    )]
    ChangedSincePrepared { run: String, by: String, prepared: String, now: String },
    #[error("run {run} is prepared by {by} already; it waits for its review")]
    AlreadyPrepared { run: String, by: String },
    #[error("run {run} is signed off by {by} already")]
    AlreadySigned { run: String, by: String },
    #[error("{person} has prepared run {run} and may not sign it off as well; someone else has to review it")]
    Preparer { person: String, run: String },
    #[error(
        "{person} may not sign off run {run}: the job says `distinct: true` and the run was started by {starter}; \
         someone else has to review it"
    )]
    Starter { person: String, run: String, starter: String },
    #[error(
        "nobody has prepared run {run}, and {person} has started it: who made a report does not review it alone; \
         prepare it, and have someone else sign it off"
    )]
    Alone { person: String, run: String },
    #[error(
        "nobody has prepared run {run}, and it is not known who started it: it takes a preparer before it is signed off"
    )]
    UnknownStarter { run: String },
}

/// Whether a person may sign. Only the last finished attempt of a period that ties out, and only the bytes that the
/// person was shown.
///
/// A report is prepared by one person and signed off by another. Where nobody has prepared it, whoever started the run
/// made it: then anybody else may sign it off at once, as when a schedule has run it, and where it is not known who
/// started it, nobody. With `distinct: true` whoever started the run never reviews it.
///
/// # Errors
/// [`Refused`], the first that applies.
pub fn check(asked: &Asked<'_>, known: &Known<'_>) -> Result<(), Refused> {
    let (run, person) = (asked.run.to_owned(), asked.by.to_owned());
    if !known.is_finished {
        return Err(Refused::NotFinished { run });
    }
    if !known.ties_out {
        return Err(Refused::NotTied { run });
    }
    if let Some(by) = known.last_finished.filter(|last| *last != asked.run) {
        return Err(Refused::Superseded { run, by: by.to_owned() });
    }
    let standing = known.standing.filter(|standing| standing.state != SignOffState::Withdrawn);
    if let Some(signed) = standing.and_then(|standing| standing.signed_off.as_ref()) {
        return Err(Refused::AlreadySigned { run, by: signed.by.clone() });
    }
    if asked.digest != known.digest_now {
        return Err(Refused::OtherReport { run, seen: asked.digest.to_owned(), now: known.digest_now.to_owned() });
    }
    let prepared = standing.and_then(|standing| Some((standing, standing.prepared.as_ref()?)));
    match (asked.role, prepared) {
        (Role::Preparer, Some((_, prepared))) => Err(Refused::AlreadyPrepared { run, by: prepared.by.clone() }),
        (Role::Preparer, None) => Ok(()),
        (Role::Reviewer, Some((standing, prepared))) => {
            if standing.digest != known.digest_now {
                let (by, now) = (prepared.by.clone(), known.digest_now.to_owned());
                return Err(Refused::ChangedSincePrepared { run, by, prepared: standing.digest.clone(), now });
            }
            if is_same_person(&prepared.by, asked.by) {
                return Err(Refused::Preparer { person, run });
            }
            not_the_starter(asked, known)
        }
        (Role::Reviewer, None) => match known.started_by {
            None => Err(Refused::UnknownStarter { run }),
            Some(starter) if is_same_person(starter, asked.by) && !known.is_distinct => {
                Err(Refused::Alone { person, run })
            }
            Some(_) => not_the_starter(asked, known),
        },
    }
}

fn not_the_starter(asked: &Asked<'_>, known: &Known<'_>) -> Result<(), Refused> {
    match known.started_by.filter(|starter| known.is_distinct && is_same_person(starter, asked.by)) {
        Some(starter) => {
            let (person, run, starter) = (asked.by.to_owned(), asked.run.to_owned(), starter.to_owned());
            Err(Refused::Starter { person, run, starter })
        }
        None => Ok(()),
    }
}
