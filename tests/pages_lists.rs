//! Lists on the pages, over a real port, made from real runs: breaks, effects, doubts, the journal, transactions.

use std::collections::{BTreeSet, HashMap};

use tieout::digest::sha256;
use tieout::review::access::Role;

use crate::support::effect_project;
use crate::support::project::{DAY, TestProject, job, rows, settled};
use crate::support::read_pages::ReadPages;

const RUN: &str = "/runs/rewards-daily/2025-03-19/1";

/// A row of `breaks.csv`, by the names of its columns.
type CsvRow = HashMap<String, String>;
type Passes = fn(&CsvRow) -> bool;

/// The shipped day, run once.
fn shipped() -> TestProject {
    let project = TestProject::shipped("");
    project.run(&["run", "rewards-daily", "--period", DAY]).ended_with(0);
    project
}

/// Every break of `breaks.csv`, by the names of its columns.
fn recounted(project: &TestProject) -> Vec<CsvRow> {
    let bytes = project.read("runs/rewards-daily/2025-03-19/1/breaks.csv");
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    reader.deserialize().map(|row| row.expect("a row of breaks.csv")).collect()
}

/// The ids of the breaks that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    let before = format!("href=\"{RUN}/breaks/");
    page.split(&before).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_filter_lists_what_a_plain_count_of_breaks_csv_finds() {
    let project = shipped();
    let pages = ReadPages::of(&project, None);
    let all = recounted(&project);
    assert!(all.len() > 10 && all.len() <= 100, "{}", all.len());
    let table: [(&str, Passes); 14] = [
        ("", |_| true),
        ("?kind=&status=&q=", |_| true),
        ("?kind=reward_missing", |row| row["kind"] == "reward_missing"),
        ("?status=open", |row| row["status"] == "open"),
        ("?status=waiting", |row| ["open", "suggested", "confirmed", "in_dispute"].contains(&&*row["status"])),
        ("?status=written_off", |row| row["status"] == "written_off"),
        ("?currency=USD", |row| row["currency"] == "USD"),
        ("?owner=-", |row| row["owner"].is_empty()),
        ("?owner=nobody-known", |_| false),
        ("?min=20", |row| !row["currency"].is_empty() && row["at_risk"].parse::<f64>().is_ok_and(|risk| risk >= 20.0)),
        ("?min=0.001", |row| row["at_risk"].parse::<f64>().is_ok_and(|risk| risk > 0.0)),
        ("?age_from=1", |row| row["age_days"].parse::<i64>().is_ok_and(|days| days >= 1)),
        ("?age_from=0&age_to=0", |row| row["age_days"] == "0"),
        ("?q=0&kind=amount_mismatch", |row| {
            (row["key"].starts_with('0') || row["id"].starts_with('0')) && row["kind"] == "amount_mismatch"
        }),
    ];
    for (asked, passes) in table {
        let page = pages.page(&format!("{RUN}/breaks{asked}"));
        let expected: Vec<String> = all.iter().filter(|row| passes(row)).map(|row| row["id"].clone()).collect();
        assert_eq!(listed(&page), expected, "{asked}");
    }
    // A whole key, and the first digits of an id.
    for row in &all {
        let id = &row["id"][..6];
        assert!(listed(&pages.page(&format!("{RUN}/breaks?q={id}"))).contains(&row["id"]), "{id}");
    }
    let dearest = listed(&pages.page(&format!("{RUN}/breaks?sort=at_risk&dir=desc")));
    let risk = |id: &String| {
        let row = all.iter().find(|row| row["id"] == *id).expect("a break of the run");
        row["at_risk"].replace('.', "").parse::<i64>().unwrap_or(-1)
    };
    assert!(dearest.iter().map(risk).is_sorted_by(|one, other| one >= other), "{dearest:?}");
    assert_eq!(dearest.len(), all.len());
}

#[test]
fn a_filter_that_cannot_be_understood_is_refused_in_words() {
    let project = shipped();
    let pages = ReadPages::of(&project, None);
    for (asked, words) in [
        ("status=gone", "`status` is `gone`; it can be waiting, open"),
        ("sort=colour", "`sort` is `colour`"),
        ("dir=up", "`dir` is `up`; it can be asc, desc."),
        ("min=much", "`min` is `much`, which is no amount"),
        ("age_to=old", "`age_to` is `old`, which is no whole number of days."),
        ("page=-1", "`page` is `-1`, which is no whole number"),
    ] {
        let reply = pages.get(&format!("{RUN}/breaks?{asked}"));
        assert_eq!(reply.status, 400, "{asked}");
        assert!(reply.text().contains(words), "{asked}: {}", reply.text());
    }
    assert_eq!(pages.get("/runs/rewards-daily/2025-03-19/7/breaks").status, 404);
    assert_eq!(pages.get("/runs/none/2025-03-19/1/effects").status, 404);
}

