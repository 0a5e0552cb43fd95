//! Why no connection came about, told from the causes that the libraries give.

use std::error::Error;
use std::io;

use chrono::{DateTime, Utc};
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::displayable;

/// Names of others are shown up to so many characters.
const SHOWN: usize = 200;

/// What stood between this machine and a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoConnection {
    /// No address is known for the host's name.
    NoAddress,
    /// Something said no: nobody listens, or a firewall refuses.
    Refused,
    /// This machine knows no way there.
    NoRoute,
    /// Nothing came back.
    TimedOut,
    /// The certificate's time is over; when it ended, and what our clock says.
    Expired(Option<(DateTime<Utc>, DateTime<Utc>)>),
    /// The certificate's time has not begun; when it does, and what our clock says.
    NotYetValid(Option<(DateTime<Utc>, DateTime<Utc>)>),
    /// Signed by nobody that this machine trusts.
    UnknownAuthority,
    /// The certificate is another host's: the names in it.
    WrongName(Vec<String>),
    /// TLS failed otherwise.
    Tls,
}

/// What an error and its causes say of it; none where they say nothing that is known here.
pub fn no_connection(error: &(dyn Error + 'static)) -> Option<NoConnection> {
    let mut cause = Some(error);
    let mut timed_out = false;
    while let Some(error) = cause {
        if let Some(found) = of_one(error) {
            return Some(found);
        }
        // Kept in a box it is told as the box.
        let boxed = error.downcast_ref::<Box<reqwest::Error>>().map(AsRef::as_ref);
        if let Some(error) = boxed.or_else(|| error.downcast_ref::<reqwest::Error>()) {
            timed_out |= error.is_timeout();
        }
        cause = error.source();
    }
    timed_out.then_some(NoConnection::TimedOut)
}

fn of_one(error: &(dyn Error + 'static)) -> Option<NoConnection> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error);
    }
    // The types of these two are the libraries' secrets; their words are not.
    let words = error.to_string();
    (words.starts_with("dns error") || words == "invalid dns name").then_some(NoConnection::NoAddress)
}

fn of_io(error: &io::Error) -> Option<NoConnection> {
    // What an error of io wraps is not among its causes.
    if let Some(inner) = error.get_ref().and_then(|inner| of_one(inner)) {
        return Some(inner);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(NoConnection::Refused),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Some(NoConnection::NoRoute),
        io::ErrorKind::TimedOut => Some(NoConnection::TimedOut),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> NoConnection {
    let rustls::Error::InvalidCertificate(error) = error else { return NoConnection::Tls };
    match error {
        CertificateError::Expired => NoConnection::Expired(None),
        CertificateError::ExpiredContext { time, not_after } => NoConnection::Expired(times(*not_after, *time)),
        CertificateError::NotValidYet => NoConnection::NotYetValid(None),
        CertificateError::NotValidYetContext { time, not_before } => {
            NoConnection::NotYetValid(times(*not_before, *time))
        }
        // The second: an authority of a known name, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => NoConnection::UnknownAuthority,
        CertificateError::NotValidForName => NoConnection::WrongName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            NoConnection::WrongName(presented.iter().map(|name| displayable(name, SHOWN)).collect())
        }
        _ => NoConnection::Tls,
    }
}

fn times(limit: UnixTime, ours: UnixTime) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let time = |time: UnixTime| DateTime::from_timestamp(i64::try_from(time.as_secs()).ok()?, 0);
    Some((time(limit)?, time(ours)?))
}
