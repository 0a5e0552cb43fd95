//! Signing on the pages: what is shown to whom, what is posted, what is refused.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tieout::journal::Journal;
use tieout::project::Project;
use tieout::review::access::{Person, Role, Visitor};
use tieout::review::desk::Desk;
use tieout::review::form::Form;
use tieout::review::{actions, form, pages};

use crate::support::project::TestProject;

const RUN: &str = "rewards/2025-03-19/1";

/// The pages as this visitor is shown them.
struct Shown {
    base: String,
    client: reqwest::Client,
}

fn visitor(name: &str, role: Role) -> Visitor {
    Visitor {
        person: Some(Person { name: name.to_owned(), role }),
        form_token: Some("a token".to_owned()),
        sign_in: true,
    }
}

/// What the guard does for somebody who is signed in.
async fn known(visitor: Visitor, request: Request, next: Next) -> Response {
    let (mut request, form) = match request.method() {
        &Method::POST => form::read(request).await.unwrap(),
        _ => (request, Form::default()),
    };
    request.extensions_mut().insert(visitor);
    request.extensions_mut().insert(form);
    next.run(request).await
}

impl Shown {
    async fn to(project: &TestProject, visitor: Visitor) -> Self {
        let settings = Project::load(&project.path("")).unwrap();
        let journal = Arc::new(Journal::open(&settings.state).await.unwrap());
        let layer = axum::middleware::from_fn(move |request, next| known(visitor.clone(), request, next));
        let routes = pages::routes().merge(actions::routes()).layer(layer);
        let service = routes.with_state(Desk::new(settings, journal));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base, client }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let reply = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }

    /// Status, where it leads, and the page.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let url = reqwest::Url::parse_with_params("http://x/", fields).unwrap();
        let post = self.client.post(format!("{}{path}", self.base));
        let post =
            post.header("content-type", "application/x-www-form-urlencoded").body(url.query().unwrap().to_owned());
        let reply = post.send().await.unwrap();
        let leads = reply.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        (reply.status().as_u16(), leads.unwrap_or_default(), reply.text().await.unwrap())
    }
}

fn digest_in(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"digest\" value=\"").expect("a form with its digest");
    rest[..64].to_owned()
}

fn run_by_ada() -> TestProject {
    let project = TestProject::small();
    project.run_day(&["--by", "Ada"]).ended_with(0);
    project
}

const PAGE: &str = "/runs/rewards/2025-03-19/1/sign-off";

#[test]
fn a_report_is_signed_on_its_page_by_two_people() {
    let project = run_by_ada();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mara = Shown::to(&project, visitor("Mara Lind", Role::Preparer)).await;
        let (status, page) = mara.get(PAGE).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("Nobody has signed this report.") && page.contains("Sign as preparer"), "{page}");
        assert!(!page.contains("Sign off as reviewer"), "a preparer does not review");
        assert!(page.contains("name=\"token\" value=\"a token\""), "{page}");
        let digest = digest_in(&page);
        let fields = [("as", "preparer"), ("digest", &digest), ("statement", "<script>alert(1)</script>")];
        let (status, leads, _) = mara.post(PAGE, &fields).await;
        assert_eq!((status, leads), (303, format!("{PAGE}?done=prepared")));

        let robin = Shown::to(&project, visitor("Robin", Role::Reviewer)).await;
        let (_, page) = robin.get(&format!("{PAGE}?done=prepared")).await;
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>alert"), "{page}");
        assert!(page.contains("The report is prepared.") && page.contains("waits for its review"), "{page}");
        let fields = [("as", "reviewer"), ("digest", &digest_in(&page)), ("statement", "reviewed")];
        assert_eq!(robin.post(PAGE, &fields).await.0, 303);
        let (_, page) = robin.get(PAGE).await;
        assert!(page.contains("This report is signed off.") && !page.contains("Withdraw the signatures"), "{page}");

        let admin = Shown::to(&project, visitor("Ada", Role::Admin)).await;
        assert!(admin.get(PAGE).await.1.contains("Withdraw the signatures"));
        let (status, leads, _) = admin.post(&format!("{PAGE}/withdraw"), &[("reason", "again")]).await;
        assert_eq!((status, leads), (303, format!("{PAGE}?done=withdrawn")));
        assert!(admin.get(PAGE).await.1.contains("the signatures were withdrawn"));
    });
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn whoever_may_not_sign_is_refused_and_nothing_is_written() {
    let project = run_by_ada();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let digest = digest_in(&Shown::to(&project, visitor("Mara", Role::Preparer)).await.get(PAGE).await.1);
        let preparing = [("as", "preparer"), ("digest", digest.as_str()), ("statement", "checked")];
        let reviewing = [("as", "reviewer"), ("digest", digest.as_str()), ("statement", "checked")];
        for (visitor, fields) in [
            (Visitor::default(), preparing),
            (visitor("Vi", Role::Viewer), preparing),
            (visitor("Mara", Role::Preparer), reviewing),
        ] {
            let shown = Shown::to(&project, visitor).await;
            let (status, _, page) = shown.post(PAGE, &fields).await;
            assert!(status == 403 && page.contains("Nothing was done."), "{status} {page}");
            let (status, _, _) = shown.post(&format!("{PAGE}/withdraw"), &[("reason", "again")]).await;
            assert_eq!(status, 403);
        }
        assert!(!Shown::to(&project, Visitor::default()).await.get(PAGE).await.1.contains("<textarea"));

        // Ada has started the run: alone she cannot sign it off, and what she typed is shown again.
        let ada = Shown::to(&project, visitor("Ada", Role::Reviewer)).await;
        assert!(ada.get(PAGE).await.1.contains("Sign off as reviewer: not now, <bdi>nobody has prepared"));
        let typed = [("as", "reviewer"), ("digest", digest.as_str()), ("statement", "my own words")];
        let (status, _, page) = ada.post(PAGE, &typed).await;
        assert!(status == 409 && page.contains("who made a report does not review it alone"), "{status} {page}");
        let other = [("as", "preparer"), ("digest", &*"0".repeat(64)), ("statement", "my own words")];
        let (status, _, page) = ada.post(PAGE, &other).await;
        assert!(
            status == 409 && page.contains("is not the one that was seen") && page.contains("my own words"),
            "{page}"
        );
        for (fields, expected) in [
            (vec![("as", "owner"), ("digest", digest.as_str()), ("statement", "x")], 400),
            (vec![("as", "preparer")], 400),
            (vec![("as", "preparer"), ("digest", digest.as_str()), ("statement", " ")], 409),
        ] {
            assert_eq!(ada.post(PAGE, &fields).await.0, expected, "{fields:?}");
        }
        for path in ["/runs/rewards/2025-03-19/7/sign-off", "/runs/..%2F..%2Fetc/passwd/1/sign-off"] {
            assert_eq!(ada.get(path).await.0, 404, "{path}");
        }
    });
    assert_eq!(project.run(&["sign-offs", "--format", "json"]).ended_with(0).stdout.trim(), "[]");
}