#[test]
fn a_break_shows_its_sides_its_rows_as_received_and_what_became_of_it() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let pages = ReadPages::of(&project, None);
    let list = pages.page(&format!("/runs/rewards/{DAY}/1/breaks?kind=amount_mismatch"));
    let id = list.split("/breaks/").nth(1).and_then(|rest| rest.split('"').next()).expect("a link").to_owned();
    let text = "seen <b>twice</b>";
    project.run(&["breaks", "comment", &id, "--text", text, "--by", "Mara Lind"]).ended_with(0);
    project.run(&["breaks", "write-off", &id, "--reason", "too small", "--by", "Mara Lind"]).ended_with(0);
    let page = pages.page(&format!("/runs/rewards/{DAY}/1/breaks/{id}"));
    for words in [
        "Amount mismatch: t-2",
        "The transaction amounts differ by more than the tolerance.",
        "USD 20.50",
        "USD 20.05",
        "<td>differs</td>",
        "amount: 20.50",
        "amount: 20.05",
        "seen &lt;b&gt;twice&lt;/b&gt;",
        "written off: too small",
        "(the run said: open)",
        "the role admin",
        "<dt>Stands</dt>",
    ] {
        assert!(page.contains(words), "no {words:?} in\n{page}");
    }
    assert!(!page.contains("method=\"post\""), "nobody has signed in");
    let list = pages.page(&format!("/runs/rewards/{DAY}/1/breaks"));
    assert!(list.contains("now written off"), "{list}");
    let found = pages.get(&format!("/breaks/{id}"));
    assert_eq!((found.status, found.header("location")), (303, &*format!("/runs/rewards/{DAY}/1/breaks/{id}")));
    assert_eq!(pages.get("/breaks/0123456789abcdef").status, 404);
    assert_eq!(pages.get(&format!("/runs/rewards/{DAY}/1/breaks/0123456789abcdef")).status, 404);
    // Whoever may is offered what is possible now, and nothing else.
    let page = ReadPages::of(&project, Some(Role::Admin)).page(&format!("/runs/rewards/{DAY}/1/breaks/{id}"));
    let posts: Vec<&str> =
        page.split("method=\"post\" action=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(posts, ["/sign-out".to_owned(), format!("/breaks/{id}/comment"), format!("/breaks/{id}/reopen")]);
    // What the journal knows outlives the run's files.
    std::fs::remove_dir_all(project.path(&format!("runs/rewards/{DAY}/1"))).expect("the run's folder");
    let page = pages.page(&format!("/runs/rewards/{DAY}/1/breaks/{id}"));
    assert!(page.contains("not kept any more") && page.contains("written off: too small"), "{page}");
    assert!(pages.page(&format!("/runs/rewards/{DAY}/1/breaks")).contains("not kept any more"));
}

