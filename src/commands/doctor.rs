//! `tieout doctor`: can this machine run the project's jobs? One row a check, with what to do about it.

mod buckets;

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::{Context, doctor_databases, doctor_review, doctor_route, doctor_state};
use crate::config::Problems;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::load_all;
use crate::output::{Cell, Format, Rows, visible};
use crate::project::{NotifyConfig, Project, Secret};
use crate::providers::Provider;

/// A provider's signatures and tokens begin to fail when clocks are further apart than this.
pub const CLOCK_SKEW_LIMIT: TimeDelta = TimeDelta::seconds(30);

/// What one look at something came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub what: String,
    pub verdict: Verdict,
    /// What was found; never a secret's value.
    pub found: String,
    /// What to do about it; empty when nothing is to be done.
    pub to_do: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work; a run would end with this code.
    Fail(ExitCode),
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
        }
    }
}

/// What a provider said when it was asked for something small.
#[derive(Debug)]
pub enum Probe {
    /// It answered. The skew is our clock minus its clock, where it states one.
    Answered { clock_skew: Option<TimeDelta> },
    /// It refused the credentials.
    Refused(anyhow::Error),
    /// No answer after all retries, or none that can be used.
    Silent(anyhow::Error),
}

impl Check {
    pub(super) fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Ok, found: found.into(), to_do: String::new() }
    }

    pub(super) fn fail(what: impl Into<String>, code: ExitCode, found: impl Into<String>, to_do: &str) -> Self {
        Self { what: what.into(), verdict: Verdict::Fail(code), found: found.into(), to_do: to_do.to_owned() }
    }
}

/// Looks at everything and says what it found.
///
/// # Errors
/// Only when stdout cannot be written: whatever else is wrong is a row.
pub async fn run(mut context: Context) -> Result<ExitCode, Failure> {
    let mut checks = Vec::new();
    let world = context.start_world().await;
    let loaded = context.load_project().cloned();
    match loaded {
        Ok(project) => {
            checks.push(Check::ok("project file", project.root.join(crate::project::FILE).display().to_string()));
            checks.extend(project_checks(&project).await);
        }
        Err(failure) => checks.push(Check::fail(
            "project file",
            failure.code,
            failure.to_string(),
            "see `tieout validate` and the README",
        )),
    }
    match world {
        Ok(world) => world.stop().await,
        Err(failure) => checks.push(Check::fail("sandbox", failure.code, failure.to_string(), "see the message")),
    }
    match context.output.format {
        Format::Table => context.output.text(&lines(&checks, context.output.width, context.output.color))?,
        Format::Json | Format::Jsonl | Format::Csv => context.output.rows(&rows(&checks))?,
    }
    Ok(worst(&checks))
}

async fn project_checks(project: &Project) -> Vec<Check> {
    let jobs = load_all(project);
    let mut checks = vec![doctor_state::check(&project.state).await, buckets::artifacts_folder(&project.artifacts)];
    checks.extend(buckets::artifacts(project).await);
    checks.push(jobs_check(&jobs));
    checks.extend(buckets::inputs(project, &jobs.0).await);
    checks.extend(doctor_databases::checks(project).await);
    checks.extend(channel_checks(&project.notify));
    checks.extend(doctor_review::check(project));
    for (name, provider) in &project.providers {
        let provider = provider.any();
        let secrets = secret_checks(name, provider);
        let complete = secrets.iter().all(|check| check.verdict == Verdict::Ok);
        checks.extend(secrets);
        // Without its secrets a provider can only refuse us.
        checks.push(if complete { provider_check(name, &probe(provider).await) } else { not_asked(name) });
    }
    checks
}

/// Asks the provider for the least that shows whether it takes the credentials.
async fn probe(provider: &dyn Provider) -> Probe {
    match provider.probe().await {
        // The provider states how far it is ahead; here it is how far we are.
        Ok(answer) => Probe::Answered { clock_skew: answer.clock_skew.map(|ahead| -ahead) },
        Err(failure) if failure.code == ExitCode::CredentialsRefused => Probe::Refused(failure.source),
        Err(failure) => Probe::Silent(failure.source),
    }
}

/// Whether every job file can be used.
pub fn jobs_check((jobs, problems): &(Vec<Job>, Problems)) -> Check {
    let what = "jobs";
    match (jobs.len(), problems.len()) {
        (0, 0) => Check {
            what: what.to_owned(),
            verdict: Verdict::Warn,
            found: "no file in jobs/".to_owned(),
            to_do: "write jobs/NAME.yaml; `tieout schema job` describes every key".to_owned(),
        },
        (good, 0) => {
            let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
            Check::ok(what, format!("{good} valid: {}", names.join(", ")))
        }
        (good, bad) => Check::fail(
            what,
            ExitCode::Configuration,
            format!("{bad} {} in jobs/, {good} valid", if bad == 1 { "problem" } else { "problems" }),
            "run `tieout validate`: it tells each problem with file, line and what to write instead",
        ),
    }
}

/// A provider whose secrets are not complete: it could only refuse us.
fn not_asked(name: &str) -> Check {
    Check {
        what: format!("provider {name}"),
        verdict: Verdict::Warn,
        found: "not asked, since a secret is missing".to_owned(),
        to_do: "set the secrets first".to_owned(),
    }
}

/// One check a secret: that it is there, never what it is.
pub fn secret_checks(name: &str, provider: &dyn Provider) -> Vec<Check> {
    let at = |key| format!("providers.{name}.{key}");
    provider.secrets().into_iter().map(|(key, secret)| secret_check(&at(key), secret)).collect()
}

