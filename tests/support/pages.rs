//! The pages of `tieout serve --review-only` over a port of their own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;

use reqwest::redirect::Policy;

use super::project::TestProject;

/// A process that shows the pages of a project.
#[derive(Debug)]
pub(crate) struct Pages {
    process: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) address: String,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Pages {
    /// Begins to show the pages.
    pub(crate) fn of(project: &TestProject) -> Self {
        let mut file = std::fs::OpenOptions::new().append(true).open(project.path("tieout.yaml")).unwrap();
        file.write_all(b"review: {bind: \"127.0.0.1:0\"}\n").unwrap();
        let mut process = project.command(&["serve", "--review-only"]).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "{said}");
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("pages for review on ") {
                break address.trim().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self { process, address }
    }

    /// The answer at a path; where it leads elsewhere, that it does.
    pub(crate) fn get(&self, path: &str) -> Reply {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
            let reply = client.get(format!("{}{path}", self.address)).send().await.unwrap();
            let status = reply.status().as_u16();
            let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
            let headers = reply.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            Reply { status, headers, body: reply.text().await.unwrap() }
        })
    }

    /// A page that is there.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.body
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        text(&self.body)
    }
}

/// What a reader sees of a page: its text, with single spaces.
pub(crate) fn text(page: &str) -> String {
    let body = page.split("<main").nth(1).unwrap_or(page);
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap_or((part, ""));
        let name = tag.trim_start_matches('/').split([' ', '>']).next().unwrap_or_default();
        // What stands beside each other in a line is read in one go.
        if !["b", "bdi", "a", "span", "time", "code"].contains(&name) {
            text.push(' ');
        }
        text.push_str(after);
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
