//! A ledger that is read from a `PostgreSQL` database: `postgres:` and `query:` of an input. The tests need a server:
//! `.ci/postgres`.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Value;
use tieout::job::Grain;
use tieout::period::Period;
use tieout::postgres::Address;
use tieout::sources::query::Query;
use tieout::sources::store::RawStore;
use tokio::runtime::Runtime;

use crate::support::postgres::{Server, shared};
use crate::support::project::{DAY, SMALL_BREAKS, TestProject, file_rows, job, settled};

/// The ledger of the small job, as a table; the last row is of the day before, the first of the day after.
const LEDGER: &str = "
CREATE TABLE ledger (id text PRIMARY KEY, amount numeric(12, 2), currency char(3), at timestamptz, note text);
INSERT INTO ledger VALUES
  ('t-9', 1.00, 'USD', '2025-03-20T00:00:00Z', 'the end is not part of the period'),
  ('t-4', 7.00, 'USD', '2025-03-19T04:00:00Z', NULL),
  ('t-2', 20.05, 'USD', '2025-03-19T02:00:00Z', ''),
  ('t-1', 10.00, 'USD', '2025-03-18T21:00:00-04', 'a \"quoted\", note' || chr(10) || 'of two lines'),
  ('t-8', 1.00, 'USD', '2025-03-18T23:59:59.999999Z', NULL);";

const QUERY: &str = "SELECT id, amount, currency, at FROM ledger WHERE at >= $1 AND at < $2; ";

fn wait<T>(work: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(work)
}

/// The small job, its ledger in a database of its own; gives the database's name.
fn project(sql: &str, query: &str, more: &[(&str, &str)]) -> (TestProject, String) {
    let project = TestProject::new(&[settled(&file_rows())], "");
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    let text = job(more).replace("path: \"ledger-{period}.csv*\"", "postgres: books\n    query: queries/ledger.sql");
    project.write("jobs/rewards.yaml", text);
    project.write("queries/ledger.sql", query);
    let database = wait(async {
        let database = shared().database().await;
        shared().sql(&database, sql).await;
        database
    });
    project.write("books.url", shared().address(&database));
    let written = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("{written}databases:\n  books: {{file: books.url}}\n"));
    (project, database)
}

fn small_breaks() -> Vec<[String; 4]> {
    SMALL_BREAKS.map(|found| found.map(str::to_owned)).to_vec()
}

