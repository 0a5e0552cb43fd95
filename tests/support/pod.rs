//! A project whose artifacts are in a bucket, and pods that come and go: each begins with an empty folder to work in.

use super::project::{Output, TestProject};
use super::s3::{ACCESS_KEY, SECRET_KEY, Server};

pub(crate) struct Pods {
    pub(crate) project: TestProject,
    pub(crate) server: Server,
}

impl Pods {
    /// Has the project's artifacts in `s3://bucket/kept`, and its inputs where its jobs say.
    pub(crate) fn of(project: TestProject) -> Self {
        let pods = Self { project, server: Server::start() };
        pods.settle();
        pods
    }

    /// Says anew where artifacts are, after the project file was written anew.
    pub(crate) fn settle(&self) {
        settle(&self.project, &self.server);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        run_at(&self.project, arguments, variables)
    }

    /// The pod ends, and takes its folder along; the journal stays.
    pub(crate) fn fresh(&self) {
        let cache = self.project.path(".tieout/artifacts");
        if cache.exists() {
            std::fs::remove_dir_all(cache).unwrap();
        }
    }

    /// An artifact as the bucket holds it.
    pub(crate) fn kept(&self, key: &str) -> Vec<u8> {
        let path = self.server.path(&format!("kept/{key}"));
        std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; {:?}", path.display(), self.server.keys("kept")))
    }
}

/// Points a project at the bucket.
pub(crate) fn settle(project: &TestProject, server: &Server) {
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let s3 =
        format!("artifacts: s3://bucket/kept\ns3: {{endpoint: \"http://{}\", region: us-east-1}}\n", server.address);
    project.write("tieout.yaml", text.replace("artifacts: runs/\n", &s3));
}

/// The program, with the keys of the tests' store.
pub(crate) fn run_at(project: &TestProject, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = project.command(arguments);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("USER", "mara").envs(variables.iter().copied());
    project.ended(command.spawn().unwrap())
}
