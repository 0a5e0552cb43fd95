//! What is told of many periods: a backfill in one notice, and the schedule's late ones.

use chrono::{Days, NaiveDate, Utc};

use crate::schedule_plan::job_text;
use crate::support::http_listener::HttpListener;
use crate::support::project::TestProject;
use crate::support::watched::{KEY, add, hook, told, verified};

const GOOD: &str = "id,amount\na,1.00\n";
const BAD: &str = "id,sum\na,1.00\n";

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn project(listener: &HttpListener, schedule: &str, more: &str) -> TestProject {
    let project = TestProject::empty();
    project.write("jobs/daily.yaml", job_text("daily", "day", schedule));
    add(&project, &(hook(listener, "") + more));
    project
}

fn write_day(project: &TestProject, day: &str, ledger: &str) {
    // The same bytes under another name would be a file that repeats.
    let of_day = |text: &str| text.replace("a,", &format!("a-{day},"));
    project.write(&format!("data/file-{day}.csv"), of_day(GOOD));
    project.write(&format!("data/ledger-{day}.csv"), of_day(ledger));
}

#[test]
fn a_backfill_is_told_in_one_notice_and_so_is_its_end() {
    let listener = HttpListener::start(&[]);
    let project = project(&listener, "{cron: \"0 9 * * *\", catchup: none}", "");
    for (day, ledger) in [("01", GOOD), ("02", BAD), ("03", GOOD), ("04", BAD)] {
        write_day(&project, &format!("2025-03-{day}"), ledger);
    }
    let range = ["backfill", "daily", "--from", "2025-03-01", "--to", "2025-03-04", "--yes"];
    project.run(&range).ended_with(65);
    let posts = listener.take();
    let of_range: Vec<_> = posts.iter().map(|post| verified(post, KEY.as_bytes())).collect();
    assert_eq!(of_range.len(), 1, "{of_range:?}");
    assert_eq!((&of_range[0]["event"], &of_range[0]["period"]), (&"failed".into(), &"2025-03-01..2025-03-04".into()));
    let text = of_range[0]["text"].as_str().unwrap();
    assert!(text.contains("2 periods:\n2025-03-02: exit code 65\n2025-03-04: exit code 65\n"), "{text}");
    let again = [&range[..], &["--reprocess", "failed"]].concat();
    project.run(&again).ended_with(65);
    assert_eq!(told(&listener), []);
    for day in ["02", "04"] {
        write_day(&project, &format!("2025-03-{day}"), GOOD);
    }
    project.run(&again).ended_with(0);
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["event"], &notice["period"]), (&"resolved".into(), &"2025-03-02..2025-03-04".into()));
    let text = notice["text"].as_str().unwrap();
    assert!(text.contains("2025-03-02: no longer failed\n2025-03-04: no longer failed\n"), "{text}");
}

#[test]
fn a_period_that_is_not_finished_in_time_is_told_once_by_the_scheduler_and_then_resolved() {
    let listener = HttpListener::start(&[]);
    let project = project(&listener, "{cron: \"* * * * *\"}", "  late_after: 1s\n");
    project.run(&["serve", "--once"]);
    let yesterday = (today() - Days::new(1)).to_string();
    let late = vec![("late".to_owned(), yesterday.clone())];
    assert_eq!(told(&listener), late);
    project.run(&["serve", "--once"]);
    assert_eq!(told(&listener), []);
    // Another job file is a reason to try at once.
    for back in 0..3 {
        write_day(&project, &(today() - Days::new(back)).to_string(), GOOD);
    }
    project.write("jobs/daily.yaml", job_text("daily", "day", "{cron: \"* * * * *\"} # mended"));
    project.run(&["serve", "--once"]).ended_with(0);
    let resolved = vec![("resolved".to_owned(), yesterday)];
    assert_eq!(told(&listener), resolved);
}

#[test]
fn a_job_that_no_scheduler_can_run_is_told() {
    let listener = HttpListener::start(&[]);
    let project = project(&listener, "{cron: \"* * * * *\"}", "");
    project.write("jobs/daily.yaml", "job: daily\nperiod: 7\n");
    for _ in 0..2 {
        project.run(&["serve", "--once"]).ended_with(0);
    }
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["job"], &notice["exit_code"]), (&"daily".into(), &78.into()));
}

#[test]
fn where_only_cron_starts_runs_the_next_run_tells_that_another_period_is_late() {
    let listener = HttpListener::start(&[]);
    let project = project(&listener, "{cron: \"* * * * *\"}", "  late_after: 1s\n");
    let day = (today() - Days::new(7)).to_string();
    write_day(&project, &day, GOOD);
    project.run(&["run", "daily", "--period", &day]).ended_with(0);
    let yesterday = (today() - Days::new(1)).to_string();
    assert_eq!(told(&listener), [("late".to_owned(), yesterday)]);
}
