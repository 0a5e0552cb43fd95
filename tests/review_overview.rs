//! The first page: jobs and their periods as calendars, and what waits for people.

use crate::support::effect_project;
use crate::support::pages::{Pages, text};
use crate::support::project::{DAY, TestProject, job, ledger_rows};

/// The calendar's fields of a page: address (or nothing), class and words.
fn cells(page: &str) -> Vec<(String, String, String)> {
    let field = |part: &str, name: &str| {
        let value = part.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
        value.map_or_else(String::new, |(value, _)| value.to_owned())
    };
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find("class=\"cell ") {
        let part = &rest[rest[..at].rfind('<').unwrap()..];
        let (tag, after) = part.split_once('>').unwrap();
        let inner = after.split("</td>").next().unwrap().split("</li>").next().unwrap();
        found.push((field(tag, "href"), field(tag, "class"), text(&format!("<main>{inner}"))));
        rest = after;
    }
    found
}

/// A day that finds breaks, one that fails, one that was killed, and one that ties out and is sealed.
fn four_days() -> TestProject {
    let project = TestProject::empty();
    let local = "job: rewards\nperiod: {grain: day, timezone: UTC}\ninputs:\n  file:\n    path: \"file-{period}.csv\"\n    \
                 columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}\n  \
                 ledger:\n    path: \"ledger-{period}.csv\"\n    \
                 columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}\n\
                 match:\n  compare: {amount: {tolerance: 0}, currency: exact}\n";
    project.write("jobs/rewards.yaml", local);
    for day in ["2025-03-19", "2025-03-21", "2025-03-22"] {
        // Files of two days with the same bytes would be taken for a repeated delivery.
        let rows = format!("id,amount,currency,at\nt-1,10.00,USD,{day}T01:00:00Z\n");
        project.write(&format!("data/file-{day}.csv"), &rows);
        project.write(&format!("data/ledger-{day}.csv"), &rows);
    }
    project.write("data/ledger-2025-03-19.csv", ledger_rows());
    let run = |day: &str| project.run(&["run", "rewards", "--period", day]);
    run("2025-03-19").ended_with(0);
    run("2025-03-20").ended_with(75);
    let mut killed = project.command(&["run", "rewards", "--period", "2025-03-21"]);
    assert!(!killed.env("TIEOUT_KILL_BEFORE", "matched").output().unwrap().status.success());
    run("2025-03-22").ended_with(0);
    let seal = ["seal", "rewards", "--period", "2025-03-22", "--reason", "signed off", "--by", "Mara Lind"];
    project.run(&seal).ended_with(0);
    project
}

#[test]
fn each_period_shows_its_state_in_words_and_leads_to_its_last_attempt() {
    let project = four_days();
    let pages = Pages::of(&project);
    // Without a month: the last one with runs, whatever day it is today.
    let page = pages.page("/");
    let cells = cells(&page);
    assert_eq!(cells.len(), 31, "a field a day of March");
    let wanted = [
        (18, "/runs/rewards/2025-03-19/1", "cell s-mind", "2025-03-19 2 breaks"),
        (19, "/runs/rewards/2025-03-20/1", "cell s-bad", "2025-03-20 failed"),
        (20, "/runs/rewards/2025-03-21/1", "cell s-busy", "2025-03-21 running"),
        (21, "/runs/rewards/2025-03-22/1", "cell s-good", "2025-03-22 ties out, sealed"),
        (22, "", "cell s-none", "2025-03-23"),
    ];
    for (place, href, class, words) in wanted {
        let (found_href, found_class, found_words) = &cells[place];
        assert_eq!((found_href.as_str(), found_class.as_str(), found_words.as_str()), (href, class, words));
    }
    // The first of March 2025 was a Saturday.
    let first = page.split("<tbody>").nth(1).unwrap_or_default().split("2025-03-</span>1<").next().unwrap_or_default();
    assert_eq!(first.matches("<td class=\"out\">").count(), 5);
    assert!(page.contains("href=\"/?month=2025-02\" rel=\"prev\""));
    assert!(page.contains("href=\"/?month=2025-04\" rel=\"next\""));
    assert!(
        text(&page).contains("0 effects to approve 0 effects in doubt 1 period failed rewards 2025-03-20"),
        "{}",
        text(&page)
    );

    project.run(&["run", "rewards", "--period", "2025-03-21"]).ended_with(0);
    let again = pages.page("/?month=2025-03");
    assert!(again.contains("href=\"/runs/rewards/2025-03-21/2\""), "the last attempt");
}

