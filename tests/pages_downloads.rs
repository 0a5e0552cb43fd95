//! Downloads of the pages: what is there and nothing else, for whoever may.

use tieout::digest::sha256;
use tieout::review::access::Role;

use crate::support::project::{DAY, TestProject};
use crate::support::read_pages::ReadPages;

const RUN: &str = "/runs/rewards/2025-03-19/1";

fn ran() -> TestProject {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    project
}

#[test]
fn every_file_of_a_run_is_handed_out_as_it_is_and_always_as_a_file() {
    let project = ran();
    let pages = ReadPages::of(&project, None);
    let names = project.listing(&format!("runs/rewards/{DAY}/1"));
    assert!(names.len() > 2, "{names:?}");
    for path in names {
        let name = path.rsplit('/').next().expect("a name");
        let (reply, bytes) = (pages.get(&format!("{RUN}/files/{name}")), project.read(&path));
        assert_eq!(reply.status, 200, "{name}");
        assert!(reply.bytes == bytes, "{name} is handed out byte for byte");
        let etag = format!("\"{}\"", sha256(&bytes));
        assert_eq!(reply.header("etag"), etag);
        assert_eq!(reply.header("content-length"), bytes.len().to_string());
        let saved_as = format!("attachment; filename=\"rewards-2025-03-19-1-{name}\"");
        assert_eq!(reply.header("content-disposition"), saved_as, "a page of a report is never one of ours");
        let again = pages.get_with(&format!("{RUN}/files/{name}"), &[("if-none-match", &etag)]);
        assert_eq!((again.status, again.bytes.len()), (304, 0));
    }
}

#[test]
fn no_path_leads_out_of_the_runs_folder() {
    let project = ran();
    let folder = project.path(&format!("runs/rewards/{DAY}/1"));
    std::os::unix::fs::symlink(project.path("tieout.yaml"), folder.join("link.json")).expect("a link");
    std::fs::create_dir(folder.join("inner")).expect("a folder");
    let pages = ReadPages::of(&project, Some(Role::Admin));
    for name in [
        "..",
        "../summary.json",
        "..%2fsummary.json",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2ftieout.yaml",
        "..%5c..%5ctieout.yaml",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "summary.json%00",
        "%00",
        "link.json",
        "inner",
        "inner%2f..%2fsummary.json",
        ".%2fsummary.json",
        "SUMMARY.JSON",
        "%ff",
        "",
    ] {
        for place in ["files", "inputs"] {
            let (status, text) = pages.raw(&format!("{RUN}/{place}/{name}"));
            assert!([400, 404].contains(&status), "{place}/{name}: {status}");
            assert!(!text.contains("client_secret") && !text.contains("root:"), "{place}/{name}: {text}");
        }
    }
    for run in ["..%2f..%2frewards/2025-03-19/1", "rewards/..%2f2025-03-19/1", "rewards/2025-03-19/01"] {
        assert_eq!(pages.raw(&format!("/runs/{run}/files/summary.json")).0, 404, "{run}");
    }
}

#[test]
fn inputs_as_received_are_for_those_who_may_read_them() {
    let project = ran();
    let ledger = project.read(&format!("data/ledger-{DAY}.csv"));
    let path = format!("{RUN}/inputs/{}", sha256(&ledger));
    for role in [None, Some(Role::Viewer)] {
        let reply = ReadPages::of(&project, role).get(&path);
        assert_eq!(reply.status, 403, "{role:?}");
        assert!(reply.text().contains("This takes the role preparer."));
    }
    let pages = ReadPages::of(&project, Some(Role::Preparer));
    let reply = pages.get(&path);
    assert_eq!((reply.status, &reply.bytes), (200, &ledger));
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\"ledger-2025-03-19.csv\""));
    assert_eq!(pages.get(&format!("{RUN}/inputs/{}", "0".repeat(64))).status, 404);
}
