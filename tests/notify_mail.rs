//! Notices by mail, to a server that speaks the protocol.

use std::time::Duration;

use tieout::notify::send::send;
use tieout::notify::{Counts, Matter, Notice, NoticeEvent};
use tieout::project::{Channel, Email, Security, Way};

use crate::support::mail_server::{MailServer, Manners};
use crate::support::project::{Output, TestProject};
use crate::support::utc;
use crate::support::watched::add;

/// A project that mails to the server, by this scheme.
fn project(server: &MailServer, scheme: &str, more: &str) -> TestProject {
    let project = TestProject::empty();
    let port = server.address.port();
    add(
        &project,
        &format!(
            "notify:\n  channels:\n    mail:\n      email: {{smtp: \"{scheme}://localhost:{port}\", from: \"Tie Out \
             <tieout@acme.example>\", to: [ops@acme.example, \"Mara Lind <mara@acme.example>\"]{more}}}\n"
        ),
    );
    project.write("keys/mail", "open sesame\n");
    project.write("certificate.pem", &server.certificate);
    project
}

const LOGIN: &str = ", username: tieout, password: {file: keys/mail}";

/// `tieout notify test`, by a machine that knows the server's certificate.
fn tried(project: &TestProject) -> Output {
    let mut command = project.command(&["notify", "test", "--format", "csv"]);
    command.env("SSL_CERT_FILE", project.path("certificate.pem")).env_remove("SSL_CERT_DIR");
    project.ended(command.spawn().unwrap())
}

#[test]
fn a_mail_goes_over_tls_with_a_login_as_plain_text() {
    let table = [
        ("smtps", Manners { wrapped: true, login: true, ..Manners::default() }),
        ("smtp", Manners { starttls: true, login: true, ..Manners::default() }),
    ];
    for (scheme, manners) in table {
        let server = MailServer::start(manners);
        let tried = tried(&project(&server, scheme, LOGIN)).ended_with(0);
        assert_eq!(tried.stdout, "channel,taken,answer\nmail,true,250 queued as 4711\n", "{scheme}");
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{scheme}");
        let mail = &mails[0];
        assert!(mail.encrypted && mail.logged_in, "{scheme}");
        assert_eq!(
            (mail.from.as_str(), mail.to.as_slice()),
            ("tieout@acme.example", &["ops@acme.example".to_owned(), "mara@acme.example".to_owned()][..])
        );
        assert_eq!(mail.header("Subject"), "[TEST] tieout: failed: test 2025-03-19, attempt 1");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(mail.header("Content-Type").starts_with("text/plain"), "{}", mail.text);
        let id = mail.header("X-Tieout-Event-Id");
        assert_eq!(mail.header("Message-ID"), format!("<{id}@acme.example>"));
        let body = mail.body();
        assert!(body.starts_with("[TEST] FAILED: test 2025-03-19, attempt 1\nNothing is the matter: "), "{body}");
        assert!(body.contains(&format!("\nEvent {id} of ")), "{body}");
    }
}

#[test]
fn a_server_that_nobody_vouches_for_or_that_refuses_the_login_gets_no_mail_and_no_password_is_told() {
    let server = MailServer::start(Manners { wrapped: true, login: true, ..Manners::default() });
    let stranger = project(&server, "smtps", LOGIN);
    stranger.write("certificate.pem", MailServer::start(Manners::default()).certificate);
    let refused = tried(&stranger).ended_with(1);
    assert!(refused.stdout.contains("mail,false,") && refused.stdout.contains("certificate"), "{}", refused.stdout);
    let wrong = project(&server, "smtps", LOGIN);
    wrong.write("keys/mail", "hunter2 is wrong\n");
    let refused = tried(&wrong).ended_with(1);
    assert!(refused.stdout.contains("535"), "{}", refused.stdout);
    assert!(!refused.stdout.contains("hunter2") && !refused.stderr.contains("hunter2"), "{refused:?}");
    assert!(server.mails().is_empty());
}

#[test]
fn a_run_whose_mail_is_put_off_sends_it_with_the_next_one() {
    let server = MailServer::start(Manners { starttls: true, busy: 1, ..Manners::default() });
    let project = project(&server, "smtp", "");
    project.write("jobs/rewards.yaml", "job: rewards\nperiod: 7\n");
    let run = |told: &str| {
        let mut command = project.command(&["run", "rewards", "--period", "2025-03-19"]);
        command.env("SSL_CERT_FILE", project.path("certificate.pem")).env_remove("SSL_CERT_DIR");
        let ended = project.ended(command.spawn().unwrap()).ended_with(78);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    };
    run("mail is not notified: mail server: ");
    assert!(server.mails().is_empty());
    run("mail is notified: 250 queued as 4711");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("Subject"), "tieout: failed: rewards 2025-03-19");
    assert!(mails[0].body().starts_with("FAILED: rewards 2025-03-19\nExit code 78: the configuration is wrong.\n"));
    run("error: ");
    assert_eq!(server.mails().len(), 1);
}

fn hostile() -> Notice {
    let text = "x\r\nBcc: evil@evil.example\r\n\r\n<b>hello</b>\u{202e}".to_owned();
    Notice {
        id: "00ff".repeat(8),
        at: utc("2025-03-20T13:45:00Z"),
        job: text.clone(),
        period: text.clone(),
        attempt: None,
        exit_code: None,
        matters: vec![Matter { event: NoticeEvent::Failed, lines: vec![text] }],
        figures: Counts::default(),
        link: None,
        test: false,
    }
}

fn channel(server: &MailServer, security: Security) -> Channel {
    let email = Email {
        host: "localhost".to_owned(),
        port: server.address.port(),
        security,
        from: "a@acme.example".parse().unwrap(),
        to: vec!["b@acme.example".parse().unwrap()],
        login: None,
    };
    Channel { way: Way::Email(Box::new(email)), events: None, jobs: None }
}

#[tokio::test]
async fn no_text_becomes_a_header_and_the_mail_stays_plain() {
    let server = MailServer::start(Manners::default());
    let notice = hostile();
    send(&channel(&server, Security::Local), &notice, notice.at).await.unwrap();
    let mail = &server.mails()[0];
    assert_eq!(mail.to, ["b@acme.example"]);
    let names: Vec<String> =
        mail.headers().iter().map(|line| line.split(':').next().unwrap().to_ascii_lowercase()).collect();
    assert!(!names.contains(&"bcc".to_owned()), "{names:?}");
    assert!(mail.header("Content-Type").starts_with("text/plain"));
    assert!(mail.body().lines().all(|line| !line.starts_with("Bcc")), "{}", mail.body());
}

#[tokio::test]
async fn where_starttls_is_insisted_on_nothing_is_sent_in_the_clear() {
    let server = MailServer::start(Manners::default());
    let notice = hostile();
    let channel = channel(&server, Security::StartTls);
    let sent = tokio::time::timeout(Duration::from_secs(20), send(&channel, &notice, notice.at));
    let error = sent.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("mail server: "), "{error}");
    assert!(server.mails().is_empty());
}
