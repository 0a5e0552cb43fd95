//! The receiver in a project: its block of `tieout.yaml`, whose key it uses, and jobs that read what it keeps.

use tieout::project::Project;

use crate::project_files::Workspace;
use crate::support::project::TestProject;
use crate::support::receiver::{listen, notification};

/// The one-line forms of everything that is wrong.
fn problems(receiver: &str) -> Vec<String> {
    let workspace = Workspace::new(&format!("{}receiver: {receiver}\n", crate::project_files::PROJECT));
    match Project::load(workspace.root()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(tieout::config::Problem::headline).collect(),
    }
}

#[test]
fn every_mistake_in_the_block_is_told_with_its_place() {
    for (receiver, told) in [
        ("{}", None),
        ("{bind: \"[::1]:80\", path: /a/b, folder: log, provider: kard, limits: {connections: 1}}", None),
        (
            "{bind: localhost}",
            Some("17:18: `bind` is `localhost`; expected an IP address and a port, such as 127.0.0.1:8787"),
        ),
        (
            "{path: hooks}",
            Some("17:18: `path` is `hooks`; expected one such as /webhooks: a slash, then letters, digits and -_.~/"),
        ),
        ("{path: /readyz}", Some("17:18: `path` is `/readyz`, where the receiver tells how it is")),
        ("{folder: \"s3://x\"}", Some("17:20: `receiver/folder` is `s3://x`; expected a folder of this machine")),
        ("{provider: cart}", Some("17:22: no provider is called `cart`; expected one of `kard`, `keyless`")),
        (
            "{limits: {body: 2MiB}}",
            Some("17:27: `body` is 2MiB; expected 16KiB to 1MiB, so that jobs can read each line"),
        ),
        ("{limits: {idle_timeout: 0s}}", Some("17:35: `idle_timeout` is zero; expected a time to wait")),
    ] {
        let expected: Vec<String> = told.iter().map(|told| format!("tieout.yaml:{told}")).collect();
        assert_eq!(problems(receiver), expected, "{receiver}");
    }
}

#[test]
fn without_a_block_it_is_loopback_and_the_data_folder() {
    let workspace = Workspace::new(crate::project_files::PROJECT);
    let receiver = workspace.project().receiver;
    assert_eq!(receiver.bind.to_string(), "127.0.0.1:8787");
    assert_eq!((receiver.path.as_str(), receiver.folder), ("/", workspace.root().join("data")));
    let limits = receiver.limits;
    assert_eq!((limits.body_bytes, limits.connections, limits.repeat_days), (1 << 20, 512, 7));
}

#[test]
fn a_key_that_is_not_there_is_told() {
    let project = TestProject::empty();
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let listen = ["listen", "--bind", "127.0.0.1:0"];
    project.write("tieout.yaml", text.replace("TEST_WEBHOOK_KEY", "NOT_SET_ANYWHERE"));
    let told = "webhook_key of provider kard: environment variable NOT_SET_ANYWHERE is not set";
    assert_eq!(project.run(&listen).ended_with(78).error(), told);
    project.write("tieout.yaml", text.replace("    webhook_key: {env: TEST_WEBHOOK_KEY}\n", ""));
    let told = "provider kard has no webhook_key in tieout.yaml; without it nobody can tell its notifications from \
                others'";
    assert_eq!(project.run(&listen).ended_with(78).error(), told);
    let wrong = project.run(&["listen", "--provider", "cart"]).ended_with(78);
    assert_eq!(wrong.error(), "no provider of tieout.yaml is called `cart`; there is kard");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    project.write("tieout.yaml", &text);
    let bind = taken.local_addr().unwrap().to_string();
    let refused = project.run(&["listen", "--bind", &bind]).ended_with(78);
    assert!(refused.error().starts_with(&format!("cannot listen on {bind}; ")), "{}", refused.error());
}

/// The shipped job for a day, with the log that the receiver keeps as its third side.
const JOB: &str = "\
job: received
period: {grain: day, timezone: UTC}
inputs:
  ledger:
    path: \"ledger-{period}.csv\"
    columns: {transaction_id: id, user_reward: {column: reward, unit: minor}, currency: currency, occurred_at: at}
    known_columns: []
  webhooks: {path: \"webhooks-{period}.jsonl\", preset: kard-notifications, verify: kard}
match:
  compare: {user_reward: {tolerance: 0}}
";

#[test]
fn a_job_reads_what_was_received() {
    let project = TestProject::empty();
    let mut listening = listen(&project, &[]);
    for number in 1..=4 {
        assert_eq!(listening.post(&notification(&format!("n-{number}"), &format!("t-{number}"))).0, 200);
        assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200);
    }
    assert_eq!(listening.post_signed(notification("n-5", "t-5").as_bytes(), Some("bmV2ZXI=")).0, 401);
    assert_eq!(listening.stop(), Some(0));
    let name = project.listing("data").into_iter().find(|name| name.contains("webhooks-")).unwrap();
    let day = name.trim_start_matches("data/webhooks-").trim_end_matches(".jsonl").to_owned();
    let rows = (1..=5).map(|number| format!("t-{number},{},USD,{day}T00:00:00Z\n", if number == 3 { 90 } else { 100 }));
    let ledger = std::iter::once("id,reward,currency,at\n".to_owned()).chain(rows).collect::<String>();
    project.write(&format!("data/ledger-{day}.csv"), ledger);
    project.write("jobs/received.yaml", JOB);
    project.run(&["run", "received", "--period", &day]).ended_with(0);
    let breaks = project.breaks(&format!("received/{day}/1"));
    let found: Vec<(&str, &str)> = breaks.iter().map(|found| (found[0].as_str(), found[1].as_str())).collect();
    assert!(found.contains(&("t-3", "reward_mismatch")), "{found:?}");
    assert!(found.iter().all(|(key, _)| matches!(*key, "t-3" | "t-5")), "{found:?}");
}