#[test]
fn text_of_others_stays_text_on_every_page() {
    const EVIL: &str = "<script>alert(1)</script>";
    let quoted = "\"><img src=x onerror=alert(2)>";
    let project = TestProject::new(&[settled(&rows(&[&format!("{EVIL},10.00,USD,2025-03-19T01:00:00Z")]))], "");
    project.write("jobs/rewards.yaml", job(&[]));
    let ledger = format!("\"{}\",7.00,USD,2025-03-19T04:00:00Z", quoted.replace('"', "\"\""));
    project.write("data/ledger-2025-03-19.csv", rows(&[&ledger]));
    project.run_day(&[]).ended_with(0);
    let pages = ReadPages::of(&project, Some(Role::Admin));
    let list = pages.page(&format!("/runs/rewards/{DAY}/1/breaks"));
    let ids: BTreeSet<&str> = list.split("/1/breaks/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), 2, "{list}");
    let mut looked = vec![list.clone(), pages.page("/journal")];
    looked.extend(ids.iter().map(|id| pages.page(&format!("/runs/rewards/{DAY}/1/breaks/{id}"))));
    for id in ["%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E"] {
        looked.push(pages.page(&format!("/transactions?id={id}")));
        looked.push(pages.page(&format!("/runs/rewards/{DAY}/1/breaks?q={id}&owner={id}&kind={id}")));
        looked.push(pages.page(&format!("/effects?job={id}")));
        for unknown in [format!("/breaks/{id}"), format!("/effects/{id}"), format!("/runs/{id}/{id}/1/breaks")] {
            let reply = pages.get(&unknown);
            assert_eq!(reply.status, 404, "{unknown}");
            looked.push(reply.text());
        }
    }
    for page in looked {
        assert!(!page.contains(EVIL) && !page.contains("<img"), "{page}");
    }
}

#[test]
fn the_call_that_is_shown_is_byte_for_byte_the_one_that_is_sent() {
    let asked = "  provider_audit: {for: [amount_mismatch, missing_in_file]}\n";
    let project = effect_project::project(&[effect_project::FAST, asked].concat(), "");
    project.run_day(&[]).ended_with(0);
    let run = format!("/runs/rewards/{DAY}/1");
    let pages = ReadPages::of(&project, Some(Role::Reviewer));
    let page = pages.page(&format!("{run}/effects"));
    assert!(page.contains("4 effects wait") && page.contains("/users/u-1/audits") && page.contains("Bearer (a token"));
    assert_eq!(page.matches("name=\"effect\"").count(), 4);
    assert!(page.contains(&format!("formaction=\"{run}/effects/reject\"")) && page.contains("name=\"plan\""), "{page}");
    let calls: Vec<&str> = page.split("/effects/calls/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let shown: BTreeSet<String> = calls
        .iter()
        .map(|call| {
            let reply = pages.get(&format!("{run}/effects/calls/{call}"));
            let digest = sha256(&reply.bytes);
            assert_eq!((reply.status, reply.header("etag")), (200, &*format!("\"{digest}\"")));
            assert!(page.contains(&digest), "the page names the digest of the exact bytes");
            digest
        })
        .collect();
    assert_eq!(shown.len(), 3, "one call a user");
    let id = format!("rewards/{DAY}/1");
    project.run(&["approve", "--all", "--run", &id, "--comment", "seen", "--by", "Mara Lind"]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    let listed = project.run(&["effects", "rewards", "--format", "json"]).ended_with(0);
    let effects: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).expect("a list");
    let sent: BTreeSet<String> = effects
        .iter()
        .map(|effect| {
            let page = pages.page(&format!("/effects/{}", effect["effect"].as_str().expect("an id")));
            let digest = page.split("sha256 <span class=\"id\">").nth(1).and_then(|rest| rest.split('<').next());
            assert!(page.contains("approved plan") && page.contains("Mara Lind"), "{page}");
            digest.expect("what was sent").to_owned()
        })
        .collect();
    assert_eq!(sent, shown);
    assert!(pages.page(&format!("{run}/effects")).contains("0 effects wait"));
    let listed = pages.page("/effects?state=acknowledged");
    assert!(listed.contains("4 effects") && pages.page("/effects").contains("0 effects"), "{listed}");
}

#[test]
fn a_doubt_says_what_to_ask_and_what_each_decision_means() {
    let asked = [effect_project::FAST, effect_project::AUDITS].concat();
    let project = effect_project::project(&asked, "  - {on: audits, nth: every, do: {status: 503}}\n");
    project.run_day(&[]);
    let doubts = effect_project::states(&project).values().filter(|state| *state == "in_doubt").count();
    assert!(doubts > 0, "{:?}", effect_project::states(&project));
    let page = ReadPages::of(&project, Some(Role::Reviewer)).page("/in-doubt");
    for words in [
        "Ask Kard: ",
        "is there an audit",
        "The provider has it",
        "at the risk that the provider then has it twice",
        "/resolve\"",
    ] {
        assert_eq!(page.matches(words).count(), doubts, "{words} in\n{page}");
    }
    let page = ReadPages::of(&project, Some(Role::Preparer)).page("/in-doubt");
    assert!(!page.contains("/resolve\"") && page.contains("takes the role reviewer"), "{page}");
}

#[test]
fn the_pages_of_the_journal_hold_every_entry_once_the_latest_first() {
    let project = shipped();
    let exported = project.run(&["journal", "export"]).ended_with(0).stdout;
    let hashes: Vec<String> = exported
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("a line")["hash"]
                .as_str()
                .expect("a hash")
                .to_owned()
        })
        .collect();
    let pages = ReadPages::of(&project, None);
    let mut found = Vec::new();
    let mut next = Some("/journal".to_owned());
    while let Some(href) = next {
        let page = pages.page(&href);
        assert!(page.contains(hashes.last().expect("an entry")), "the head is named on every page");
        found.extend(
            page.split("<td class=\"id\" title=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned),
        );
        let earlier = page
            .split("<a href=\"/journal?before=")
            .find(|rest| rest.contains("rel=\"next\">Earlier") && rest.find("rel=\"next\"") < rest.find('>'));
        next = earlier.and_then(|rest| rest.split('"').next()).map(|before| format!("/journal?before={before}"));
    }
    found.reverse();
    assert_eq!(found, hashes);
    assert_eq!(pages.get("/journal?before=soon").status, 400);
}

#[test]
fn the_story_of_a_transaction_is_told_with_its_rows_and_breaks() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let pages = ReadPages::of(&project, None);
    let page = pages.page("/transactions?id=t-2");
    for words in
        ["Looked for <strong><bdi>t-2</bdi></strong> in 2 files", "20.50", "20.05", "amount mismatch", "/breaks/"]
    {
        assert!(page.contains(words), "no {words:?} in\n{page}");
    }
    assert!(pages.page("/transactions?id=t-9").contains("Nothing that runs have kept knows this transaction."));
    assert!(!pages.page("/transactions").contains("Looked for"));
    std::fs::remove_file(project.path("jobs/rewards.yaml")).expect("the job file");
    assert!(pages.page("/transactions?id=t-2").contains("Not looked into, the story may be longer"));
}
