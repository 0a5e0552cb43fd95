//! The project file: what it means, and what is told when it is wrong.

use std::path::Path;
use std::time::Duration;

use tieout::exit::{ExitCode, Failure};
use tieout::project::{HttpConfig, Project, ProjectNotFound, Secret};
use tieout::providers::kard::KardConfig;

/// A project folder of its own for one test.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
}

pub(crate) const PROJECT: &str = "\
providers:
  kard:
    type: kard
    base_url: https://kard.example
    token_url: https://kard.example/token
    organization: org-1
    client_id: {env: ID}
    client_secret: {env: SECRET}
    webhook_key: {env: KEY}
  keyless:
    type: kard
    base_url: https://kard.example
    token_url: https://kard.example/token
    organization: org-2
    client_id: {env: ID}
    client_secret: {env: SECRET}
";

impl Workspace {
    pub(crate) fn new(project: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        workspace.write("tieout.yaml", project);
        workspace
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn project(&self) -> Project {
        Project::load(self.root()).expect("the project file is right")
    }
}

/// The one-line forms of everything that is wrong.
fn problems(project: &str) -> Vec<String> {
    match Project::load(Workspace::new(project).root()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(tieout::config::Problem::headline).collect(),
    }
}

fn kard(project: &Project, name: &str) -> KardConfig {
    project.providers[name].as_kard().unwrap().clone()
}

#[test]
fn an_empty_group_of_settings_means_the_defaults() {
    let workspace = Workspace::new("{}\n");
    let project = workspace.project();
    assert_eq!(project.root, workspace.root());
    assert_eq!(project.state.file(), Some(&*workspace.root().join(".tieout/state.db")));
    assert_eq!(project.artifacts, workspace.root().join("runs"));
    assert_eq!(project.data, workspace.root().join("data"));
    assert_eq!(project.lease, Duration::from_mins(1));
    assert!(project.providers.is_empty());
}

#[test]
fn the_memory_of_a_run_is_a_size_of_at_least_64_mib() {
    let text = |memory: &str| format!("memory: {memory}\n");
    assert_eq!(Workspace::new(&text("64MiB")).project().memory, 64 << 20);
    for (memory, told) in [
        ("63MiB", "`memory` is 63MiB; expected at least 64MiB"),
        ("plenty", "`plenty` is not a size; expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB"),
    ] {
        assert_eq!(problems(&text(memory)), [format!("tieout.yaml:1:9: {told}")]);
    }
}

#[test]
fn a_run_may_take_half_of_what_the_machine_has_where_nothing_is_said() {
    let said = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = said.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
    let kib: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
    let memory = Workspace::new("{}\n").project().memory;
    // A container may have less than the machine.
    assert!(memory >= 64 << 20, "{memory}");
    assert!(memory <= kib * 512, "{memory} of {kib} KiB");
}

#[test]
fn a_lease_is_a_time_of_at_least_a_second() {
    let text = |lease: &str| format!("lease: {lease}\n");
    assert_eq!(Workspace::new(&text("1s")).project().lease, Duration::from_secs(1));
    assert_eq!(Workspace::new(&text("5m")).project().lease, Duration::from_mins(5));
    for (lease, told) in [
        ("999ms", "`lease` is 999ms; expected at least 1s"),
        ("0s", "`lease` is 0s; expected at least 1s"),
        ("soon", "`soon` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d"),
    ] {
        assert_eq!(problems(&text(lease)), [format!("tieout.yaml:1:8: {told}")]);
    }
}

#[test]
fn paths_are_relative_to_the_project_and_may_be_absolute() {
    let workspace = Workspace::new("state: sqlite:/var/lib/tieout.db\nartifacts: out/\ndata: /srv/data\n");
    let project = workspace.project();
    assert_eq!(project.state.file(), Some(Path::new("/var/lib/tieout.db")));
    assert_eq!(project.artifacts, workspace.root().join("out"));
    assert_eq!(project.data, Path::new("/srv/data"));
}

#[test]
fn artifacts_may_be_kept_in_a_bucket_and_worked_on_in_a_folder_that_may_be_lost() {
    let workspace = Workspace::new("artifacts: s3://bucket/kept\n");
    let project = workspace.project();
    assert_eq!(project.kept.as_ref().map(ToString::to_string).as_deref(), Some("s3://bucket/kept/"));
    assert_eq!(project.artifacts, workspace.root().join(".tieout/artifacts"));
    assert_eq!(project.s3.settings(), &tieout::objects::S3Settings::default());
    // The sandbox's world is a folder of its own.
    let sandbox = project.with_sandbox("http://127.0.0.1:1");
    assert_eq!((sandbox.kept, sandbox.artifacts), (None, workspace.root().join("sandbox/runs")));

    let store = "s3: {endpoint: \"https://minio.example:9000/\", region: eu-1, profile: tieout}\n";
    let workspace = Workspace::new(&format!("artifacts: s3://bucket\ncache: /var/cache/tieout\n{store}"));
    let project = workspace.project();
    assert_eq!(project.artifacts, Path::new("/var/cache/tieout"));
    let settings = project.s3.settings();
    assert_eq!(settings.endpoint.as_deref(), Some("https://minio.example:9000"));
    assert_eq!((settings.region.as_deref(), settings.profile.as_deref()), (Some("eu-1"), Some("tieout")));
    assert!(settings.path_style, "a store of one's own seldom has names for its buckets");
    let workspace = Workspace::new("s3: {endpoint: \"https://store.example\", path_style: false}\n");
    assert!(!workspace.project().s3.settings().path_style);
}

#[test]
fn a_provider_is_read_with_its_secrets_left_where_they_are() {
    let text = "\
providers:
  kard:
    type: kard
    base_url: https://kard.example/
    token_url: http://127.0.0.1:8080/token
    organization: org-1
    target_issuer: acme
    client_id: {env: NOT_SET_ANYWHERE}
    client_secret: {file: secrets/kard}
    http: {connect_timeout: 1s, idle_timeout: 2m, total_timeout: 1h, attempts: 3, first_delay: 20ms, max_delay: 9s}
";
    let workspace = Workspace::new(text);
    let kard = kard(&workspace.project(), "kard");
    assert_eq!(kard.base_url, "https://kard.example");
    assert_eq!(kard.token_url, "http://127.0.0.1:8080/token");
    assert_eq!(kard.organization, "org-1");
    assert_eq!(kard.target_issuer.as_deref(), Some("acme"));
    assert_eq!(kard.client_id, Secret::Env("NOT_SET_ANYWHERE".to_owned()));
    assert_eq!(kard.client_secret, Secret::File(workspace.root().join("secrets/kard")));
    assert_eq!(kard.webhook_key, None);
    let expected = HttpConfig {
        connect_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_mins(2),
        total_timeout: Duration::from_hours(1),
        attempts: 3,
        first_delay: Duration::from_millis(20),
        max_delay: Duration::from_secs(9),
    };
    assert_eq!(kard.http, expected);
}

#[test]
fn the_project_is_found_from_a_folder_below_it() {
    let workspace = Workspace::new(PROJECT);
    let below = workspace.root().join("jobs/deep");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(Project::locate(None, &below).unwrap(), workspace.root());
}

#[test]
fn without_a_project_file_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = Project::locate(None, folder.path()).unwrap_err();
    assert!(matches!(error, ProjectNotFound::Above { .. }));
    let expected = format!(
        "no tieout.yaml in {} or any folder above it; go to the project's folder or name it with --project DIR",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(Failure::from(error).code, ExitCode::Configuration);
}

#[test]
fn a_wrong_project_file_ends_a_command_with_78_and_all_its_problems() {
    let workspace = Workspace::new("stat: sqlite:x\n");
    let failure = Failure::from(Project::load(workspace.root()).unwrap_err());
    assert_eq!(failure.code as u8, 78);
    let expected = "tieout.yaml:1:1: unknown key `stat`; did you mean `state`?\n  \
                    1 | stat: …\n    | ^";
    assert_eq!(failure.to_string(), expected);
}

#[test]
fn the_sandbox_has_a_world_of_its_own() {
    let workspace = Workspace::new(PROJECT);
    let project = workspace.project().with_sandbox("http://127.0.0.1:9/");
    assert_eq!(project.state.file(), Some(&*workspace.root().join("sandbox/state.db")));
    assert_eq!(project.artifacts, workspace.root().join("sandbox/runs"));
    assert_eq!(project.data, workspace.root().join("samples/data"));
    for name in ["kard", "keyless"] {
        let kard = kard(&project, name);
        assert_eq!(kard.base_url, "http://127.0.0.1:9");
        assert_eq!(kard.token_url, "http://127.0.0.1:9/v2/auth/token");
        assert_eq!(kard.organization, "org-sandbox");
        assert_eq!(kard.client_id, Secret::Sandbox("sandbox-client".to_owned()));
        assert_eq!(kard.client_secret, Secret::Sandbox("sandbox-secret".to_owned()));
        assert_eq!(kard.webhook_key, Some(Secret::Sandbox("sandbox-webhook-key".to_owned())));
    }
}

#[test]
fn the_shipped_project_file_loads() {
    let project = Project::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(kard(&project, "kard").organization, "org-123");
}

/// The text of `PROJECT` with one line exchanged, and what is then told.
#[test]
fn each_mistake_is_told_with_its_place() {
    let cases = [
        ("type: kard\n    base_url: https://kard.example\n", "type: card\n    base_url: https://kard.example\n"),
        ("base_url: https://kard.example\n", "base_url: http://kard.example\n"),
        ("base_url: https://kard.example\n", "base_url: kard.example\n"),
        ("base_url: https://kard.example\n", "base_url: https://me:hunter2@kard.example\n"),
        ("base_url: https://kard.example\n", "base_url: https://kard.example?key=hunter2\n"),
        ("organization: org-1\n", "organization: org/../1\n"),
        ("client_id: {env: ID}\n", "client_id: {env: \"a secret, not a name\"}\n"),
        ("client_id: {env: ID}\n", "client_id: {file: \"\"}\n"),
        ("client_id: {env: ID}\n", "client_id: {evn: ID}\n"),
        ("client_id: {env: ID}\n", "http: {attempts: 0, first_delay: 0s}\n    client_id: {env: ID}\n"),
        ("client_id: {env: ID}\n", "http: {first_delay: 2m, max_delay: 10 seconds}\n    client_id: {env: ID}\n"),
        ("client_id: {env: ID}\n", "http: {first_delay: 2m}\n    client_id: {env: ID}\n"),
        ("client_id: {env: ID}\n", "http: {total_timeout: 99999d, idle_timeout: 0s}\n    client_id: {env: ID}\n"),
        ("providers:\n  kard:\n", "state: postgres://me:hunter2@db/x\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: postgres://db/x?password=hunter2\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: postgres://db/x?sslmod=require\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: postgres://db\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: mysql://me:hunter2@db/x\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: {env: \"postgres://me:hunter2@db/x\"}\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "state: {url: \"postgres://me:hunter2@db/x\"}\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "artifacts: s3://Bucket/x\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "artifacts: gs://bucket/x\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "cache: /var/cache/tieout\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "s3: {endpoint: \"https://me:hunter2@store\", region: \"\"}\nproviders:\n  kard:\n"),
        ("providers:\n  kard:\n", "providers:\n  My Kard:\n"),
    ];
    let mut told = String::new();
    for (right, wrong) in cases {
        let text = PROJECT.replacen(right, wrong, 1);
        let found = problems(&text);
        assert!(!found.is_empty(), "{wrong:?} is not told");
        let whole = Project::load(Workspace::new(&text).root()).unwrap_err().to_string();
        assert!(!whole.contains("hunter2"), "a password is told: {whole}");
        told.push_str(&found.join("\n"));
        told.push('\n');
    }
    insta::assert_snapshot!(told, @r#"
    tieout.yaml:3:11: unknown value `card` for `providers.kard.type`; did you mean `kard`?
    tieout.yaml:4:15: `base_url` begins with http://; expected https://, since credentials pass over it
    tieout.yaml:4:15: `base_url` is no URL; expected one such as https://rewards-api.getkard.com
    tieout.yaml:4:15: `base_url` holds a user name or password; a secret never stands in this file; use client_id and client_secret
    tieout.yaml:4:15: `base_url` has a `?` or `#` part; expected an address and a path only
    tieout.yaml:6:19: `organization` is `org/../1`; expected letters, digits, `-`, `_` and `.`
    tieout.yaml:7:22: `env` is no name of an environment variable; expected one such as KARD_CLIENT_SECRET
    tieout.yaml:7:23: `file` is empty; expected the path of a file
    tieout.yaml:7:17: unknown key `evn` in providers.kard.client_id; did you mean `env`?
    tieout.yaml:7:22: `providers.kard.http.attempts` is 0; expected at least 1
    tieout.yaml:7:38: `first_delay` is zero; expected a time to wait
    tieout.yaml:7:40: `10 seconds` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d
    tieout.yaml:7:5: `first_delay` is longer than `max_delay`
    tieout.yaml:7:27: `99999d` is too long; expected at most 3650d
    tieout.yaml:7:49: `idle_timeout` is zero; expected a time to wait
    tieout.yaml:1:8: `state` holds a password; a secret never stands in this file; write {env: NAME} or {file: PATH} for the whole address, or take the password out of it: PGPASSWORD and PGPASSFILE are read
    tieout.yaml:1:8: `state` holds a password; a secret never stands in this file; write {env: NAME} or {file: PATH} for the whole address, or take the password out of it: PGPASSWORD and PGPASSFILE are read
    tieout.yaml:1:8: `state`: the address has an option `sslmod`, which is not known; known are sslmode, sslrootcert, sslcert, sslkey, schema, host, application_name, options, statement-cache-capacity
    tieout.yaml:1:8: `state`: the address names no database; expected its name behind the host, as in postgres://USER@HOST/tieout
    tieout.yaml:1:8: `state` is `mysql:…`; expected sqlite:PATH, such as sqlite:.tieout/state.db, or postgres://USER@HOST/DATABASE
    tieout.yaml:1:14: `env` is no name of an environment variable; expected one such as KARD_CLIENT_SECRET
    tieout.yaml:1:9: unknown key `url` in state; expected one of `env`, `file`
    tieout.yaml:1:12: `s3://Bucket/x` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    tieout.yaml:1:12: `artifacts` is `gs://bucket/x`; expected a folder of this machine
    tieout.yaml:1:8: `cache` is for artifacts in a bucket, and these are in a folder of this machine; leave it out
    tieout.yaml:1:16: `endpoint` is no address of a store; expected one such as https://minio.example.com
    tieout.yaml:1:52: `region` is empty; leave it out to have the SDK find it
    tieout.yaml:2:3: `My Kard` is no provider name; expected small letters, digits, hyphens and underscores
    "#);
}

#[test]
fn a_secret_that_is_written_out_is_never_repeated() {
    for line in [
        "client_secret: hunter2",
        "client_secret: [hunter2]",
        "client_secert: hunter2",
        "client_secret: \"hunter2",
        "client_secret: {env: [hunter2]}",
        "client_secret: {hunter2}",
        "client_secret: {env: A, file: hunter2}",
        "client_secret:\n      hunter2:",
        "client_secret:\n      hunter2",
        "client_secret: !secret hunter2",
        "client_secret: 'hunter2' 'hunter2'",
    ] {
        let workspace = Workspace::new(&PROJECT.replacen("client_secret: {env: SECRET}", line, 1));
        let problems = Project::load(workspace.root()).unwrap_err();
        assert!(!problems.is_empty());
        let told = format!("{problems}\n{}", serde_json::to_string(&problems).unwrap());
        assert!(!told.contains("hunter2"), "{line:?} is repeated: {told}");
    }
    let workspace = Workspace::new(&PROJECT.replacen("client_secret: {env: SECRET}", "client_secret: hunter2", 1));
    let problems = Project::load(workspace.root()).unwrap_err();
    insta::assert_snapshot!(problems.to_string(), @r#"
    tieout.yaml:8:20: `providers.kard.client_secret` is written out; a secret never stands in this file; write {env: NAME} or {file: PATH}
      8 |     client_secret: …
        |                    ^
    "#);
}
