//! APIs by configuration: every way in and every way of paging against a strict server, and what is told when it goes
//! wrong.

use std::path::Path;

use tempfile::TempDir;
use tieout::exit::{ExitCode, Failure};
use tieout::job::Grain;
use tieout::period::Period;
use tieout::project::Project;
use tieout::providers::{Ask, Asked, Fetched, RowWriter};
use tieout::sandbox::{FaultPlan, HTTP_API_KEY, Options, Sandbox};
use tieout::sources::Origin;
use tieout::sources::store::RawStore;

/// A sandbox whose API has 25 movements of one day and one of the next.
struct Rig {
    folder: TempDir,
    sandbox: Sandbox,
}

const BEARER: &str = "bearer: {file: key}";
const BASIC: &str = "basic: {username: {file: id}, password: {file: secret}}";
const API_KEY: &str = "api_key: {header: X-Api-Key, value: {file: key}}";

const CURSOR: &str = "{cursor: {from: meta.next_cursor, parameter: cursor}}";
const PAGE: &str = "{page: {parameter: page, size_parameter: per_page, size: 7}}";

impl Rig {
    async fn new(faults: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("samples/kard/files.json", "{\"files\": []}");
        let row = |number: u64, day: u64| {
            format!("{{\"id\": \"m-{number}\", \"at\": \"2025-03-{day}T12:00:00Z\", \"amount\": {number}.10}}")
        };
        let rows: Vec<String> = (1..=25).map(|number| row(number, 19)).chain([row(26, 20)]).collect();
        write("samples/http_api/movements.json", &format!("[{}]", rows.join(",\n")));
        for (name, text) in [("key", HTTP_API_KEY), ("id", "sandbox-client"), ("secret", "sandbox-secret")] {
            write(name, text);
        }
        let mut options = Options::new(folder.path().join("samples/kard"));
        options.faults = FaultPlan::parse(faults, Path::new("faults.yaml")).unwrap();
        let sandbox = Sandbox::start(options).await.unwrap();
        Self { folder, sandbox }
    }

    fn oauth2(&self) -> String {
        let token_url = format!("{}/http_api/token", self.sandbox.base_url);
        format!(
            "oauth2: {{token_url: \"{token_url}\", client_id: {{file: id}}, client_secret: {{file: secret}}, scope: read}}"
        )
    }

    /// Asks an API that is written so for its dataset `rows`.
    async fn ask(
        &self,
        auth: &str,
        dataset: &str,
        more: &str,
        ids: &[&str],
    ) -> Result<(Vec<String>, Fetched), Failure> {
        let text = format!(
            "providers:\n  api:\n    type: http\n    base_url: \"{}/http_api\"\n    auth: {{{auth}}}\n    datasets:\n      \
             rows: {dataset}\n    http: {{attempts: 3, first_delay: 1ms, max_delay: 5ms}}\n{more}",
            self.sandbox.base_url
        );
        std::fs::write(self.folder.path().join("tieout.yaml"), &text).unwrap();
        let project = Project::load(self.folder.path()).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        fetch(&project, self.folder.path(), ids).await
    }

    async fn list(&self, auth: &str, path: &str, rows: &str, paging: &str) -> Result<(Vec<String>, Fetched), Failure> {
        let dataset = format!("{{path: \"{path}?from={{from}}&to={{to}}\", rows: \"{rows}\", paging: {paging}}}");
        self.ask(auth, &dataset, "", &[]).await
    }

    /// Calls of a path that the server has seen.
    fn calls(&self, path: &str) -> usize {
        self.sandbox.received().iter().filter(|call| call.path == path).count()
    }
}

async fn fetch(project: &Project, folder: &Path, ids: &[&str]) -> Result<(Vec<String>, Fetched), Failure> {
    let period = Period::parse("2025-03-19", Grain::Day, chrono_tz::UTC).unwrap();
    let ids: Vec<Asked> = ids.iter().map(|id| Asked { id: (*id).to_owned(), with: Vec::new() }).collect();
    let ask = Ask { dataset: "rows", period: &period, ids: &ids };
    let store = RawStore::open(folder.join("raw")).unwrap();
    let mut rows = RowWriter::new(store.begin().unwrap());
    let fetched = project.providers["api"].any().fetch(&ask, &mut rows).await?;
    let raw = rows.into_file().finish("rows".to_owned(), Origin::Path { path: "rows".to_owned() }).unwrap();
    let text = std::fs::read_to_string(store.find(&raw.sha256).unwrap()).unwrap();
    Ok((text.lines().map(str::to_owned).collect(), fetched))
}

