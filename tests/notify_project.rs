//! `notify:`, `ops:` and `metrics:` in tieout.yaml: what they mean, and what is told when they are wrong.

use std::time::Duration;

use tieout::project::{NoticeEvent, Project, Secret, Security, Way};

use crate::project_files::Workspace;

const WATCHED: &str = "\
notify:
  link: https://reports.acme.example/{job}/{period}/{attempt}/report.html
  late_after: 90m
  channels:
    finance: {slack: {url: {env: SLACK_URL}}, events: [gate_breached, resolved], jobs: [rewards-daily]}
    pager: {webhook: {url: https://alerts.acme.example/tieout, secret: {file: keys/pager}}}
    mail:
      email: {smtp: smtps://mail.acme.example, from: Tieout <tieout@acme.example>, to: [ops@acme.example],
        username: tieout, password: {env: MAIL_PASSWORD}}
    relay: {email: {smtp: smtp://relay.acme.example, from: a@acme.example, to: [b@acme.example, c@acme.example]}}
ops: {bind: 127.0.0.1:9464}
metrics: {push: 'http://gateway.example:9091/', textfile: 'metrics/tieout-{job}.prom'}
";

fn problems(text: &str) -> Vec<String> {
    match Project::load(Workspace::new(text).root()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(tieout::config::Problem::headline).collect(),
    }
}

#[test]
fn channels_the_port_and_the_metrics_are_read() {
    let workspace = Workspace::new(WATCHED);
    let project = workspace.project();
    let notify = &project.notify;
    assert_eq!(notify.late_after, Duration::from_mins(90));
    assert_eq!(notify.channels.keys().collect::<Vec<_>>(), ["finance", "mail", "pager", "relay"]);
    let finance = &notify.channels["finance"];
    assert_eq!(finance.way, Way::Slack { url: Secret::Env("SLACK_URL".to_owned()) });
    assert!(finance.wants("rewards-daily", &[NoticeEvent::Failed, NoticeEvent::Resolved]));
    assert!(!finance.wants("rewards-daily", &[NoticeEvent::Failed]) && !finance.wants("other", &NoticeEvent::ALL));
    assert!(notify.channels["pager"].wants("other", &[NoticeEvent::Late]));
    assert_eq!(
        notify.channels["pager"].secrets(),
        [("webhook.secret", &Secret::File(workspace.root().join("keys/pager")))]
    );
    let server = |name: &str| match &notify.channels[name].way {
        Way::Email(email) => (email.host.clone(), email.port, email.security, email.to.len(), email.login.is_some()),
        other => panic!("{other:?}"),
    };
    assert_eq!(server("mail"), ("mail.acme.example".to_owned(), 465, Security::Tls, 1, true));
    assert_eq!(server("relay"), ("relay.acme.example".to_owned(), 587, Security::StartTls, 2, false));
    assert_eq!(project.ops, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(project.metrics.push.as_deref(), Some("http://gateway.example:9091"));
    assert_eq!(project.metrics.textfile, Some(workspace.root().join("metrics/tieout-{job}.prom")));
}

#[test]
fn without_these_blocks_nobody_is_told_and_no_port_is_opened() {
    let project = Workspace::new("providers: {}\n").project();
    assert!(project.notify.channels.is_empty() && project.ops.is_none());
    assert_eq!(project.notify.late_after, Duration::from_hours(1));
    assert_eq!((project.metrics.push, project.metrics.textfile), (None, None));
}

#[test]
fn a_sandbox_alarms_nobody() {
    let project = Workspace::new(WATCHED).project().with_sandbox("http://127.0.0.1:1");
    assert!(project.notify.channels.is_empty() && project.metrics.push.is_none() && project.metrics.textfile.is_none());
}

/// What is written, and all that is told of it.
const MISTAKES: [(&str, &str); 16] = [
    (
        "notify: {channels: {a: {events: [failed]}}}",
        "tieout.yaml:1:21: channel `a` does not say one way; expected one of `slack`, `webhook`, `email`",
    ),
    (
        "notify: {channels: {a: {slack: {url: {env: A}}, webhook: {url: 'https://a.example', secret: {env: B}}}}}",
        "tieout.yaml:1:21: channel `a` does not say one way; expected one of `slack`, `webhook`, `email`",
    ),
    (
        "notify: {channels: {A b: {slack: {url: {env: A}}}}}",
        "tieout.yaml:1:21: `A b` is no name of a channel; expected small letters, digits, hyphens and underscores",
    ),
    (
        "notify: {channels: {a: {slack: {url: {env: A}}, events: []}}}",
        "tieout.yaml:1:57: `events` is empty; leave it out to be told of all",
    ),
    (
        "notify: {channels: {a: {webhook: {url: 'http://a.example/x', secret: {env: B}}}}}",
        "tieout.yaml:1:40: `url` begins with http://; expected https://, since credentials pass over it",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'smtps://u:hunter2@m.example', from: a@b.example, to: [c@d.example]}}}}",
        "tieout.yaml:1:39: `smtp` holds a user name or password; a secret never stands in this file; use username \
         and password",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'imap://m.example', from: a@b.example, to: [c@d.example]}}}}",
        "tieout.yaml:1:39: `smtp` is no mail server; expected smtps://HOST or smtp://HOST (STARTTLS), with :PORT where \
         it is not 465 or 587",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'smtps://m.example', from: nobody, to: [c@d.example]}}}}",
        "tieout.yaml:1:66: `from` holds what is no mail address; expected one such as ops@acme.example",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'smtps://m.example', from: \"a@b.example\\r\\nBcc: x@y.example\", to: [c@d.example]}}}}",
        "tieout.yaml:1:66: `from` holds what is no mail address; expected one such as ops@acme.example",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'smtps://m.example', from: a@b.example, to: []}}}}",
        "tieout.yaml:1:83: `to` is empty; expected addresses",
    ),
    (
        "notify: {channels: {a: {email: {smtp: 'smtps://m.example', from: a@b.example, to: [c@d.example], username: u}}}}",
        "tieout.yaml:1:25: `username` and `password` go together; here is only one of them",
    ),
    (
        "notify: {link: 'https://a.example/{run}'}",
        "tieout.yaml:1:16: `link` has a placeholder that nobody fills; expected {job}, {period} and {attempt} only",
    ),
    (
        "notify: {link: '{job}'}",
        "tieout.yaml:1:16: `link` is no address; expected one such as \
         https://reports.acme.example/{job}/{period}/{attempt}/",
    ),
    (
        "ops: {bind: here}",
        "tieout.yaml:1:13: `bind` is `here`; expected an IP address and a port, such as 127.0.0.1:9464",
    ),
    (
        "metrics: {push: 'ftp://a'}",
        "tieout.yaml:1:17: `push` is no address of a Pushgateway; expected one such as http://127.0.0.1:9091",
    ),
    (
        "metrics: {textfile: metrics.txt}",
        "tieout.yaml:1:21: `textfile` is `metrics.txt`; expected a path that ends in .prom, as the collector wants it",
    ),
];

#[test]
fn each_mistake_is_told_with_its_place_and_without_secrets() {
    for (written, told) in MISTAKES {
        assert_eq!(problems(&format!("{written}\n")), [told], "{written}");
    }
    let unknown = problems("notify: {channels: {a: {slack: {url: {env: A}}, events: [fail]}}}\n");
    assert!(unknown.len() == 1 && unknown[0].contains("fail"), "{unknown:?}");
}
