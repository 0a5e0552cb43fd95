//! A scheduled job as a CronJob.

use super::node::{Node, file, map};
use super::pod::{Kind, resources, template, variable};
use super::secrets::{self, Reference};
use super::storage::Places;
use super::timing::{GRACE_SECONDS, active_deadline_seconds, first_skipped, starting_deadline_seconds};
use super::{Context, MOST_NAME, RenderError, labels, made_from};
use crate::exit::ExitCode;
use crate::job::{Catchup, Job, Schedule, cron};
use crate::period::duration_words;

/// The Job's controller waits 10 s before it tries again, then twice as long each time, up to 6 minutes: so many tries
/// take three quarters of an hour.
const TRIES: u64 = 12;
/// The variable with the name of the Job.
const JOB_NAME: &str = "TIEOUT_KUBERNETES_JOB";
/// Where Kubernetes reads a pod's last words.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Whether the same run may end otherwise when it is tried again at once. 10 and 20 are runs that have done their work
/// and found something for people: done again they would find the same.
pub const fn is_worth_a_retry(code: ExitCode) -> bool {
    match code {
        ExitCode::Unexpected | ExitCode::ProviderUnavailable | ExitCode::TryAgainLater => true,
        ExitCode::Done
        | ExitCode::Usage
        | ExitCode::GateBreached
        | ExitCode::PersonNeeded
        | ExitCode::InputData
        | ExitCode::InvariantFailed
        | ExitCode::CredentialsRefused
        | ExitCode::Configuration => false,
    }
}

/// All but 0, in rising order, as Kubernetes wants them.
const CODES: [ExitCode; 10] = [
    ExitCode::Unexpected,
    ExitCode::Usage,
    ExitCode::GateBreached,
    ExitCode::PersonNeeded,
    ExitCode::InputData,
    ExitCode::ProviderUnavailable,
    ExitCode::InvariantFailed,
    ExitCode::TryAgainLater,
    ExitCode::CredentialsRefused,
    ExitCode::Configuration,
];

/// The name of the file that a job's CronJob stands in.
pub(super) fn file_name(job: &Job) -> String {
    format!("cronjob-{}.yaml", job.name)
}

/// The manifest of a job's CronJob.
pub(super) fn manifest(
    context: &Context<'_>,
    (job, schedule): (&Job, &Schedule),
    places: &Places,
) -> Result<String, RenderError> {
    let length = job.name.len();
    if length > MOST_NAME {
        return Err(RenderError::LongName { job: job.name.clone(), length });
    }
    if job.name.starts_with('-') || job.name.ends_with('-') {
        return Err(RenderError::Hyphen { job: job.name.clone() });
    }
    let secrets = secrets::of_runs(context.project);
    let document = map! {
        "apiVersion" => "batch/v1",
        "kind" => "CronJob",
        "metadata" => map! { "name" => job.name.as_str(), "labels" => labels(Some("run"), Some(&job.name)) },
        "spec" => map! {
            "schedule" => cron::plain(&schedule.cron),
            "timeZone" => schedule.zone.name(),
            "concurrencyPolicy" => "Forbid",
            "startingDeadlineSeconds" => starting_deadline_seconds(schedule),
            "successfulJobsHistoryLimit" => 3,
            "failedJobsHistoryLimit" => 7,
            "jobTemplate" => map! {
                "metadata" => map! { "labels" => labels(Some("run"), Some(&job.name)) },
                "spec" => map! {
                    "backoffLimit" => TRIES,
                    "activeDeadlineSeconds" => active_deadline_seconds(schedule),
                    "podFailurePolicy" => map! { "rules" => failure_rules() },
                    "template" => pod(context, job, &secrets, places),
                },
            },
        },
    };
    Ok(file(&reasons(job, schedule), &[document]))
}

fn failure_rules() -> Vec<Node> {
    let final_codes = CODES.into_iter().filter(|code| !is_worth_a_retry(*code));
    let codes: Vec<u64> = final_codes.map(|code| u64::from(code as u8)).collect();
    vec![
        map! {
            "action" => "FailJob",
            "onExitCodes" => map! { "containerName" => "run", "operator" => "In", "values" => codes },
        },
        map! {
            "action" => "Ignore",
            "onPodConditions" => [map! { "type" => "DisruptionTarget", "status" => "True" }],
        },
    ]
}

