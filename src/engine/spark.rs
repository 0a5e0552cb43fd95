//! A session with a cluster that speaks Spark Connect. It blocks: call it away from the threads that answer.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use spark_connect_core::{
    ChannelBuilder, ExecutePlanResponseReattachableIterator as Execution, RetryPolicy, SparkConnectClient, SparkError,
    block_on,
};
use spark_connect_proto::execute_plan_response::{ArrowBatch, ResponseType};
use spark_connect_proto::relation::RelType;
use spark_connect_proto::{ExecutePlanRequest, Plan, Relation, Sql, UserContext, plan::OpType};
use tokio::time::{sleep, timeout};

use super::sieve::{Answer, SieveError};
use super::sql;

/// How long a connection may take, and how long a cluster is asked to forget a session.
const CONNECT: Duration = Duration::from_secs(10);
/// The port of an address that names none.
const PORT: u16 = 15002;
/// How often in a row a cluster that has gone away is asked again, with pauses that double.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Into so many parts a file is divided at least. Where nothing is said that follows from the number of workers when a
/// statement begins: a row would have another number in the next statement if the cluster has grown since.
const PARTS: (&str, &str) = ("spark.sql.files.minPartitionNum", "64");

/// One session; what it has made known to the cluster goes with it.
#[expect(missing_debug_implementations, reason = "the client has none")]
pub struct Session {
    client: SparkConnectClient,
    /// What is asked after this is not answered, and what is still being worked on then is given up.
    until: Instant,
}

impl Session {
    /// Opens a session for so long, and asks whether the cluster understands the words of a plan as they are meant.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or understands them otherwise.
    pub fn open(address: &str, limit: Duration) -> Result<Self, SieveError> {
        // The client would try for minutes.
        reach(address)?;
        let builder = ChannelBuilder::parse(address).map_err(told)?;
        let mut client = block_on(SparkConnectClient::connect(&builder)).map_err(told)?;
        client.set_retry_policy(RetryPolicy { max_retries: Some(TRIES), ..RetryPolicy::default() });
        let session = Self { client, until: Instant::now() + limit };
        if let Err(error) = block_on(session.client.set_config(PARTS.0, PARTS.1)) {
            tracing::debug!("the cluster divides files as it likes: {error}");
        }
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
    /// When the cluster cannot be reached or refuses, or the session's time is over.
    pub fn ask(&self, statement: &str) -> Result<Answer, SieveError> {
        let left = self.until.saturating_duration_since(Instant::now());
        block_on(async {
            let over = |_| Err(SieveError::Cluster("it took longer than `engine.limit` says".to_owned()));
            timeout(left, self.answer(statement)).await.unwrap_or_else(over)
        })
    }

    /// An answer is whole when the cluster says so, and not when its stream ends: Spark ends each one after two minutes,
    /// or after a gibibyte, and expects to be asked for the rest. `DataFrame::collect` of the client, as of 4.2.0, takes
    /// such an end for the end of the answer.
    async fn answer(&self, statement: &str) -> Result<Answer, SieveError> {
        let execution = Execution::new(self.request(statement));
        let mut answer = Answer::new();
        let mut stream = Some(self.client.execute_plan(execution.request().clone()).await.map_err(told)?);
        let mut tries = 0;
        while !execution.is_completed().await {
            let Some(open) = &mut stream else {
                sleep(FIRST_PAUSE * 2_u32.pow(tries)).await;
                match self.client.reattach_execute(execution.create_reattach_request().await).await {
                    Ok(again) => stream = Some(again),
                    Err(error) if tries < TRIES && is_unavailable(&error) => tries += 1,
                    Err(error) => return Err(told(error)),
                }
                continue;
            };
            match open.message().await {
                Ok(Some(response)) => {
                    tries = 0;
                    execution.set_last_response_id(&response).await;
                    if let Some(ResponseType::ArrowBatch(batch)) = response.response_type {
                        take(&batch, &mut answer)?;
                    }
                }
                Ok(None) => stream = None,
                Err(status) if tries < TRIES && RetryPolicy::default().can_retry(&status) => {
                    (stream, tries) = (None, tries + 1);
                }
                Err(status) => return Err(told(SparkError::from_grpc_status(status))),
            }
        }
        // What the cluster keeps of the answer is not asked for again.
        if let Err(error) = self.client.release_execute(execution.create_release_request(true).await).await {
            tracing::debug!("the cluster keeps an answer until the session ends: {error}");
        }
        Ok(answer)
    }

    fn request(&self, statement: &str) -> ExecutePlanRequest {
        let user_id = self.client.user_id().unwrap_or_default().to_owned();
        let query = Sql { query: statement.to_owned(), ..Sql::default() };
        let root = Relation { rel_type: Some(RelType::Sql(query)), ..Relation::default() };
        ExecutePlanRequest {
            session_id: self.client.session_id().to_owned(),
            user_context: Some(UserContext { user_id, ..UserContext::default() }),
            plan: Some(Plan { op_type: Some(OpType::Root(root)) }),
            ..ExecutePlanRequest::default()
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let released = block_on(async { timeout(CONNECT, self.client.release_session()).await });
        match released {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("the session with the cluster is left to end by itself: {error}"),
            Err(_) => tracing::debug!("the session with the cluster is left to end by itself: no answer"),
        }
    }
}

/// The rows of one piece of an answer, which must be the next one.
fn take(batch: &ArrowBatch, answer: &mut Answer) -> Result<(), SieveError> {
    let wrong = |error: ArrowError| SieveError::Answer(format!("rows that cannot be read: {error}"));
    let known = i64::try_from(answer.len()).unwrap_or(i64::MAX);
    if let Some(offset) = batch.start_offset.filter(|offset| *offset != known) {
        return Err(SieveError::Answer(format!("rows from {offset} on, where {known} have come")));
    }
    if batch.data.is_empty() {
        return Ok(());
    }
    for rows in StreamReader::try_new(&batch.data[..], None).map_err(wrong)? {
        texts(&rows.map_err(wrong)?, answer).map_err(wrong)?;
    }
    Ok(())
}

fn texts(rows: &RecordBatch, answer: &mut Answer) -> Result<(), ArrowError> {
    let columns = rows.columns().iter().map(|column| cast(column, &DataType::Utf8)).collect::<Result<Vec<_>, _>>()?;
    let value = |column: &arrow::array::ArrayRef, row: usize| {
        let texts = column.as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    answer.extend((0..rows.num_rows()).map(|row| columns.iter().map(|column| value(column, row)).collect()));
    Ok(())
}

/// gRPC's `UNAVAILABLE`.
fn is_unavailable(error: &SparkError) -> bool {
    error.grpc_code == Some(14)
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped to it")]
fn told(error: SparkError) -> SieveError {
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