/// The 25 rows of the day, digit by digit as the server writes them.
fn all() -> Vec<String> {
    let row = |number: u64| {
        format!("{{\"row\":{{\"amount\":{number}.1,\"at\":\"2025-03-19T12:00:00Z\",\"id\":\"m-{number}\"}}}}")
    };
    (1..=25).map(row).collect()
}

#[tokio::test]
async fn every_way_in_reads_every_row_once() {
    let rig = Rig::new("rules: []").await;
    let oauth2 = rig.oauth2();
    for (way, auth) in [("bearer", BEARER), ("basic", BASIC), ("api_key", API_KEY), ("oauth2", oauth2.as_str())] {
        let (rows, _) = rig.list(auth, &format!("/{way}/cursor/movements"), "data.items", CURSOR).await.unwrap();
        assert_eq!(rows, all(), "{way}");
    }
    // One token for three pages.
    assert_eq!(rig.calls("/http_api/token"), 1);
    assert_eq!(rig.calls("/http_api/oauth2/cursor/movements"), 3);
}

#[tokio::test]
async fn every_way_of_paging_reads_every_row_once() {
    let rig = Rig::new("rules: []").await;
    let cases = [
        ("cursor", "data.items", CURSOR, 3),
        ("page", "data.items", PAGE, 4),
        // Without a size the first empty page is the last one.
        ("page", "data.items", "{page: {parameter: page, first: 1}}", 4 + 4),
        ("link", "data.items", "{link: links.next}", 3),
        ("link_header", "", "{link_header: next}", 3),
    ];
    for (paging, at, written, calls) in cases {
        let (rows, _) = rig.list(BEARER, &format!("/bearer/{paging}/movements"), at, written).await.unwrap();
        assert_eq!(rows, all(), "{written}");
        assert_eq!(rig.calls(&format!("/http_api/bearer/{paging}/movements")), calls, "{written}");
    }
}

