//! The pages in a real browser: the overview, and the page on which a report is signed.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use crate::support::browser::Browser;
use crate::support::project::TestProject;

const RUN: &str = "rewards/2025-03-19/1";

/// The pages under way, and where they are.
pub(crate) struct Pages {
    process: Child,
    pub(crate) base: String,
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pages {
    /// `tieout serve --review-only` on a free port.
    pub(crate) fn of(project: &TestProject) -> Self {
        Self::with(project, "")
    }

    /// The same with more lines of `review:`, indented.
    pub(crate) fn with(project: &TestProject, more: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = String::from_utf8(project.read("tieout.yaml")).unwrap();
        project.write("tieout.yaml", format!("{settings}review:\n  bind: {port}\n{more}"));
        let mut process = project.command(&["serve", "--review-only"]).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let base = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "{said}");
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("pages for review on ") {
                break address.trim().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self { process, base }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
async fn the_overview_and_the_page_of_signatures_are_shown_to_everybody() {
    let project = tokio::task::spawn_blocking(|| {
        let project = TestProject::small();
        project.run_day(&["--by", "Ada"]).ended_with(0);
        project.run(&["sign-off", RUN, "--by", "Mara Lind"]).ended_with(0);
        project
    });
    let project = project.await.unwrap();
    let pages = Pages::of(&project);
    let browser = Browser::start().await;

    browser.open(&pages.base).await;
    browser.has("Periods").await;
    browser.has("rewards").await;
    browser.has("3 breaks").await;
    browser.is_accessible().await;
    browser.shots("overview").await;

    browser.open(&format!("{}/runs/{RUN}/sign-off", pages.base)).await;
    browser.has("This report is prepared, and waits for its review.").await;
    browser.has("Mara Lind").await;
    assert_eq!(browser.count("h1").await, 1);
    assert_eq!(browser.count("textarea").await, 0, "nobody has signed in");
    browser.is_accessible().await;
    browser.shots("sign-off").await;
    browser.is_quiet().await;
    drop(browser);
    drop(pages);
    tokio::task::spawn_blocking(move || drop(project)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
async fn the_driver_does_what_a_reader_does() {
    let browser = Browser::start().await;
    let page = "data:text/html,<label>Name <input id=name></label><button onclick=\"document.body.append(' pressed by ' \
                + document.querySelector('input').value)\">Press me</button><a href=\"%23end\" \
                onclick=\"document.body.append(' followed')\">Follow me</a>";
    browser.open(page).await;
    browser.fill("#name", "Mara").await;
    browser.press("Press me").await;
    browser.has("pressed by Mara").await;
    browser.click("#name").await;
    browser.keys(" Lind").await;
    browser.click("button").await;
    browser.has("pressed by Mara Lind").await;
    browser.follow("Follow me").await;
    browser.has("followed").await;
}
