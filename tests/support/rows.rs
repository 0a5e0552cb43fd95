//! A provider that answers datasets: a sandbox with a world of its own, and the rows that it answers.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tieout::exit::Failure;
use tieout::providers::{Ask, Asked, Fetched, Provider, RowWriter};
use tieout::sandbox::{Options, Sandbox};
use tieout::sources::Origin;
use tieout::sources::store::RawStore;

use super::{day, plan, write_samples};

/// The sandbox and its folder.
#[derive(Debug)]
pub(crate) struct Played {
    folder: TempDir,
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

/// What one call was answered with.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn number(&self, header: &str) -> i64 {
        self.headers[header].to_str().unwrap().parse().unwrap()
    }
}

impl Played {
    /// Files of the samples folder: path and text.
    pub(crate) async fn start(files: &[(&str, String)], faults: &str) -> Self {
        Self::start_with(files, faults, |_| {}).await
    }

    /// The same, with a last word on the sandbox's options.
    pub(crate) async fn start_with(files: &[(&str, String)], faults: &str, options: impl FnOnce(&mut Options)) -> Self {
        let folder = TempDir::new().unwrap();
        let kard = folder.path().join("samples/kard");
        std::fs::create_dir_all(&kard).unwrap();
        write_samples(&kard, &[]);
        for (path, text) in files {
            let path = folder.path().join("samples").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut wanted = Options { faults: plan(faults), ..Options::new(kard) };
        options(&mut wanted);
        let sandbox = Sandbox::start(wanted).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { folder, sandbox, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Each line that a dataset of 2025-03-19 comes to, and what came of it.
    pub(crate) async fn fetch(
        &self,
        provider: &dyn Provider,
        dataset: &str,
        ids: &[Asked],
    ) -> Result<(Vec<String>, Fetched), Failure> {
        let store = RawStore::open(self.folder.path().join("raw")).unwrap();
        let mut rows = RowWriter::new(store.begin().unwrap());
        let period = day("2025-03-19");
        let fetched = provider.fetch(&Ask { dataset, period: &period, ids }, &mut rows).await?;
        let file = rows.into_file().finish("rows".to_owned(), Origin::Path { path: "rows".to_owned() }).unwrap();
        let text = std::fs::read_to_string(file.stored).unwrap();
        Ok((text.lines().map(str::to_owned).collect(), fetched))
    }

    /// One call as anybody makes it: below the sandbox's address, with these headers and this body.
    pub(crate) async fn call(&self, call: &str, headers: &[(&str, &str)], body: Option<&str>) -> Told {
        let (method, path) = call.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.sandbox.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.body(body.unwrap_or_default().to_owned()).send().await.unwrap();
        let (status, headers) = (reply.status(), reply.headers().clone());
        Told { status, headers, text: reply.text().await.unwrap() }
    }

    /// The requests that were received, as `METHOD path status`; `-` for none.
    pub(crate) fn requests(&self) -> Vec<String> {
        let words = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
        let line =
            |entry: tieout::sandbox::Received| format!("{} {} {}", entry.method, entry.path, words(entry.status));
        self.sandbox.received().into_iter().map(line).collect()
    }

    /// How many of the requests begin so.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.requests().iter().filter(|request| request.starts_with(call)).count()
    }
}

/// Ids without anything beside them.
pub(crate) fn ids(ids: &[&str]) -> Vec<Asked> {
    ids.iter().map(|id| Asked { id: (*id).to_owned(), with: Vec::new() }).collect()
}

/// A failure with all its causes, the sandbox's address written as HOST.
pub(crate) fn told(failure: &Failure, host: &str) -> String {
    format!("{:#}", failure.source).replace(host, "HOST")
}