#[tokio::test]
async fn rows_are_asked_for_by_id_and_an_unknown_one_is_counted() {
    let rig = Rig::new("rules: []").await;
    let dataset = "{path: \"/bearer/by_id/movements/{id}\", rows: data, by_id: true}";
    let (rows, fetched) = rig.ask(BEARER, dataset, "", &["m-7", "m-99", "a/../b?c"]).await.unwrap();
    assert_eq!(rows, [r#"{"asked":{"id":"m-7"},"row":{"amount":7.1,"at":"2025-03-19T12:00:00Z","id":"m-7"}}"#]);
    assert_eq!(fetched.not_found, 2);
    // One segment, whatever the id holds.
    assert_eq!(rig.calls("/http_api/bearer/by_id/movements/a%2F..%2Fb%3Fc"), 1);
}

#[tokio::test]
async fn an_id_is_unknown_by_its_first_page_alone() {
    // The first page of the first id, and the second page of the second one.
    for (nth, unknown) in [(1, true), (2, false)] {
        let rig = Rig::new(&format!("rules: [{{on: http_api.list, nth: {nth}, do: {{status: 404}}}}]")).await;
        let dataset = format!(
            "{{path: \"/bearer/cursor/{{id}}?from={{from}}&to={{to}}\", rows: data.items, paging: {CURSOR}, by_id: true}}"
        );
        let asked = rig.ask(BEARER, &dataset, "", &["movements"]).await;
        if unknown {
            let (rows, fetched) = asked.unwrap();
            assert_eq!((rows.len(), fetched.not_found), (0, 1));
            continue;
        }
        let failure = asked.expect_err("a page in the middle of an id cannot be missing");
        let message = failure.to_string().replace(&rig.sandbox.base_url, "HOST");
        let told = "asking for rows of movements, page 2: GET HOST/http_api/bearer/cursor/movements failed after 1 \
                    attempt: status 404: ";
        assert!(message.starts_with(told), "{message}");
        assert_eq!(failure.code, ExitCode::Configuration);
    }
}

#[tokio::test]
async fn a_login_that_is_not_found_is_no_unknown_id() {
    let rig = Rig::new("rules: [{on: http_api.token, nth: every, do: {status: 404}}]").await;
    let dataset = "{path: \"/oauth2/by_id/movements/{id}\", rows: data, by_id: true}";
    let failure = rig.ask(&rig.oauth2(), dataset, "", &["m-7"]).await.expect_err("nobody was asked about the id");
    let message = failure.to_string().replace(&rig.sandbox.base_url, "HOST");
    assert!(
        message.starts_with("asking for rows of m-7: POST HOST/http_api/token failed after 1 attempt: "),
        "{message}"
    );
    assert_eq!(failure.code, ExitCode::Configuration);
}

#[tokio::test]
async fn a_limit_is_waited_for_before_it_is_hit() {
    let rig = Rig::new("rules: []").await;
    let dataset = "{path: \"/bearer/page/limited?from={from}&to={to}\", rows: data.items, paging: {page: {parameter: page, \
         size_parameter: per_page, size: 5}}}";
    let limits =
        "    rate_limit: {limit: X-RateLimit-Limit, remaining: X-RateLimit-Remaining, reset: X-RateLimit-Reset}\n";
    let (rows, _) = rig.ask(BEARER, dataset, limits, &[]).await.unwrap();
    assert_eq!(rows, all());
    let statuses: Vec<_> = rig.sandbox.received().iter().filter_map(|call| call.status).collect();
    assert!(statuses.len() >= 6 && statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// What ends in an error: the plan of faults, the way in, the path, the paging, the exit code and the words.
struct Case {
    faults: &'static str,
    auth: &'static str,
    path: &'static str,
    paging: &'static str,
    exit: ExitCode,
    told: &'static str,
}

const fn case(faults: &'static str, path: &'static str, exit: ExitCode, told: &'static str) -> Case {
    Case { faults, auth: BEARER, path, paging: CURSOR, exit, told }
}

const LIST: &str = "/bearer/cursor/movements";

const CASES: &[Case] = &[
    case(
        "rules: [{on: http_api.list, nth: every, do: {status: 503}}]",
        LIST,
        ExitCode::ProviderUnavailable,
        "asking for rows: GET HOST/http_api/bearer/cursor/movements failed after 3 attempts: status 503: ",
    ),
    case(
        "rules: [{on: http_api.list, nth: every, do: {status: 429, retry_after: 0}}]",
        LIST,
        ExitCode::ProviderUnavailable,
        "asking for rows: GET HOST/http_api/bearer/cursor/movements failed after 3 attempts: status 429: ",
    ),
    case(
        "rules: [{on: http_api.list, nth: every, do: reset_before}]",
        LIST,
        ExitCode::ProviderUnavailable,
        "asking for rows: GET HOST/http_api/bearer/cursor/movements failed after 3 attempts: ",
    ),
    case(
        "rules: [{on: http_api.list, nth: every, do: html_page}]",
        LIST,
        ExitCode::ProviderUnavailable,
        "asking for rows: GET HOST/http_api/bearer/cursor/movements failed after 3 attempts: status 200 with a web page",
    ),
    Case {
        auth: "bearer: {file: id}",
        ..case(
            "rules: []",
            LIST,
            ExitCode::CredentialsRefused,
            "asking for rows: GET HOST/http_api/bearer/cursor/movements failed after 1 attempt: status 401: ",
        )
    },
    case(
        "rules: []",
        "/bearer/repeat_cursor/movements",
        ExitCode::InputData,
        "asking for rows: page 3 is one that was read before; the list would never end",
    ),
    Case {
        paging: PAGE,
        ..case(
            "rules: []",
            "/bearer/repeat_page/movements",
            ExitCode::InputData,
            "asking for rows: page 2 is one that was read before; the list would never end",
        )
    },
    Case {
        paging: "{link: links.next}",
        ..case(
            "rules: []",
            "/bearer/foreign_link/movements",
            ExitCode::InputData,
            "asking for rows: the link to the next page leads to another host, where credentials must not go",
        )
    },
];

#[tokio::test]
async fn what_cannot_be_read_ends_with_its_exit_code_and_says_why() {
    for Case { faults, auth, path, paging, exit, told } in CASES {
        let rig = Rig::new(faults).await;
        let failure = rig.list(auth, path, "data.items", paging).await.expect_err(told);
        let message = failure.to_string().replace(&rig.sandbox.base_url, "HOST");
        assert!(message.starts_with(told), "{message}");
        assert_eq!(failure.code, *exit, "{message}");
        assert!(!message.contains(HTTP_API_KEY) && !message.contains("sandbox-secret"), "{message}");
    }
}

#[tokio::test]
async fn what_passes_is_overcome_and_every_row_is_read_once() {
    for fault in ["{status: 503}", "{status: 429, retry_after: 0}", "reset_before", "reset_after", "malformed_json"] {
        let rig = Rig::new(&format!("rules: [{{on: http_api.list, nth: 2, do: {fault}}}]")).await;
        let (rows, _) =
            rig.list(BEARER, LIST, "data.items", CURSOR).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(rows, all(), "{fault}");
    }
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_is_asked_for_anew() {
    let rig = Rig::new("rules: [{on: http_api.list, nth: 2, do: revoke_token}]").await;
    let oauth2 = rig.oauth2();
    let (rows, _) = rig.list(&oauth2, "/oauth2/cursor/movements", "data.items", CURSOR).await.unwrap();
    assert_eq!(rows, all());
    assert_eq!(rig.calls("/http_api/token"), 2);
}

#[tokio::test]
async fn rows_that_are_not_where_the_project_says_are_told_with_what_is_there() {
    let rig = Rig::new("rules: []").await;
    let told = |at: &'static str| {
        let rig = &rig;
        async move { rig.list(BEARER, LIST, at, CURSOR).await.expect_err(at).to_string() }
    };
    assert_eq!(
        told("data.rows").await,
        "asking for rows: the reply has nothing at `data.rows`; it has `data`, `meta`; correct `rows` of the dataset"
    );
    assert_eq!(told("data").await, "asking for rows: `data` is no array of rows; it has `data`, `meta`");
    assert_eq!(
        told("data.items.rows").await,
        "asking for rows: `data.items` is no object, and `data.items.rows` is looked for in it"
    );
}

const RIGHT: &str = "\
providers:
  api:
    type: http
    base_url: https://api.example.com
    auth: {bearer: {env: API_KEY}}
    datasets:
      rows: {path: \"/rows?from={from}\", rows: data, paging: {link: next}}
";

#[test]
fn mistakes_of_an_api_are_told_in_its_place() {
    let told = |text: &str| {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("tieout.yaml"), text).unwrap();
        match Project::load(folder.path()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(tieout::config::Problem::headline).collect::<Vec<_>>(),
        }
    };
    assert_eq!(told(RIGHT), Vec::<String>::new());
    let cases = [
        (
            "/rows?from={from}",
            "rows",
            "7:20: `rows` is no path below `base_url`; expected one such as /things?from={from}",
        ),
        (
            "/rows?from={from}",
            "/a/../rows",
            "7:20: `/a/../rows` steps out of its folder; expected a path without `.` and `..`",
        ),
        ("/rows?from={from}", "/rows?from={form}", "7:20: unknown placeholder `{form}`; did you mean `from`?"),
        ("/rows?from={from}", "/rows/{id}", "7:20: the path has an `{id}`; expected `by_id: true` beside it"),
        (
            "rows: data",
            "rows: data, by_id: true",
            "7:20: `by_id` is set, and the path has no `{id}` to put the ids into",
        ),
        ("{link: next}", "{link: \"\"}", "7:68: nothing is written here; expected a name"),
        (
            "{link: next}",
            "{page: {parameter: page, size: 10}}",
            "7:62: `size_parameter` and `size` belong together; expected both or neither",
        ),
        (
            "{bearer: {env: API_KEY}}",
            "{bearer: abc}",
            "5:20: `providers.api.auth.bearer` is written out; a secret never stands in this file; write {env: NAME} or {file: PATH}",
        ),
        (
            "{bearer: {env: API_KEY}}",
            "{api_key: {header: \"a b\", value: {env: API_KEY}}}",
            "5:30: `a b` is no name of a header; expected one such as X-Api-Key",
        ),
        (
            "https://api",
            "http://api",
            "4:15: `base_url` begins with http://; expected https://, since credentials pass over it",
        ),
    ];
    for (right, wrong, expected) in cases {
        assert!(RIGHT.contains(right), "{right}");
        assert_eq!(told(&RIGHT.replacen(right, wrong, 1)), [format!("tieout.yaml:{expected}")], "{wrong}");
    }
}
