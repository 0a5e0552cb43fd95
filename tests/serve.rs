//! `tieout serve` and `tieout due` as processes, over local files.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};

use crate::schedule_plan::job_text;
use crate::support::backfill_project::runs_of_job;
use crate::support::project::TestProject;

/// Fires every minute: the last complete day is due at once.
const ALWAYS: &str = "{cron: \"* * * * *\"}";

/// Today, by the clock of this machine: the day may end while a test runs, so files of today are there as well.
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// A project with files of the last days for every job.
fn project(jobs: &[(&str, &str)]) -> TestProject {
    let project = TestProject::empty();
    for (name, schedule) in jobs {
        project.write(&format!("jobs/{name}.yaml"), job_text(name, "day", schedule));
    }
    for back in 0..5 {
        let day = today() - Days::new(back);
        for side in ["file", "ledger"] {
            project.write(&format!("data/{side}-{day}.csv"), "id,amount\na,1.00\n");
        }
    }
    project
}

fn yesterday_is_done(project: &TestProject, job: &str) -> bool {
    let done = runs_of_job(project, job);
    done.iter().any(|(label, runs)| *label >= (today() - Days::new(1)).to_string() && runs.contains(&"done".to_owned()))
}

#[test]
fn once_runs_what_is_due_and_ends() {
    let project = project(&[("first", ALWAYS), ("second", "{cron: \"* * * * *\", after: [first]}")]);
    let due = project.run(&["due", "--format", "csv"]).ended_with(0);
    assert!(due.stdout.contains("first,") && due.stdout.contains(",run,"), "{}", due.stdout);
    assert!(due.stdout.contains(",blocked,") && due.stdout.contains("waits for first"), "{}", due.stdout);
    project.run(&["serve", "--once"]).ended_with(0);
    assert!(yesterday_is_done(&project, "first") && yesterday_is_done(&project, "second"));
    let again = project.run(&["serve", "--once"]).ended_with(0);
    assert!(!again.stderr.contains("begins"), "{}", again.stderr);
}

#[test]
fn once_ends_with_the_most_serious_code_of_its_runs() {
    let project = project(&[("first", ALWAYS), ("second", ALWAYS)]);
    for back in 0..3 {
        project.write(&format!("data/ledger-{}.csv", today() - Days::new(back)), "id,sum\na,1.00\n");
    }
    project.write("jobs/second.yaml", job_text("second", "day", ALWAYS).replace("ledger-", "file-"));
    let ended = project.run(&["serve", "--once"]).ended_with(65);
    assert!(ended.stderr.contains("first") && ended.stderr.contains("ended with 65"), "{}", ended.stderr);
    assert!(yesterday_is_done(&project, "second"), "the other job has its turn");
    let due = project.run(&["due", "first", "--format", "csv"]).ended_with(0);
    assert!(due.stdout.contains("failed (65)"), "{}", due.stdout);
}

#[test]
fn the_time_for_which_it_was_scheduled_says_what_auto_is() {
    let project = project(&[("first", ALWAYS)]);
    let day = today() - Days::new(3);
    let at = format!("{}T00:30:00Z", day + Days::new(1));
    project.run(&["run", "first", "--period", "auto", "--scheduled-at", &at]).ended_with(0);
    assert_eq!(runs_of_job(&project, "first").into_keys().collect::<Vec<_>>(), [day.to_string()]);
}

/// A scheduler under way, with what it has said.
struct Served {
    process: Child,
    lines: Receiver<String>,
    said: String,
}

impl Served {
    fn start(project: &TestProject) -> Self {
        let mut process = project.command(&["serve"]).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (send, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { process, lines, said: String::new() }
    }

    /// Reads on until a line holds the text.
    #[track_caller]
    fn until(&mut self, text: &str) {
        loop {
            let Ok(line) = self.lines.recv_timeout(Duration::from_secs(100)) else {
                panic!("no {text:?} in\n{}", self.said);
            };
            self.said = format!("{}{line}\n", self.said);
            if line.contains(text) {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

#[test]
fn jobs_are_read_again_on_a_signal_and_a_wrong_file_stops_nobody() {
    let project = project(&[("first", ALWAYS)]);
    project.write("jobs/wrong.yaml", "job: wrong\nperiod: 7\n");
    let mut served = Served::start(&project);
    served.until("wrong.yaml");
    served.until("first");
    served.until("ended with 0");
    project.write("jobs/second.yaml", job_text("second", "day", ALWAYS));
    project.write("jobs/first.yaml", "job: first\nperiod: {grain: century, timezone: UTC}\n");
    served.signal("-HUP");
    served.until("first.yaml");
    served.until("2 jobs");
    served.until("second");
    served.until("ended with 0");
    served.signal("-TERM");
    served.until("stopping on SIGTERM");
    assert_eq!(served.process.wait().unwrap().code(), Some(0), "{}", served.said);
    assert!(yesterday_is_done(&project, "first") && yesterday_is_done(&project, "second"));
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
