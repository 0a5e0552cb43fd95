//! A session with a cluster that speaks Spark Connect. The client blocks: call it away from the threads that answer.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use spark_connect::{SparkSession, SparkSessionBuilder};

use super::sieve::{Answer, SieveError};
use super::sql;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The port of an address that names none.
const PORT: u16 = 15002;

/// One session; what it has made known to the cluster goes with it.
#[expect(missing_debug_implementations, reason = "the client's session has none")]
pub struct Session(SparkSession);

impl Session {
    /// Opens a session and asks whether the cluster understands the words of a plan as they are meant.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or understands them otherwise.
    pub fn open(address: &str) -> Result<Self, SieveError> {
        // The client would try for minutes.
        reach(address)?;
        let session = SparkSessionBuilder::new().remote(address).get_or_create().map_err(told)?;
        let session = Self(session);
        let answer = session.ask(&sql::probe())?;
        if answer == [[Some("true".to_owned())]] {
            Ok(session)
        } else {
            Err(SieveError::Cluster("it understands parts of the queries otherwise than they are meant".to_owned()))
        }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// When the cluster cannot be reached or refuses.
    pub fn ask(&self, statement: &str) -> Result<Answer, SieveError> {
        let rows = self.0.sql(statement).and_then(|frame| frame.collect()).map_err(told)?;
        let text = |value: &spark_connect::row::Value| (!value.is_null()).then(|| value.to_string());
        Ok(rows.iter().map(|row| row.values().iter().map(text).collect()).collect())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.0.stop() {
            tracing::debug!("the session with the cluster is left to end by itself: {error}");
        }
    }
}

fn told(error: spark_connect::SparkError) -> SieveError {
    let text = error.to_string();
    let first: String = text.lines().next().unwrap_or_default().chars().take(300).collect();
    SieveError::Cluster(first)
}

fn reach(address: &str) -> Result<(), SieveError> {
    let unreachable = |why: String| SieveError::Cluster(why);
    let rest = address.strip_prefix("sc://").unwrap_or(address);
    let place = rest.split(['/', ';']).next().unwrap_or_default();
    let place = if place.contains(':') { place.to_owned() } else { format!("{place}:{PORT}") };
    let mut found = place.to_socket_addrs().map_err(|error| unreachable(format!("{place}: {error}")))?;
    let first = found.next().ok_or_else(|| unreachable(format!("{place} has no address")))?;
    TcpStream::connect_timeout(&first, CONNECT).map_err(|error| unreachable(format!("{place}: {error}")))?;
    Ok(())
}