#[test]
fn a_month_can_be_asked_for_and_what_is_no_month_is_refused() {
    let project = four_days();
    let pages = Pages::of(&project);
    let february = pages.page("/?month=2025-02");
    assert_eq!(cells(&february).len(), 28);
    assert!(cells(&february).iter().all(|(href, class, _)| href.is_empty() && class == "cell s-none"));
    for wrong in ["2025-13", "2025-3", "03-2025", "%3Cscript%3E", "2025-03-19"] {
        let reply = pages.get(&format!("/?month={wrong}"));
        assert_eq!(reply.status, 400, "{wrong}");
        assert!(!reply.body.contains("<script>"), "{wrong}");
    }
}

#[test]
fn a_monthly_job_shows_a_year_and_a_job_that_never_ran_is_named() {
    let project = TestProject::empty();
    let text_of = |name: &str, grain: &str| {
        format!(
            "job: {name}\nperiod: {{grain: {grain}, timezone: UTC}}\ninputs:\n  file:\n    path: \"file-{{period}}.csv\"\n    \
             columns: {{transaction_id: id, amount: amount, currency: currency}}\n  ledger:\n    path: \
             \"ledger-{{period}}.csv\"\n    columns: {{transaction_id: id, amount: amount, currency: currency}}\n\
             match:\n  compare: {{amount: {{tolerance: 0}}}}\n"
        )
    };
    project.write("jobs/monthly.yaml", text_of("monthly", "month"));
    project.write("jobs/idle.yaml", text_of("idle", "day"));
    for side in ["file", "ledger"] {
        project.write(&format!("data/{side}-2025-02.csv"), "id,amount,currency\nt-1,1000,USD\n");
    }
    project.run(&["run", "monthly", "--period", "2025-02"]).ended_with(0);
    let page = Pages::of(&project).page("/");
    let cells = cells(&page);
    assert_eq!(page.matches("class=\"cell ").count(), 12, "a field a month");
    assert_eq!(cells[1].0, "/runs/monthly/2025-02/1");
    assert_eq!(cells[1].2, "2025-Feb ties out");
    assert!(text(&page).contains("Never run, and nothing due: idle."), "{}", text(&page));
}

#[test]
fn what_waits_for_people_is_counted_and_leads_there() {
    let effects = "  provider_audit: {for: [amount_mismatch, missing_in_file], approval: required}\n";
    let project = effect_project::project(effects, "");
    project.run_day(&[]);
    let waiting = effect_project::states(&project).values().filter(|state| *state == "proposed").count();
    let page = Pages::of(&project).page("/");
    assert!(page.contains("href=\"/effects\"") && page.contains("href=\"/in-doubt\""));
    assert!(page.contains(&format!("href=\"/runs/rewards/{DAY}\"")), "the period whose plan waits");
    assert!(waiting > 0 && text(&page).contains(&format!("{waiting} effect")), "{waiting}: {}", text(&page));
}

#[test]
fn a_description_of_a_job_is_shown_and_not_obeyed() {
    let project = TestProject::small();
    let hostile = job(&[("job", "description: \"<script>alert(1)</script>\"")]);
    project.write("jobs/rewards.yaml", hostile);
    project.run_day(&[]).ended_with(0);
    let page = Pages::of(&project).page("/");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<script>"));
}
