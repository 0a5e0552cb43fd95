//! `tieout notify`: tries the channels; and what every command that runs jobs does for those who watch.

use chrono::Utc;

use super::Context;
use crate::cli::NotifyCommand;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::load_all;
use crate::journal::Journal;
use crate::notify::desk::Desk;
use crate::notify::send::send;
use crate::notify::{Counts, Matter, Notice, NoticeEvent, words};
use crate::ops::push;
use crate::output::{Cell, Rows};
use crate::period::Period;
use crate::project::Project;
use crate::schedule::plan::Planner;
use crate::schedule::{histories, late};

/// What stands for the job and its period in a test.
const TEST_JOB: &str = "test";
const TEST_PERIOD: &str = "2025-03-19";

/// Sends the test messages, and says what was answered.
///
/// # Errors
/// When there is no such channel.
pub async fn run(mut context: Context, command: NotifyCommand) -> Result<ExitCode, Failure> {
    let NotifyCommand::Test { channel: named, event } = command;
    let notify = &context.load_project()?.notify;
    if notify.channels.is_empty() {
        let message = "tieout.yaml names no channel; name one below `notify: channels:`, or leave --sandbox out";
        return Err(Failure::new(ExitCode::Configuration, anyhow::Error::msg(message)));
    }
    if let Some(name) = named.as_ref().filter(|name| !notify.channels.contains_key(*name)) {
        let known: Vec<&str> = notify.channels.keys().map(String::as_str).collect();
        let message = format!("no channel is called `{name}`; {}", crate::config::did_you_mean(name, &known));
        return Err(Failure::new(ExitCode::Usage, anyhow::Error::msg(message)));
    }
    let mut rows = Rows::new(&["channel", "taken", "answer"]).whole();
    let mut all = true;
    for (name, channel) in
        notify.channels.iter().filter(|(name, _)| named.as_ref().is_none_or(|wanted| wanted == *name))
    {
        let now = Utc::now();
        let notice = test_notice(name, event, notify.link.as_deref(), now);
        let (taken, answer) = match send(channel, &notice, now).await {
            Ok(said) => (true, said),
            Err(error) => (false, format!("{:#}", anyhow::Error::new(error))),
        };
        all &= taken;
        rows.push(vec![Cell::text(name), Cell::Flag(taken), Cell::text(answer)]);
    }
    context.output.rows(&rows)?;
    Ok(if all { ExitCode::Done } else { ExitCode::Unexpected })
}

fn test_notice(channel: &str, event: NoticeEvent, link: Option<&str>, at: chrono::DateTime<Utc>) -> Notice {
    let id = crate::digest::sha256(format!("test {channel} {at:?}").as_bytes())[..32].to_owned();
    let told = format!("Nothing is the matter: somebody tries the channel {channel} with `tieout notify test`.");
    Notice {
        id,
        at,
        job: TEST_JOB.to_owned(),
        period: TEST_PERIOD.to_owned(),
        attempt: Some(1),
        exit_code: None,
        matters: vec![Matter { event, lines: vec![told] }],
        figures: Counts::default(),
        link: link.map(|template| words::link(template, TEST_JOB, TEST_PERIOD, Some(1))),
        test: true,
    }
}

/// After a run of a job: people are told, and the metrics go where they are wanted.
pub(super) async fn after_run(
    project: &Project,
    journal: &Journal,
    (job, period): (&Job, &Period),
    failure: Option<&Failure>,
) {
    let desk = Desk { journal, notify: &project.notify };
    tell_late(&desk, project, job).await;
    desk.run_ended(job, period, failure).await;
    push::after_run(&project.metrics, journal, job).await;
}

/// After a run that failed before its job was known.
pub(super) async fn not_begun(project: &Project, (job, period): (&str, &str), failure: &Failure) {
    if project.notify.channels.is_empty() {
        return;
    }
    match Journal::open(&project.state).await {
        Ok(journal) => {
            Desk { journal: &journal, notify: &project.notify }.not_begun(job, period, failure).await;
            if let Err(error) = journal.close().await {
                tracing::warn!("{error}");
            }
        }
        Err(error) => tracing::warn!("nobody is notified: {error}"),
    }
}

/// Other periods of the job may be late: where nothing but cron starts runs, nobody else would notice.
async fn tell_late(desk: &Desk<'_>, project: &Project, job: &Job) {
    if project.notify.channels.is_empty() || job.schedule.is_none() {
        return;
    }
    let now = Utc::now();
    let (jobs, _) = load_all(project);
    match histories(Some(desk.journal), jobs, now).await {
        Ok(jobs) => {
            let due = Planner { jobs: &jobs, now, watched_since: None }.due();
            for (name, alarms) in late::alarms(&jobs, &due, project.notify.late_after, now) {
                if name == job.name {
                    desk.late(&name, alarms).await;
                }
            }
        }
        Err(error) => tracing::warn!("whether periods are late is not known: {error}"),
    }
}
