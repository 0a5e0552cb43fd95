//! What is told when an input that a database is asked for is written wrong.

use crate::support::project::{TestProject, job};

/// The small job whose ledger is this, with this in the project file; gives all that `tieout validate` says.
fn told(ledger: &str, databases: &str) -> String {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", job(&[]).replace("path: \"ledger-{period}.csv*\"", ledger));
    project.write("queries/ledger.sql", "SELECT 1 AS id");
    let written = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("{written}{databases}"));
    let said = project.run(&["validate"]);
    let lines = said.stderr.lines().chain(said.stdout.lines());
    lines.filter(|line| line.contains(".yaml:") && !line.contains("valid")).collect::<Vec<_>>().join("\n")
}

const BOOKS: &str = "databases:\n  books: postgres://reader@db.internal/books?sslmode=verify-full\n";

#[test]
fn an_input_of_a_database_is_right() {
    assert_eq!(told("postgres: books\n    query: queries/ledger.sql", BOOKS), "");
}

#[test]
fn mistakes_of_the_input_are_told_with_their_place() {
    let cases = [
        ("postgres: books", BOOKS, "missing key `query`"),
        ("query: queries/ledger.sql", BOOKS, "`query` belongs to a database, and no `postgres` names one"),
        ("postgres: boks\n    query: queries/ledger.sql", BOOKS, "no database is called `boks`"),
        ("postgres: books\n    query: queries/none.sql", BOOKS, "cannot read the query queries/none.sql: No such file"),
        ("postgres: books\n    query: ../ledger.sql", BOOKS, "`../ledger.sql` is not below the project folder"),
        (
            "postgres: books\n    query: queries/ledger.sql\n    format: json",
            BOOKS,
            "`format` has no meaning beside `postgres`, whose rows have names and text of their own",
        ),
        ("postgres: books\n    query: queries/ledger.sql\n    path: a.csv", BOOKS, "`path` has no meaning beside"),
    ];
    for (ledger, databases, expected) in cases {
        let said = told(ledger, databases);
        assert!(said.contains(expected) && said.contains("jobs/rewards.yaml:"), "{ledger}: {said}");
    }
}

#[test]
fn mistakes_of_the_database_are_told_and_no_password_is_repeated() {
    let ledger = "postgres: books\n    query: queries/ledger.sql";
    let cases = [
        ("postgres://reader:hunter2@db/books", "`books` holds a password; a secret never stands in this file"),
        ("mysql://db/books", "`books`: the address of the database begins with `mysql:`; expected postgres://"),
        ("postgres://db", "the address names no database"),
        ("postgres://db/books?sslmode=maybe", "`sslmode` of the address is `maybe`"),
        ("{env: 1BOOKS}", "`env` is no name of an environment variable"),
    ];
    for (books, expected) in cases {
        let said = told(ledger, &format!("databases:\n  books: {books}\n"));
        assert!(said.contains(expected) && said.contains("tieout.yaml:"), "{books}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
