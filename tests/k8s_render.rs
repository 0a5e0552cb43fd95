//! `tieout k8s render`: what a project becomes in a cluster, and that the shipped base is what the project asks for.

use std::collections::BTreeSet;
use std::path::Path;

use tieout::exit::ExitCode;
use tieout::job::load::load_all;
use tieout::kubernetes::folder::{Change, FOLDER, compare, project_files, write};
use tieout::kubernetes::{Context, File, Mode, Options, difference, is_worth_a_retry, render};
use tieout::project::Project;

use crate::project_files::Workspace;
use crate::schedule_plan::job_text;

const PROJECT: &str = "\
state: sqlite:.tieout/state.db
providers:
  kard:
    type: kard
    base_url: https://kard.example:8443/api
    token_url: https://token.example/v2
    organization: org-1
    client_id: {env: ID}
    client_secret: {file: secrets/kard secret}
    webhook_key: {env: KEY}
";

fn workspace(project: &str, jobs: &[(&str, &str, &str)]) -> Workspace {
    let workspace = Workspace::new(project);
    for (name, grain, schedule) in jobs {
        workspace.write(&format!("jobs/{name}.yaml"), job_text(name, grain, schedule));
    }
    workspace
}

fn rendered(workspace: &Workspace, options: &Options) -> Result<Vec<File>, String> {
    let project = workspace.project();
    let (jobs, problems) = load_all(&project);
    assert!(problems.is_empty(), "{problems}");
    let files = project_files(&project.root).unwrap();
    let context = Context { options, project: &project, jobs: &jobs, files: &files };
    render(&context).map_err(|error| error.to_string())
}

/// The text of one file of the base.
fn text(files: &[File], name: &str) -> String {
    let found = files.iter().find(|file| file.path == name);
    found.unwrap_or_else(|| panic!("no {name} in {files:?}")).text.clone()
}

/// A CronJob of one job with this schedule.
fn cronjob(schedule: &str) -> String {
    let workspace = workspace(PROJECT, &[("daily", "day", schedule), ("other", "day", "{cron: \"0 1 * * *\"}")]);
    text(&rendered(&workspace, &Options::default()).unwrap(), "cronjob-daily.yaml")
}

/// What stands after `key: ` in the one line that has it.
fn value<'t>(text: &'t str, key: &str) -> &'t str {
    let mark = format!(" {key}: ");
    let mut lines = text.lines().filter_map(|line| line.split_once(&mark).map(|(_, value)| value));
    let found = lines.next().unwrap_or_else(|| panic!("no {key} in {text}"));
    assert_eq!(lines.next(), None, "several {key}");
    found
}

/// The lines of a document that are no comment.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn shipped() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shipped_base_is_what_the_shipped_project_asks_for() {
    let project = Project::load(shipped()).unwrap();
    let (jobs, problems) = load_all(&project);
    assert!(problems.is_empty(), "{problems}");
    let files = project_files(&project.root).unwrap();
    let options = Options::default();
    let base = render(&Context { options: &options, project: &project, jobs: &jobs, files: &files }).unwrap();
    let findings = compare(&shipped().join(FOLDER), &base).unwrap();
    let other: Vec<_> = findings.iter().filter(|finding| finding.change != Change::Same).collect();
    assert!(other.is_empty(), "run `tieout k8s render`: {other:#?}");
    assert_eq!(findings.len(), base.len());
}

#[test]
fn the_kustomization_names_every_file_and_only_those() {
    for folder in [FOLDER, "deploy/kubernetes/overlays/example"] {
        let folder = shipped().join(folder);
        let kustomization = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
        let named: BTreeSet<String> = without_comments(&kustomization)
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- "))
            .filter(|item| !item.contains(": ") && !item.starts_with("target:") && *item != "../../base")
            .map(str::to_owned)
            .collect();
        let mut there = BTreeSet::new();
        let mut waiting = vec![folder.clone()];
        while let Some(one) = waiting.pop() {
            for entry in std::fs::read_dir(one).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    there.insert(path.strip_prefix(&folder).unwrap().display().to_string());
                }
            }
        }
        assert!(there.remove("kustomization.yaml"));
        assert_eq!(named, there);
    }
}

