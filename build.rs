//! Tells the program which commit it is built from: `TIEOUT_COMMIT` where it is set (an image has no
//! repository), else what git says, else nothing.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=TIEOUT_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(commit) = std::env::var("TIEOUT_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(head) {
        println!("cargo::rustc-env=TIEOUT_COMMIT={commit}");
    }
}

/// The commit that is checked out. A new one is seen when HEAD or the branch that it names moves.
fn head() -> Option<String> {
    for name in ["HEAD".to_owned(), git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default()] {
        if let Some(path) = git(&["rev-parse", "--git-path", &name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