#[test]
fn a_superseded_signature_is_loud_and_evidence_is_downloaded() {
    let project = run_by_ada();
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    project.run_day(&["--by", "Ada"]).ended_with(0);
    project.run(&["evidence", RUN, "-o", "evidence.zip"]).ended_with(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let shown = Shown::to(&project, Visitor::default()).await;
        let page = shown.get(PAGE).await.1;
        assert!(
            page.contains("Superseded: this report was prepared") && page.contains("/runs/rewards/2025-03-19/2"),
            "{page}"
        );
        let reply = shown.client.get(format!("{}/runs/{RUN}/evidence.zip", shown.base)).send().await.unwrap();
        assert_eq!(reply.headers()["content-type"], "application/zip");
        assert_eq!(
            reply.headers()["content-disposition"],
            "attachment; filename=\"evidence-rewards-2025-03-19-1.zip\""
        );
        assert_eq!(reply.bytes().await.unwrap(), project.read("evidence.zip"), "as from the command line");
        assert_eq!(shown.get("/runs/rewards/2025-03-19/9/evidence.zip").await.0, 404);
    });
}

#[test]
fn calendar_run_page_and_journal_tell_of_signatures_until_a_later_attempt_supersedes_them() {
    let project = run_by_ada();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let says = |path: &'static str| {
        let shown = Shown::to(&project, visitor("Vi", Role::Viewer));
        runtime.block_on(async { shown.await.get(path).await.1 })
    };
    let cell = || {
        let page = says("/?month=2025-03");
        let (_, cell) = page.split_once(&format!("href=\"/runs/{RUN}\"")).expect("the cell of the period");
        cell.split_once("</a>").unwrap().0.to_owned()
    };
    assert!(!cell().contains("prepared") && !cell().contains("signed off"), "{}", cell());
    project.run(&["sign-off", RUN, "--by", "Mara Lind", "--statement", "<b>counted</b>"]).ended_with(0);
    assert!(cell().contains(", prepared"), "{}", cell());
    project.run(&["sign-off", RUN, "--as", "reviewer", "--by", "Robin"]).ended_with(0);
    assert!(cell().contains(", signed off"), "{}", cell());
    project.run_day(&["--by", "Ada"]).ended_with(0);
    assert!(!says("/?month=2025-03").contains(", signed off"), "the last attempt is not signed");
    assert!(says("/runs/rewards/2025-03-19/1").contains("Superseded: "));

    runtime.block_on(async {
        let settings = Project::load(&project.path("")).unwrap();
        let journal = Journal::open(&settings.state).await.unwrap();
        journal.sign_in_failed("Robin", "192.0.2.7", 0).await.unwrap();
    });
    let page = says("/journal");
    for said in [
        "prepared for review, report ",
        "&lt;b&gt;counted&lt;/b&gt;",
        "signed off, report ",
        "<bdi>Mara Lind</bdi>",
        "sign-in refused, from 192.0.2.7",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(&format!("report of <a href=\"/runs/{RUN}\">")), "{page}");
    assert!(!page.contains("&quot;sequence&quot;"), "no entry is shown as raw text");
}

#[test]
fn inputs_are_linked_for_those_who_may_have_them() {
    let project = run_by_ada();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (role, may) in [(Role::Viewer, false), (Role::Preparer, true)] {
        let page = runtime.block_on(async {
            let shown = Shown::to(&project, visitor("Vi", role)).await;
            shown.get(&format!("/runs/{RUN}")).await.1
        });
        assert_eq!(page.contains(&format!("href=\"/runs/{RUN}/inputs/")), may, "{role:?}");
    }
}