/// Name → digest and rows of the inputs of a run.
fn inputs(project: &TestProject, run: &str) -> BTreeMap<String, (String, u64)> {
    let shown = project.run(&["runs", "show", run, "--format", "json"]).ended_with(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let inputs = shown["inputs"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    inputs
        .map(|input| (text(&input["file"]["name"]), (text(&input["file"]["sha256"]), input["rows"].as_u64().unwrap())))
        .collect()
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_ledger_in_a_database_gives_the_breaks_of_the_same_rows_in_a_file() {
    let (project, database) = project(LEDGER, QUERY, &[]);
    let told = project.run_day(&[]).ended_with(0);
    assert_eq!(project.breaks("rewards/2025-03-19/1"), small_breaks());
    assert!(!told.stdout.contains("quarantined"), "{}", told.stdout);
    // What was read is a file that anybody can read.
    let first = inputs(&project, "rewards/2025-03-19/1");
    let (digest, rows) = &first["queries/ledger.sql"];
    assert_eq!(*rows, 3);
    let stored = project.read(&format!("runs/rewards/{DAY}/raw/sha256-{digest}"));
    assert_eq!(
        String::from_utf8(stored).unwrap(),
        "id,amount,currency,at\nt-1,10.00,USD,2025-03-19T01:00:00.000000Z\nt-2,20.05,USD,2025-03-19T02:00:00.000000Z\n\
         t-4,7.00,USD,2025-03-19T04:00:00.000000Z\n"
    );
    // The same rows in another order are the same bytes; a row that is booked later is a changed file.
    let again = "CREATE TABLE other AS SELECT * FROM ledger ORDER BY id DESC; DROP TABLE ledger; ALTER TABLE other RENAME TO ledger;";
    wait(shared().sql(&database, again));
    project.run_day(&[]).ended_with(0);
    assert_eq!(inputs(&project, "rewards/2025-03-19/2"), first);
    wait(shared().sql(&database, "INSERT INTO ledger VALUES ('t-3', 5.25, 'USD', '2025-03-19T03:00:00Z')"));
    project.run_day(&[]).ended_with(0);
    let kinds: Vec<String> = project.breaks("rewards/2025-03-19/3").into_iter().map(|found| found[1].clone()).collect();
    assert_eq!(kinds, ["file_changed", "amount_mismatch", "missing_in_file"]);
    // Offline the answer of before counts; the database need not be there.
    project.write("books.url", "postgres://nobody@127.0.0.1:9/books");
    project.run_day(&["--offline"]).ended_with(0);
    assert_eq!(inputs(&project, "rewards/2025-03-19/4"), inputs(&project, "rewards/2025-03-19/3"));
    let html = String::from_utf8(project.read("runs/rewards/2025-03-19/3/report.html")).unwrap();
    assert!(html.contains("database books, query of digest "));
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn dates_and_times_without_a_zone_are_those_of_the_jobs_zone() {
    // In New York the day begins at 04:00 UTC.
    let sql = "CREATE TABLE ledger (id text, amount numeric(12, 2), currency text, booked_on date, at timestamp);
        INSERT INTO ledger VALUES ('t-1', 10.00, 'USD', '2025-03-19', '2025-03-19T00:00:00'),
        ('t-2', 20.50, 'USD', '2025-03-19', '2025-03-19T23:59:59.999'),
        ('t-0', 1.00, 'USD', '2025-03-18', '2025-03-18T23:59:59'), ('t-9', 1.00, 'USD', '2025-03-20', '2025-03-20T00:00:00');";
    let by_date = "SELECT id, amount, currency, at AT TIME ZONE 'America/New_York' AS at FROM ledger WHERE booked_on >= $1 AND booked_on < $2";
    let by_label = by_date.replace("booked_on >= $1 AND booked_on < $2", "booked_on = $3::date");
    let by_time = by_date.replace("booked_on", "at");
    for query in [by_date, &by_label, &by_time] {
        let (project, _) = project(sql, query, &[]);
        let text = String::from_utf8(project.read("jobs/rewards.yaml")).unwrap();
        project.write("jobs/rewards.yaml", text.replace("timezone: UTC", "timezone: America/New_York"));
        project.run_day(&[]).ended_with(0);
        let (digest, rows) = inputs(&project, "rewards/2025-03-19/1").remove("queries/ledger.sql").unwrap();
        assert_eq!(rows, 2, "{query}");
        let stored = project.read(&format!("runs/rewards/{DAY}/raw/sha256-{digest}"));
        let stored = String::from_utf8(stored).unwrap();
        assert!(stored.ends_with("t-2,20.50,USD,2025-03-20T03:59:59.999000Z\n"), "{stored}");
    }
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn values_are_the_servers_own_text_to_the_last_digit() {
    let query = "SELECT 'w-' || n AS id, amount, 'USD' AS currency, $1 AS at, note FROM (VALUES
        (1, 12345678901234567890.1200000001::numeric, 'line one' || chr(10) || 'two, \"quoted\"'),
        (2, -0.10, NULL), (3, 1e3, ''), (4, 'NaN', 'ünïcode ✓')) AS v (n, amount, note) -- ends in a comment";
    let (project, _) = project("SELECT 1", query, &[("ledger", "quarantine: 9")]);
    project.run_day(&[]).ended_with(0);
    let (digest, rows) = inputs(&project, "rewards/2025-03-19/1").remove("queries/ledger.sql").unwrap();
    assert_eq!(rows, 4);
    let stored = String::from_utf8(project.read(&format!("runs/rewards/{DAY}/raw/sha256-{digest}"))).unwrap();
    let at = "2025-03-19T00:00:00.000000Z";
    assert_eq!(
        stored,
        format!(
            "id,amount,currency,at,note\nw-1,12345678901234567890.1200000001,USD,{at},\"line one\ntwo, \"\"quoted\"\"\"\n\
             w-2,-0.10,USD,{at},\nw-3,1000,USD,{at},\nw-4,NaN,USD,{at},ünïcode ✓\n"
        )
    );
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_query_changes_nothing() {
    let sql = format!(
        "{LEDGER} CREATE FUNCTION book() RETURNS text LANGUAGE sql AS $$ INSERT INTO ledger (id) VALUES ('new') RETURNING id $$;"
    );
    let query = "SELECT book() AS id, 1.00 AS amount, 'USD' AS currency, $1 AS at";
    let (project, database) = project(&sql, query, &[]);
    let told = project.run_day(&[]).ended_with(78);
    assert!(told.error().contains("is read-only (cannot execute INSERT in a read-only transaction)"), "{told:?}");
    let many = wait(async {
        let mut connection = shared().connect(&database).await;
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ledger").fetch_one(&mut connection).await.unwrap()
    });
    assert_eq!(many, 5);
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn an_answer_without_rows_is_an_input_that_is_not_there_unless_that_is_fine() {
    let query = QUERY.replace("WHERE", "WHERE id = 'none' AND");
    let (project, _) = project(LEDGER, &query, &[]);
    let told = project.run_day(&[]).ended_with(75);
    assert!(told.error().contains("books queries/ledger.sql"), "{told:?}");
    let (project, _) = self::project(LEDGER, &query, &[("ledger", "allow_empty: true")]);
    project.run_day(&[]).ended_with(0);
    let kinds: Vec<String> = project.breaks("rewards/2025-03-19/1").into_iter().map(|found| found[1].clone()).collect();
    assert_eq!(kinds, ["missing_in_ledger"; 3]);
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn what_is_wrong_with_a_query_or_its_database_is_told() {
    let server: &Server = shared();
    let at = format!("postgres://postgres@127.0.0.1:{}", server.port);
    let in_job = |database: &str| format!("database books of inputs.ledger: the query {database}");
    let cases = [
        ("SELECT idd FROM ledger", 78, "column \"idd\" does not exist"),
        ("SELEC id FROM ledger", 78, "syntax error at or near \"SELEC\""),
        ("SELECT id FROM ledgers", 78, "relation \"ledgers\" does not exist"),
        ("SELECT id, amount::float8 AS amount FROM ledger", 78, "column `amount` is of type float8, which holds no"),
        ("SELECT id, currency AS id FROM ledger", 78, "gives two columns called `id`; name each once, with AS"),
        ("SELECT id FROM ledger WHERE note = $4", 78, "has 4 parameters; there are three: $1 and $2"),
        ("  \n", 78, "queries/ledger.sql is empty; expected one SELECT"),
        ("SELECT 1 / (amount - amount) AS id FROM ledger", 78, "division by zero"),
        ("INSERT INTO ledger (id) VALUES ('x') RETURNING id", 78, "syntax error"),
    ];
    for (query, code, said) in cases {
        let (project, _) = project(LEDGER, query, &[]);
        let told = project.run_day(&[]).ended_with(code);
        assert!(told.error().contains(said), "{query}: {}", told.error());
        assert!(project.listing("runs").iter().all(|name| !name.contains(".tmp-")), "nothing half-written stays");
    }
    let (project, database) = project(LEDGER, QUERY, &[]);
    let wrong = server.address(&database).replace("only%20of", "not%20of");
    project.write("books.url", wrong);
    let told = project.run_day(&[]).ended_with(77);
    let said = told.error();
    assert!(said.contains(&in_job("queries/ledger.sql")), "{said}");
    assert!(
        said.contains(&format!("{at}/{database} refuses this user or password (password authentication failed")),
        "{said}"
    );
    assert!(!said.contains("not%20of") && !said.contains("not of"), "{said}");
    project.write("books.url", server.address("nowhere"));
    assert!(project.run_day(&[]).ended_with(78).error().contains("database \"nowhere\" does not exist"));
    project.write("books.url", "postgres://postgres@127.0.0.1:9/books");
    assert!(
        project.run_day(&[]).ended_with(69).error().contains("no connection to postgres://postgres@127.0.0.1:9/books")
    );
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_big_answer_is_complete_and_each_row_stands_once() {
    let query = "SELECT 'k-' || lpad(n::text, 7, '0') AS id, (n % 1000)::numeric / 100 AS amount, 'USD' AS currency,
        $1 + n * interval '1 millisecond' AS at FROM generate_series(1, 200000) AS n";
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("ledger.sql"), query).unwrap();
    let query = Query::read(folder.path(), "books", "ledger.sql").unwrap();
    let (store, period) = (RawStore::open(folder.path().join("raw")).unwrap(), Period::parse(DAY, Grain::Day, Tz::UTC));
    let file = wait(async {
        let address = shared().address(&shared().database().await);
        let address = Address::parse(&address, folder.path()).unwrap();
        query.pull(&address, &period.unwrap(), false, &store).await.unwrap().unwrap()
    });
    let mut lines = csv::Reader::from_path(&file.stored).unwrap();
    let mut next = 0;
    for record in lines.records() {
        next += 1;
        assert_eq!(record.unwrap()[0], format!("k-{next:07}"));
    }
    assert_eq!(next, 200_000);
}
