//! What a clone of the repository holds, and the program run in it as a newcomer runs it: with `--sandbox` and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::project::{copy_folder, keyed_rows};

#[derive(Debug)]
pub(crate) struct Newcomer {
    folder: TempDir,
}

impl Newcomer {
    /// A copy with the samples of Kard and of this provider.
    pub(crate) fn of(provider: &str) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = TempDir::new().unwrap();
        std::fs::copy(repository.join("tieout.yaml"), folder.path().join("tieout.yaml")).unwrap();
        let samples = format!("samples/{provider}");
        for name in ["jobs", "samples/kard", "samples/data", &samples] {
            copy_folder(&repository.join(name), &folder.path().join(name));
        }
        Self { folder }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Changes a text file of the copy.
    pub(crate) fn change(&self, relative: &str, change: impl FnOnce(String) -> String) {
        let path = self.path(relative);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(text)).unwrap();
    }

    /// Runs a job for a day in the sandbox; the program has to end with `code`. What it said on both ways.
    #[track_caller]
    pub(crate) fn run(&self, job: &str, day: &str, code: i32) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(["run", job, "--period", day, "--sandbox"]).current_dir(self.folder.path()).env("USER", "mara");
        command.env_remove("NO_COLOR").env_remove("RUST_LOG");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr): (String, String) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "\n{stdout}\n{stderr}");
        (stdout, stderr)
    }

    /// Key, kind, currency and measure of each break that a run found, sorted.
    pub(crate) fn breaks(&self, run: &str) -> Vec<[String; 4]> {
        keyed_rows(&self.path(&format!("sandbox/runs/{run}/breaks.csv")))
    }

    /// The same of a file of truth in the samples.
    pub(crate) fn truth(&self, name: &str) -> Vec<[String; 4]> {
        keyed_rows(&self.path(&format!("samples/data/{name}.csv")))
    }

    /// A run's `summary.json`.
    pub(crate) fn summary(&self, run: &str) -> Value {
        let path = self.path(&format!("sandbox/runs/{run}/summary.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}
