//! The pages of a project on a port of this machine, read as somebody of a role.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use tieout::journal::Journal;
use tieout::project::Project;
use tieout::review::access::{Person, Role, Visitor};
use tieout::review::desk::Desk;
use tieout::review::pages::routes;
use tokio::runtime::Runtime;

use super::project::TestProject;

/// The pages, served until this is dropped.
#[derive(Debug)]
pub(crate) struct ReadPages {
    address: SocketAddr,
    runtime: Runtime,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("a page is text")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }
}

impl ReadPages {
    /// Serves a project's pages to somebody of this role; to nobody in particular where there is none.
    pub(crate) fn of(project: &TestProject, role: Option<Role>) -> Self {
        let person = role.map(|role| Person { name: "Mara Lind".to_owned(), role });
        let visitor = Visitor { person, form_token: Some("token-1".to_owned()), sign_in: true };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let root = project.path("").canonicalize().expect("the project's folder is there");
        let address = runtime.block_on(async {
            let loaded = Project::load(&root).expect("the project file is right");
            let journal = Arc::new(Journal::open(&loaded.state).await.expect("the journal opens"));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let pages = routes().layer(Extension(visitor)).with_state(Desk::new(loaded, journal));
            tokio::spawn(async move { axum::serve(listener, pages).await });
            address
        });
        Self { address, runtime }
    }

    /// Asks for a path exactly as it is written.
    pub(crate) fn raw(&self, path: &str) -> (u16, String) {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address).expect("the pages answer");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: pages\r\nConnection: close\r\n\r\n").expect("the pages listen");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the pages answer to the end");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
        (status, text)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        _ = rustls::crypto::ring::default_provider().install_default();
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
            let mut request = client.expect("a client").get(format!("http://{}{path}", self.address));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let reply = request.send().await.expect("the pages answer");
            let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
            Reply { status, headers, bytes: reply.bytes().await.expect("to the end").to_vec() }
        })
    }

    /// A page that is there.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }
}
