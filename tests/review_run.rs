//! The page of one run, on real runs of the shipped samples and of small ones.

use serde_json::Value;

use crate::support::pages::{Pages, text};
use crate::support::project::{DAY, TestProject, job, ledger_rows};

/// `1,234.50`
fn grouped(minor: i128, decimals: usize) -> String {
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    if decimals > 0 { format!("{sign}{text}.{part}") } else { format!("{sign}{text}") }
}

/// Every number of a summary as a page must show it, with where it stands. What identifies or is shown in sums alone is
/// left out.
fn numbers(value: &Value, path: &str, currency: &str, currencies: &Value, found: &mut Vec<(String, String)>) {
    const NOT_SHOWN: [&str; 6] = ["currencies", "by_age", "by_kind", "first", "anchor", "run"];
    match value {
        Value::Object(map) => {
            let currency = map.get("currency").and_then(Value::as_str).unwrap_or(currency);
            for (key, value) in map.iter().filter(|(key, _)| !NOT_SHOWN.contains(&key.as_str())) {
                let path = format!("{path}.{key}");
                // A parcel's size stands there in words.
                if path == ".sent.bytes" || path.starts_with(".warnings") {
                    continue;
                }
                match (key.ends_with("_minor"), value.as_str()) {
                    (true, Some(minor)) => {
                        let decimals = usize::try_from(currencies[currency].as_u64().unwrap()).unwrap();
                        found.push((path, grouped(minor.parse().unwrap(), decimals)));
                    }
                    _ => numbers(value, &path, currency, currencies, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| numbers(value, path, currency, currencies, found)),
        Value::Number(number) => found.push((path.to_owned(), grouped(number.as_i64().unwrap().into(), 0))),
        _ => {}
    }
}

/// Whether a number stands in the text by itself.
fn stands_in(text: &str, number: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    text.match_indices(number).any(|(place, _)| {
        let before = text[..place].chars().next_back().is_some_and(is_part);
        let mut after = text[place + number.len()..].chars();
        let ends = match after.next() {
            Some('.' | ',') => !after.next().is_some_and(|c| c.is_ascii_digit()),
            next => !next.is_some_and(|c| c.is_ascii_digit()),
        };
        !before && ends
    })
}

#[track_caller]
fn says_every_number(project: &TestProject, run: &str) -> String {
    let summary = project.summary(run);
    let page = Pages::of(project).page(&format!("/runs/{run}"));
    let text = text(&page);
    let mut wanted = Vec::new();
    numbers(&summary, "", "", &summary["currencies"], &mut wanted);
    assert!(wanted.len() > 40, "{}", wanted.len());
    let missing: Vec<_> = wanted.iter().filter(|(_, number)| !stands_in(&text, number)).collect();
    assert!(missing.is_empty(), "{missing:?}\n{text}");
    for kind in summary["breaks"]["by_kind"].as_array().unwrap() {
        let name = kind["kind"].as_str().unwrap();
        let shown = format!(" {} {} ", name.replace('_', " "), grouped(kind["count"].as_i64().unwrap().into(), 0));
        assert!(text.contains(&shown), "{shown}\n{text}");
        assert!(page.contains(&format!("/runs/{run}/breaks?kind={name}\"")), "{name}");
    }
    let ages = summary["breaks"]["by_age"].as_array().cloned().unwrap_or_default();
    let open: i64 = ages.iter().map(|age| age["count"].as_i64().unwrap()).sum();
    assert_eq!(open, summary["breaks"]["open"].as_i64().unwrap(), "every open break has an age");
    page
}

#[test]
fn the_page_of_a_comparison_says_every_number_of_its_summary() {
    let project = TestProject::shipped("");
    project.run(&["run", "rewards-daily", "--period", DAY]);
    let run = format!("rewards-daily/{DAY}/1");
    let page = says_every_number(&project, &run);
    let summary = project.summary(&run);
    let headline = summary["verdict"]["headline"].as_str().unwrap();
    assert!(text(&page).contains(headline), "{headline}");
    for sentence in summary["verdict"]["sentences"].as_array().unwrap() {
        assert!(text(&page).contains(sentence.as_str().unwrap()), "{sentence}");
    }
    for input in summary["inputs"].as_array().unwrap() {
        let digest = input["sha256"].as_str().unwrap();
        assert!(text(&page).contains(digest), "{digest}");
        assert!(!page.contains(&format!("inputs/{digest}")), "nobody has signed in, and inputs are not for everybody");
    }
    for entry in std::fs::read_dir(project.path(&format!("runs/{run}"))).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("href=\"/runs/{run}/files/{name}\"")), "{name}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
    assert!(!page.contains(" style=\"") && !page.contains(" onclick"), "the policy forbids both");
}

#[test]
fn the_page_of_a_job_that_sends_says_every_number_of_its_summary() {
    let mut project = TestProject::shipped("");
    project.serve_telling("");
    project.run(&["run", "core-upload", "--period", DAY]);
    let page = says_every_number(&project, &format!("core-upload/{DAY}/1"));
    assert!(text(&page).contains("Parcels by kind, and what became of them"));
}

#[test]
fn the_most_at_risk_stand_first_and_the_trend_tells_the_periods_before() {
    let project = TestProject::shipped("");
    for day in [DAY, "2025-03-20"] {
        project.run(&["run", "rewards-daily", "--period", day]);
    }
    let page = Pages::of(&project).page("/runs/rewards-daily/2025-03-20/1");
    let shown = text(&page);
    assert!(shown.contains("The last 2 periods"), "{shown}");
    let numbers = page.split("aria-label=\"Periods in numbers\"").nth(1).unwrap().split("</table>").next().unwrap();
    let periods: Vec<&str> = numbers.split("<a href=\"").skip(1).map(|link| link.split('"').next().unwrap()).collect();
    assert_eq!(periods, ["/runs/rewards-daily/2025-03-20", "/runs/rewards-daily/2025-03-19"], "the latest first");
    let top = page.split("id=\"top\"").nth(1).unwrap().split("</table>").next().unwrap();
    let amounts: Vec<i128> = top
        .split("<td class=\"n\"><bdi>USD ")
        .skip(1)
        .map(|cell| cell.split('<').next().unwrap().replace([',', '.'], "").parse().unwrap())
        .collect();
    assert!((1..=10).contains(&amounts.len()) && amounts.is_sorted_by(|one, next| one >= next), "{amounts:?}");
    let mut at_risk: Vec<i128> = Vec::new();
    let csv = String::from_utf8(project.read("runs/rewards-daily/2025-03-20/1/breaks.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let column = |name: &str| heads.iter().position(|head| head == name).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        if ["open", "confirmed", "in_dispute"].contains(&&row[column("status")]) {
            at_risk.extend(row[column("at_risk")].replace('.', "").parse::<i128>());
        }
    }
    assert_eq!(amounts.first(), at_risk.iter().max());
}

#[test]
fn a_run_that_failed_was_killed_or_goes_on_says_so() {
    let project = TestProject::small();
    project.run(&["run", "rewards", "--period", "2025-03-20", "--attempt-note", "too <b>early</b>"]).ended_with(75);
    let mut killed = project.command(&["run", "rewards", "--period", DAY]);
    assert!(!killed.env("TIEOUT_KILL_BEFORE", "matched").output().unwrap().status.success());
    let pages = Pages::of(&project);
    let failed = pages.page("/runs/rewards/2025-03-20/1");
    let told = text(&failed);
    assert!(told.contains("with exit code 75") && told.contains("has left no report"), "{told}");
    assert!(told.contains("Note: too <b>early</b>") && !failed.contains("<b>early"), "{told}");
    let running = text(&pages.page(&format!("/runs/rewards/{DAY}/1")));
    assert!(running.contains("The run has begun and not ended."), "{running}");
    assert!(running.contains(" normalized ") && running.contains("SHA-256"), "what it did until then: {running}");
    project.run_day(&[]).ended_with(0);
    let stopped = text(&pages.page(&format!("/runs/rewards/{DAY}/1")));
    assert!(
        stopped.contains("Interrupted") && stopped.contains("A later attempt is there: attempt 2, done."),
        "{stopped}"
    );
    let period = pages.get(&format!("/runs/rewards/{DAY}"));
    assert_eq!((period.status, period.headers["location"].as_str()), (303, "/runs/rewards/2025-03-19/2"));
}

#[test]
fn a_report_that_was_removed_or_is_of_before_is_told_as_far_as_it_goes() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let folder = format!("runs/rewards/{DAY}/1");
    let run = format!("/runs/rewards/{DAY}/1");
    let pages = Pages::of(&project);
    // A report of before says neither tone nor headline, nor ages.
    let mut summary = project.summary(&format!("rewards/{DAY}/1"));
    for field in ["tone", "headline", "sentences"] {
        assert!(summary["verdict"].as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    assert!(summary["breaks"].as_object_mut().unwrap().remove("by_age").is_some());
    project.write(&format!("{folder}/summary.json"), summary.to_string());
    let old = pages.page(&run);
    assert!(text(&old).contains("Ties out with 3 breaks to review"), "{}", text(&old));
    assert!(old.contains("class=\"verdict review\"") && !text(&old).contains("Open breaks by age"));
    // Some of its files are gone, and the list says why.
    std::fs::remove_file(project.path(&format!("{folder}/breaks.parquet"))).ok();
    let removed = r#"{"removed":[{"name":"1/report.html","bytes":2048,"sha256":"ab12","removed_at":"2026-04-01T00:00:00Z","removed_by":"gc <i>"}]}"#;
    project.write(&format!("runs/rewards/{DAY}/removed.json"), removed);
    let some = pages.page(&run);
    assert!(text(&some).contains("report.html, 2.0 kB, on 2026-04-01 by gc <i>; SHA-256 ab12"), "{}", text(&some));
    assert!(!some.contains("files/report.html\"") || project.path(&format!("{folder}/report.html")).exists());
    std::fs::remove_dir_all(project.path(&folder)).unwrap();
    let gone = text(&pages.page(&run));
    assert!(gone.contains("The report is not here") && gone.contains("It had found 3 breaks."), "{gone}");
    assert!(gone.contains("SHA-256"), "the inputs stand in the journal: {gone}");
}

#[test]
fn names_and_keys_of_others_are_shown_and_not_obeyed() {
    let project = TestProject::small();
    let hostile = job(&[]).replace("ledger-{period}.csv*", "ledger-{period}*.csv");
    project.write("jobs/rewards.yaml", hostile);
    std::fs::remove_file(project.path(&format!("data/ledger-{DAY}.csv"))).unwrap();
    let mut rows = ledger_rows();
    rows.extend_from_slice(b"\"<script>alert(2)</script>\",999.00,USD,2025-03-19T05:00:00Z\n");
    project.write(&format!("data/ledger-{DAY}<script>alert(1).csv"), rows);
    project.run_day(&["--attempt-note", "<script>alert(3)</script>"]).ended_with(0);
    let page = Pages::of(&project).page(&format!("/runs/rewards/{DAY}/1"));
    for number in 1..=3 {
        assert!(page.contains(&format!("&lt;script&gt;alert({number})")), "{number}");
    }
    assert!(!page.contains("<script>"));
}

#[test]
fn what_is_not_there_is_not_found_and_every_page_forbids_what_it_does_not_need() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let pages = Pages::of(&project);
    for path in [
        "/runs/rewards/2025-03-19/2",
        "/runs/rewards/2025-03-19/01",
        "/runs/rewards/2025-03-19/1%2F..",
        "/runs/rewards/2025-03-18",
        "/runs/nothing/2025-03-19/1",
        "/runs/..%2F..%2Fetc/passwd/1",
        "/runs/%3Cscript%3E/2025-03-19/1",
    ] {
        let reply = pages.get(path);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        assert!(!reply.body.contains("<script>"), "{path}");
    }
    let reply = pages.get(&format!("/runs/rewards/{DAY}/1"));
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert!(reply.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    for (before, kind) in [
        ("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("<script src=\"", "text/javascript; charset=utf-8"),
    ] {
        let address = reply.body.split(before).nth(1).unwrap().split('"').next().unwrap();
        let named = pages.get(address);
        assert_eq!((named.status, named.headers["content-type"].as_str()), (200, kind));
        assert_eq!(named.headers["cache-control"], "public, max-age=31536000, immutable");
        let bare = pages.get(address.split('?').next().unwrap());
        assert_eq!((bare.status, bare.headers["cache-control"].as_str()), (200, "no-cache"));
    }
}