fn pod(context: &Context<'_>, job: &Job, secrets: &[Reference], places: &Places) -> Node {
    let job_name = map! { "fieldRef" => map! { "fieldPath" => "metadata.labels['batch.kubernetes.io/job-name']" } };
    let args = ["--log-format", "json", "--no-progress", "run", &job.name, "--period", "auto", "--as-scheduled"];
    let mut args: Vec<Node> = args.into_iter().map(Node::from).collect();
    args.extend(["--scheduled-by".into(), format!("$({JOB_NAME})").into()]);
    let kind = Kind {
        component: "run",
        instance: Some(&job.name),
        args,
        environment: vec![
            map! { "name" => JOB_NAME, "valueFrom" => job_name },
            variable("TIEOUT_BY", "kubernetes"),
            variable("TIEOUT_TERMINATION_LOG", TERMINATION_LOG),
        ],
        secrets,
        places: &places.runs,
        resources: resources("500m", "512Mi", "4Gi"),
        container: vec![
            ("terminationMessagePath", TERMINATION_LOG.into()),
            ("terminationMessagePolicy", "FallbackToLogsOnError".into()),
        ],
        grace_seconds: GRACE_SECONDS,
        restart: Some("Never"),
    };
    template(context, kind)
}

/// Why the manifest is as it is.
fn reasons(job: &Job, schedule: &Schedule) -> Vec<String> {
    let mut told = vec![
        job.description.as_ref().map_or_else(|| job.name.clone(), |text| {
            format!("{}: {}", job.name, crate::text::visible(text))
        }),
        made_from(&job.path.display().to_string()),
        "The minute for which the CronJob has made a Job ends the Job's name, which the pod hands on (--scheduled-by): \
         a pod that starts late still takes the period that was last complete then. The annotation with the scheduled \
         time is on the Job alone, where no pod can read it."
            .to_owned(),
        kept(schedule),
    ];
    if !schedule.after.is_empty() {
        told.push(format!(
            "`after`: while a period of {} within this one is not finished, the run ends with 75 and is tried again.",
            schedule.after.join(", ")
        ));
    }
    let waits: Vec<String> = job
        .inputs()
        .iter()
        .filter_map(|input| Some(format!("{} until {}", input.side, input.wait_until.as_ref()?)))
        .collect();
    if !waits.is_empty() {
        told.push(format!(
            "`wait_until`: the run waits for {}, in its pod; activeDeadlineSeconds ends the wait in any case.",
            waits.join(", and for ")
        ));
    }
    if schedule.calendar.is_some() {
        told.push(
            "`calendar`: Kubernetes knows none. On a closed day a pod is started, finds nothing new asked for, and ends \
             with 0."
                .to_owned(),
        );
    }
    if let Some(skipped) = first_skipped(schedule) {
        told.push(format!(
            "Clocks are put forward over this time of day, as on {skipped}. `tieout serve` runs then at \
             the end of the gap; Kubernetes leaves that time out, and what it would have run is {}.",
            if schedule.catchup.reach() > 0 { "caught up with the next time" } else { "left out" }
        ));
    }
    told.push(
        "podFailurePolicy, by exit code: 1, 69 and 75 are tried again; 10 and 20 are finished runs with something for \
         people, and 2, 65, 70, 77 and 78 end the same way each time. What a node's end or an eviction takes with it \
         is not counted as a try."
            .to_owned(),
    );
    told
}

/// What becomes of what was missed.
fn kept(schedule: &Schedule) -> String {
    let missed = match schedule.catchup {
        Catchup::None => "`catchup: none`: what was not started in time is left to a person.".to_owned(),
        Catchup::Latest => "`catchup: latest`: Kubernetes starts the latest time that was missed, late.".to_owned(),
        Catchup::Missing(periods) => format!(
            "`catchup: {periods}`: Kubernetes starts the latest time that was missed; the run itself (--as-scheduled) \
             does what is missing of the {} before as well.",
            if periods == 1 { "period".to_owned() } else { format!("{periods} periods") }
        ),
    };
    format!(
        "{missed} What is finished is not run again. `retry: {}` is the scheduler's of `tieout serve`; here the Job's \
         own back-off is in its place.",
        duration_words(schedule.retry)
    )
}