/// One check a secret of a channel: that it is there. Whether the other side takes it, `tieout notify test` tells.
fn channel_checks(notify: &NotifyConfig) -> Vec<Check> {
    let secrets = notify.channels.iter().flat_map(|(name, channel)| {
        channel.secrets().into_iter().map(move |(key, secret)| (format!("notify.channels.{name}.{key}"), secret))
    });
    secrets.map(|(at, secret)| secret_check(&at, secret)).collect()
}

/// That it can be read.
fn secret_check(at: &str, secret: &Secret) -> Check {
    let what = format!("secret {at}");
    match secret.read() {
        Ok(_) => Check::ok(what, format!("present {}", place(secret))),
        Err(error) => Check::fail(what, ExitCode::Configuration, chain(&error), &how_to_set(at, secret)),
    }
}

fn how_to_set(at: &str, secret: &Secret) -> String {
    let place = match secret {
        Secret::Env(variable) => format!("set {variable} in the environment that starts tieout"),
        Secret::File(path) => format!("write it into {}, readable by this user alone", path.display()),
        Secret::Sandbox(_) => return "nothing: the sandbox brings its own".to_owned(),
    };
    format!("{place}, or name another place at {at} in tieout.yaml")
}

fn place(secret: &Secret) -> String {
    match secret {
        Secret::Env(name) => format!("in environment variable {name}"),
        Secret::File(path) => format!("in {}", path.display()),
        Secret::Sandbox(_) => "in the sandbox".to_owned(),
    }
}

/// What a probe means for the runs of a project.
pub fn provider_check(name: &str, probe: &Probe) -> Check {
    let what = format!("provider {name}");
    match probe {
        Probe::Answered { clock_skew: None } => Check::ok(what, "answers; states no time"),
        Probe::Answered { clock_skew: Some(skew) } => {
            let found = format!("answers; clocks differ by {} s", skew.num_seconds().abs());
            if skew.abs() <= CLOCK_SKEW_LIMIT {
                return Check::ok(what, found);
            }
            let to_do = "set this machine's clock by NTP".to_owned();
            Check { what, verdict: Verdict::Warn, found, to_do }
        }
        Probe::Refused(error) => Check::fail(
            what,
            ExitCode::CredentialsRefused,
            format!("{error:#}"),
            "check what tieout.yaml says of it (addresses, ids, secrets) with the provider",
        ),
        Probe::Silent(error) => doctor_route::silent(what, error),
    }
}

/// The checks as rows.
pub fn rows(checks: &[Check]) -> Rows {
    let mut rows = Rows::new(&["check", "verdict", "found", "to_do"]);
    for check in checks {
        rows.push(vec![
            Cell::text(&check.what),
            Cell::text(check.verdict.name()),
            Cell::text(&check.found),
            Cell::text(&check.to_do),
        ]);
    }
    rows
}

/// The checks for people: what was found, and below it what to do. Lines are broken between words
/// to fit a terminal's `width`, and nothing is cut.
pub fn lines(checks: &[Check], width: Option<u16>, color: bool) -> String {
    let room = width.map_or(usize::MAX, usize::from);
    let column = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let code = match check.verdict {
            Verdict::Ok => "32",
            Verdict::Warn => "33",
            Verdict::Fail(_) => "1;31",
        };
        let verdict = format!("{:<4}", check.verdict.name());
        let verdict = if color { format!("\u{1b}[{code}m{verdict}\u{1b}[0m") } else { verdict };
        let found = broken(&visible(&check.found), column + 8, room);
        let _ = writeln!(text, "{verdict}  {:<column$}  {found}", check.what);
        if !check.to_do.is_empty() {
            let _ = writeln!(text, "      to do: {}", broken(&visible(&check.to_do), 13, room));
        }
    }
    let failed = checks.iter().filter(|check| matches!(check.verdict, Verdict::Fail(_))).count();
    let _ = match failed {
        0 if checks.iter().all(|check| check.verdict == Verdict::Ok) => {
            writeln!(text, "All {} checks passed.", checks.len())
        }
        0 => writeln!(text, "Nothing fails; see the warnings."),
        _ => writeln!(
            text,
            "{failed} of {} checks failed (exit code {}). With --sandbox no account is needed.",
            checks.len(),
            worst(checks) as u8
        ),
    };
    text
}

/// Text that begins in column `indent` and goes on there in the next line where a word would pass `room`.
fn broken(text: &str, indent: usize, room: usize) -> String {
    let mut at = indent;
    let mut broken = String::new();
    for word in text.split(' ') {
        let length = word.chars().count();
        if at > indent && at.saturating_add(1 + length) > room {
            let _ = write!(broken, "\n{:indent$}", "");
            at = indent;
        } else if at > indent {
            broken.push(' ');
            at += 1;
        }
        broken.push_str(word);
        at += length;
    }
    broken
}

/// The code of the finding that must be put right first: configuration, then credentials, then the network.
pub fn worst(checks: &[Check]) -> ExitCode {
    let rank = |code: ExitCode| match code {
        ExitCode::Configuration => 3,
        ExitCode::CredentialsRefused => 2,
        ExitCode::ProviderUnavailable => 1,
        _ => 4,
    };
    let failed = checks.iter().filter_map(|check| match check.verdict {
        Verdict::Fail(code) => Some(code),
        Verdict::Ok | Verdict::Warn => None,
    });
    failed.max_by_key(|code| rank(*code)).unwrap_or(ExitCode::Done)
}

/// An error and what is behind it, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let behind = std::iter::successors(Some(error), |error| error.source());
    behind.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