#[test]
fn no_secret_and_no_path_of_this_machine_stands_in_the_base() {
    let workspace = workspace(PROJECT, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    workspace.write("secrets/kard secret", "canary-value\n");
    let files = rendered(&workspace, &Options::default()).unwrap();
    for file in &files {
        assert!(!file.text.contains("canary"), "{}", file.path);
        assert!(!file.text.contains(&workspace.root().display().to_string()), "{}", file.path);
    }
    let run = text(&files, "cronjob-daily.yaml");
    // A file of the project is a key of the Secret, mounted where the project file looks for it.
    assert!(run.contains("key: project-secrets-kard-secret\n"), "{run}");
    assert!(run.contains("mountPath: /project/secrets/kard secret\n"), "{run}");
    assert!(run.contains("secretName: tieout-secrets\n"), "{run}");
    // The receiver reads signatures and speaks to nobody.
    let receiver = text(&files, "receiver.yaml");
    assert!(receiver.contains("key: KEY\n") && !receiver.contains("kard-secret") && !receiver.contains("key: ID\n"));
    let names = text(&files, "kustomization.yaml");
    let told = names.lines().filter_map(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join(" ");
    assert!(told.contains("with the keys ID, KEY, project-secrets-kard-secret, by hand"), "{told}");
}

#[test]
fn every_pod_is_nobodys_root_and_writes_nowhere_but_where_it_says() {
    let workspace = workspace(PROJECT, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    for mode in [Mode::CronJobs, Mode::Serve] {
        let options = Options { mode, ..Options::default() };
        let mut pods = 0;
        for file in rendered(&workspace, &options).unwrap() {
            if !file.text.contains("containers:") {
                continue;
            }
            pods += 1;
            for line in [
                "runAsNonRoot: true",
                "type: RuntimeDefault",
                "readOnlyRootFilesystem: true",
                "allowPrivilegeEscalation: false",
                "drop:",
                "- ALL",
                "automountServiceAccountToken: false",
                "serviceAccountName: tieout",
                "memory:",
            ] {
                assert!(file.text.contains(line), "{}: {line}", file.path);
            }
            assert!(value(&file.text, "terminationGracePeriodSeconds").parse::<u64>().unwrap() >= 30);
        }
        assert_eq!(pods, 2, "{mode:?}");
    }
}

#[test]
fn what_is_tried_again_are_the_codes_that_may_end_otherwise() {
    let text = cronjob("{cron: \"0 1 * * *\"}");
    let values: Vec<&str> = text
        .lines()
        .skip_while(|line| line.trim() != "values:")
        .skip(1)
        .map_while(|line| line.trim().strip_prefix("- "))
        .take_while(|value| value.parse::<u8>().is_ok())
        .collect();
    assert_eq!(values, ["2", "10", "20", "65", "70", "77", "78"]);
    let retried = [ExitCode::Unexpected, ExitCode::ProviderUnavailable, ExitCode::TryAgainLater];
    assert!(retried.into_iter().all(is_worth_a_retry));
    assert!(!is_worth_a_retry(ExitCode::GateBreached) && !is_worth_a_retry(ExitCode::PersonNeeded));
}

#[test]
fn a_schedule_becomes_words_that_every_cron_knows() {
    for (written, expected) in [
        ("45 9 * * *", "45 9 * * *"),
        ("0 6 * * mon-fri", "0 6 * * 1,2,3,4,5"),
        ("0 6 * * 7", "0 6 * * 0"),
        ("0 6 * * fri-sun", "0 6 * * 0,5,6"),
        ("0 6 * * 0-6", "0 6 * * *"),
        ("*/15 0-4 1,15 jan-jun *", "*/15 0-4 1,15 jan-jun *"),
        ("0 6 1 January *", "0 6 1 jan *"),
    ] {
        let text = cronjob(&format!("{{cron: \"{written}\"}}"));
        assert_eq!(value(&text, "schedule").trim_matches(['"', '\'']), expected, "{written}");
        assert_eq!(value(&text, "timeZone"), "UTC");
    }
}

/// Kubernetes knows neither seconds nor years, and neither do we.
#[test]
fn what_kubernetes_does_not_know_is_no_schedule_of_a_job() {
    for (cron, told) in [
        ("0 0 6 * * *", "has 6 fields; expected 5: minute hour day-of-month month day-of-week"),
        ("0 0 6 * * * 2027", "has 7 fields; expected 5"),
        ("@daily", "has 1 fields; expected 5"),
        ("0 6 ? * 1", "is no day of month"),
        ("0 6 L * *", "is no day of month"),
    ] {
        let workspace = workspace(PROJECT, &[("daily", "day", &format!("{{cron: \"{cron}\"}}"))]);
        let (_, problems) = load_all(&workspace.project());
        assert!(problems.to_string().contains(told), "{cron}: {problems}");
    }
}

#[test]
fn a_job_ends_before_its_schedule_fires_again() {
    for (schedule, starting, active) in [
        ("{cron: \"45 9 * * *\"}", "43200", "86040"),
        ("{cron: \"45 9 * * *\", catchup: none}", "300", "86040"),
        ("{cron: \"0 * * * *\"}", "1800", "3240"),
        ("{cron: \"*/15 * * * *\"}", "450", "675"),
        ("{cron: \"* * * * *\"}", "30", "45"),
        // On Monday after Sunday, whatever the calendar says of Sunday.
        ("{cron: \"0 6 * * *\", calendar: us-federal}", "43200", "86040"),
        // Clocks are put forward: the shortest day has 23 hours.
        ("{cron: \"45 9 * * *\", timezone: America/New_York}", "41400", "82440"),
        ("{cron: \"0 6 1 * *\"}", "43200", "86040"),
    ] {
        let text = cronjob(schedule);
        assert_eq!(value(&text, "startingDeadlineSeconds"), starting, "{schedule}");
        assert_eq!(value(&text, "activeDeadlineSeconds"), active, "{schedule}");
        assert_eq!(value(&text, "concurrencyPolicy"), "Forbid");
        assert_eq!(value(&text, "restartPolicy"), "Never");
    }
}

#[test]
fn the_manifest_says_how_each_word_of_a_schedule_is_met() {
    let comment = |schedule: &str| {
        let text = cronjob(schedule);
        text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect::<Vec<_>>().join(" ")
    };
    for (schedule, told) in [
        ("{cron: \"0 6 * * *\", catchup: none}", "what was not started in time is left to a person"),
        ("{cron: \"0 6 * * *\", catchup: 7}", "does what is missing of the 7 periods before as well"),
        ("{cron: \"0 6 * * *\", after: [other]}", "while a period of other within this one is not finished"),
        (
            "{cron: \"0 6 * * *\", calendar: us-federal}",
            "On a closed day a pod is started, finds nothing new asked for",
        ),
        (
            "{cron: \"30 2 * * *\", timezone: America/New_York}",
            "Clocks are put forward over this time of day, as on 2024-03-10.",
        ),
    ] {
        assert!(comment(schedule).contains(told), "{schedule}: {}", comment(schedule));
    }
    for schedule in ["{cron: \"30 2 * * *\"}", "{cron: \"45 9 * * *\", timezone: America/New_York}"] {
        assert!(!comment(schedule).contains("Clocks"), "{schedule}");
    }
}

#[test]
fn policies_let_out_to_the_ports_of_the_providers_and_in_to_the_receiver_alone() {
    let workspace = workspace(PROJECT, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    let policies = text(&rendered(&workspace, &Options::default()).unwrap(), "networkpolicy.yaml");
    let ports: Vec<&str> = policies.lines().filter_map(|line| line.trim().strip_prefix("port: ")).collect();
    assert_eq!(ports, ["53", "53", "443", "5432", "8443", "8787"], "{policies}");
    let options = Options { mode: Mode::Serve, ..Options::default() };
    let policies = text(&rendered(&workspace, &options).unwrap(), "networkpolicy.yaml");
    assert!(policies.contains("port: 9464"), "{policies}");
}

#[test]
fn serve_takes_the_place_of_all_cron_jobs() {
    let workspace = workspace(PROJECT, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    let options = Options {
        image: "registry.example/tieout:7".to_owned(),
        namespace: Some("finance".to_owned()),
        mode: Mode::Serve,
    };
    let files = rendered(&workspace, &options).unwrap();
    assert!(files.iter().all(|file| !file.path.starts_with("cronjob-")));
    let serve = text(&files, "serve.yaml");
    assert!(serve.contains("- serve\n") && serve.contains("- 0.0.0.0:9464\n") && serve.contains("path: /readyz\n"));
    assert_eq!(value(&serve, "image"), "registry.example/tieout:7");
    assert!(text(&files, "kustomization.yaml").contains("\nnamespace: finance\n"));
}

#[test]
fn without_a_key_of_signatures_there_is_no_receiver() {
    let project = PROJECT.replace("    webhook_key: {env: KEY}\n", "");
    let workspace = workspace(&project, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    let files = rendered(&workspace, &Options::default()).unwrap();
    assert!(files.iter().all(|file| file.path != "receiver.yaml"));
    assert!(!text(&files, "networkpolicy.yaml").contains("8787"));
}

#[test]
fn where_the_project_has_pages_they_are_a_deployment_that_speaks_to_no_provider() {
    let project = format!("{PROJECT}review:\n  bind: 127.0.0.1:8722\n");
    let workspace = workspace(&project, &[("daily", "day", "{cron: \"0 1 * * *\"}")]);
    let files = rendered(&workspace, &Options::default()).unwrap();
    let manifest = text(&files, "review.yaml");
    assert!(manifest.contains("name: tieout-review"), "{manifest}");
    assert!(manifest.contains("- --review-only\n"), "{manifest}");
    // Secrets of providers are not in their reach, and what people sign in with is.
    assert!(!manifest.contains("secret"), "{manifest}");
    let users = "  users:\n    mara: {role: reviewer, password: {env: MARA}}\n    lev: {role: viewer, password: {file: secrets/lev}}\n";
    workspace.write("tieout.yaml", format!("{project}{users}"));
    let manifest = text(&rendered(&workspace, &Options::default()).unwrap(), "review.yaml");
    assert!(manifest.contains("key: MARA\n") && manifest.contains("mountPath: /project/secrets/lev\n"), "{manifest}");
    assert!(!manifest.contains("key: KEY"), "{manifest}");
    assert!(text(&files, "networkpolicy.yaml").contains("port: 8722"));
}

#[test]
fn a_project_that_fits_no_cluster_is_told_why() {
    let long = "a".repeat(53);
    let daily = "{cron: \"0 1 * * *\"}";
    for (project, name, schedule, told) in [
        ("state: sqlite:state.db\n", "daily", daily, "`state` of tieout.yaml lies in the project's own folder, which pods cannot write; give it a folder of its own, such as state: sqlite:.tieout/state.db".to_owned()),
        ("artifacts: .\n", "daily", daily, "`artifacts` of tieout.yaml lies in the project's own folder, which pods cannot write; give it a folder of its own, such as artifacts: runs/".to_owned()),
        ("{}\n", long.as_str(), daily, format!("job {long}: a CronJob's name has at most 52 characters, this has 53; give the job a shorter name, or use --mode serve")),
    ] {
        let workspace = workspace(project, &[(name, "day", schedule)]);
        assert_eq!(rendered(&workspace, &Options::default()).unwrap_err(), told);
    }
    let nothing = Workspace::new("{}\n");
    nothing.write("jobs/daily.yaml", job_text("daily", "day", daily).replace(&format!("schedule: {daily}\n"), ""));
    let told = "no job has a schedule: nothing would be run; write `schedule:` into jobs/NAME.yaml";
    assert_eq!(rendered(&nothing, &Options::default()).unwrap_err(), told);
}

#[test]
fn a_base_is_written_kept_and_cleared_of_what_is_no_longer_asked_for() {
    let jobs = [("daily", "day", "{cron: \"0 1 * * *\"}"), ("gone", "day", "{cron: \"0 2 * * *\"}")];
    let workspace = workspace(PROJECT, &jobs);
    let folder = workspace.root().join("base");
    let first = rendered(&workspace, &Options::default()).unwrap();
    assert!(write(&folder, &first).unwrap().iter().all(|finding| finding.change == Change::Missing));
    assert!(compare(&folder, &first).unwrap().iter().all(|finding| finding.change == Change::Same));

    std::fs::remove_file(workspace.root().join("jobs/gone.yaml")).unwrap();
    std::fs::write(folder.join("by-hand.yaml"), "kind: ConfigMap\n").unwrap();
    let second = rendered(&workspace, &Options::default()).unwrap();
    let findings = compare(&folder, &second).unwrap();
    let other: Vec<_> =
        findings.iter().filter(|one| one.change != Change::Same).map(|one| (one.path.as_str(), one.change)).collect();
    let expected = [
        ("by-hand.yaml", Change::Extra),
        ("cronjob-gone.yaml", Change::Extra),
        ("kustomization.yaml", Change::Differs),
        ("project/jobs/gone.yaml", Change::Extra),
    ];
    assert_eq!(other, expected);
    write(&folder, &second).unwrap();
    assert!(!folder.join("cronjob-gone.yaml").exists() && !folder.join("project/jobs/gone.yaml").exists());
    assert!(folder.join("by-hand.yaml").exists(), "what tieout did not make, it does not take away");
}

#[test]
fn differences_are_told_line_by_line() {
    let table = [
        ("a\nb\nc\n", "a\nb\nc\n", ""),
        ("", "a\n", "+ a\n"),
        ("a\n", "", "- a\n"),
        ("a\nb\nc\nd\ne\nf\ng\n", "a\nb\nc\nX\ne\nf\ng\n", "  …\n  b\n  c\n- d\n+ X\n  e\n  f\n"),
        ("1\n2\n3\n4\n5\n6\n7\n8\n", "0\n1\n2\n3\n4\n5\n6\n7\n", "+ 0\n  1\n  2\n  …\n  6\n  7\n- 8\n"),
    ];
    for (before, after, told) in table {
        assert_eq!(difference(before, after), told);
    }
}

mod command {
    //! The same by the program.

    use super::PROJECT;
    use crate::schedule_plan::job_text;
    use crate::support::project::TestProject;

    fn project() -> TestProject {
        let project = TestProject::empty();
        project.write("tieout.yaml", PROJECT);
        project.write("jobs/daily.yaml", job_text("daily", "day", "{cron: \"0 1 * * *\"}"));
        project
    }

    #[test]
    fn check_ends_with_78_and_the_difference_until_render_has_written_it() {
        let project = project();
        let missing = project.run(&["k8s", "render", "--check"]).ended_with(78);
        assert!(missing.error().contains("8 files are not what the project asks for"), "{}", missing.stderr);
        project.run(&["k8s", "render"]).ended_with(0);
        project.run(&["k8s", "render", "--check"]).ended_with(0);
        project.write("jobs/daily.yaml", job_text("daily", "day", "{cron: \"30 1 * * *\"}"));
        let differs = project.run(&["k8s", "render", "--check"]).ended_with(78);
        assert!(differs.error().contains("-   schedule: 0 1 * * *\n+   schedule: 30 1 * * *\n"), "{}", differs.stderr);
    }

    #[test]
    fn a_job_that_is_wrong_or_a_circle_of_jobs_is_put_into_no_cluster() {
        let project = project();
        project.write("jobs/wrong.yaml", "job: wrong\n");
        project.run(&["k8s", "render"]).ended_with(78);
        project.write("jobs/wrong.yaml", job_text("wrong", "day", "{cron: \"0 1 * * *\", after: [daily]}"));
        project.write("jobs/daily.yaml", job_text("daily", "day", "{cron: \"0 1 * * *\", after: [wrong]}"));
        let circle = project.run(&["k8s", "render"]).ended_with(78);
        assert!(circle.error().contains("waits for itself"), "{}", circle.stderr);
    }

    #[test]
    fn names_that_are_none_are_wrong_command_lines() {
        let project = project();
        for (arguments, told) in [
            (["--namespace", "Finance"], "--namespace is `Finance`; expected small letters, digits and hyphens"),
            (["--image", "a b"], "--image is `a b`; expected a name such as registry.example.com/tieout:1"),
        ] {
            let mut all = vec!["k8s", "render"];
            all.extend(arguments);
            let refused = project.run(&all).ended_with(2);
            assert!(refused.error().contains(told), "{}", refused.stderr);
        }
    }
}
