//! A disk that is full and a disk that cannot be written: the exit code, the message, and nothing half-written.
//!
//! A small or read-only file system is mounted where only the program sees it (user namespaces need no rights).
//! Where the machine refuses that, a limit on file sizes and folder modes take its place.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::project::{DAY, Output, TestProject, job, ledger_rows, rows, settled};

/// The user with the fewest rights.
const NOBODY: u32 = 65_534;

/// Whether this machine lets a process mount a file system of its own.
fn can_mount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=64k none . && mount -o remount,ro,bind . .";
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
        .current_dir(folder.path())
        .output()
        .is_ok_and(|output| output.status.success())
}

/// `tieout run rewards`, after `before` was done by a shell in the project's folder, and followed by `after`.
fn run_after(project: &TestProject, before: &str, after: &str) -> Output {
    let script = format!("{before} || exit 99; \"$@\"; code=$?; {after}; exit $code");
    let shell = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    run_behind(project, if can_mount() { &shell } else { &shell[4..] })
}

fn run_behind(project: &TestProject, shell: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_tieout");
    let process = project.wrapped(shell, &[program, "run", "rewards", "--period", DAY, "-q"]).spawn().unwrap();
    project.ended(process)
}

/// So many rows of about 40 bytes each.
fn many_rows(count: u32) -> Vec<u8> {
    let many: Vec<String> = (0..count).map(|row| format!("t-{row},1.00,USD,2025-03-19T01:00:00Z")).collect();
    rows(&many.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Room for 128 KB in `runs`, and what a write beyond it is told.
fn little_room() -> (&'static str, &'static str) {
    if can_mount() {
        ("mount -t tmpfs -o size=128k none runs", "No space left on device")
    } else {
        ("trap '' XFSZ; ulimit -f 256", "File too large")
    }
}

/// Files that stand below a folder as a shell saw them, without the folders.
const SHOW: &str = "find runs -type f | sort";

#[test]
fn a_disk_that_is_full_while_inputs_are_stored_leaves_no_part_of_them() {
    let project = TestProject::small();
    project.write("data/ledger-2025-03-19.csv", many_rows(5_000));
    std::fs::create_dir(project.path("runs")).unwrap();
    let (before, cause) = little_room();
    let ended = run_after(&project, before, SHOW).ended_with(1);
    let told = format!("cannot store a copy of ledger-2025-03-19.csv: {cause}");
    assert!(ended.error().starts_with(&told), "{}", ended.error());
    assert_eq!(ended.stdout, "");
    assert_eq!(project.received().len(), 0);
    goes_on(&project);
}

#[test]
fn a_disk_that_is_full_while_a_file_is_downloaded_leaves_no_part_of_it() {
    let project = TestProject::new(&[settled(&many_rows(5_000))], "");
    std::fs::create_dir(project.path("runs")).unwrap();
    let (before, cause) = little_room();
    let ended = run_after(&project, before, SHOW).ended_with(1);
    let told = format!("provider kard: file f-1 (settled-2025-03-19.csv): cannot store it: {cause}");
    assert!(ended.error().starts_with(&told), "{}", ended.error());
    let left: Vec<_> = ended.stdout.lines().collect();
    assert!(left.len() == 1 && left[0].starts_with("runs/rewards/2025-03-19/raw/sha256-"), "{left:?}");
    assert_eq!(project.downloads(), 1, "a full disk is no reason to ask the provider again");
    goes_on(&project);
}

#[test]
fn a_disk_that_is_full_while_the_report_is_written_leaves_no_part_of_it() {
    let project = TestProject::small();
    // The inputs fit, the list of what is missing in the file does not.
    project.write("data/ledger-2025-03-19.csv", many_rows(1_500));
    std::fs::create_dir(project.path("runs")).unwrap();
    let (before, cause) = little_room();
    for (attempt, format) in [(1, "csv"), (2, "xlsx"), (3, "html")] {
        project.write("jobs/rewards.yaml", job(&[("job", &format!("report: [{format}]"))]));
        let ended = run_after(&project, before, SHOW).ended_with(1);
        let error = ended.error();
        assert!(error.starts_with("cannot write FOLDER/runs/rewards/2025-03-19/.tmp-"), "{format}: {error}");
        assert!(error.contains(&format!(".{format}")) && error.contains(cause), "{format}: {error}");
        let left: Vec<_> = ended.stdout.lines().collect();
        assert_eq!(left.len(), 2, "{format}: {left:?}");
        assert!(left.iter().all(|path| path.starts_with("runs/rewards/2025-03-19/raw/sha256-")), "{format}: {left:?}");
        assert_eq!(project.statuses()[&format!("rewards/2025-03-19/{attempt}")], "failed", "{format}");
    }
    let next = project.run_day(&[]).ended_with(0);
    assert!(next.stdout.starts_with("rewards for 2025-03-19, attempt 4\n"), "{}", next.stdout);
}

#[test]
fn a_disk_that_is_full_under_the_state_file_is_told_as_such() {
    let project = TestProject::small();
    std::fs::create_dir(project.path(".tieout")).unwrap();
    let before = if can_mount() { "mount -t tmpfs -o size=16k none .tieout" } else { "trap '' XFSZ; ulimit -f 8" };
    let ended = run_after(&project, before, ":").ended_with(1);
    let told = "the disk of the state file FOLDER/.tieout/state.db is full; free some space and run again, nothing is \
                half-written";
    assert!(ended.error().starts_with(told), "{}", ended.error());
    assert_eq!(ended.stdout, "");
    assert_eq!(project.listing("runs"), Vec::<String>::new());
}

/// With room on the disk the same project runs, as its second attempt.
fn goes_on(project: &TestProject) {
    let next = project.run_day(&[]).ended_with(0);
    assert!(next.stdout.starts_with("rewards for 2025-03-19, attempt 2\n"), "{}", next.stdout);
    assert_eq!(project.statuses()["rewards/2025-03-19/1"], "failed");
}

/// Runs with one folder of the project read-only.
fn run_with_read_only(project: &TestProject, folder: &str, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_tieout");
    if can_mount() {
        let script =
            format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} || exit 99; exec \"$@\"");
        let shell = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh", program];
        return project.ended(project.wrapped(&shell, arguments).spawn().unwrap());
    }
    let set_mode = |mode: &str, place: &std::path::Path| {
        assert!(Command::new("chmod").arg("-R").arg(mode).arg(place).status().unwrap().success());
    };
    let mut command = project.command(arguments);
    if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
        // The superuser may write everywhere: the program runs as nobody.
        set_mode("a+rwX", &project.path(""));
        command.uid(NOBODY).gid(NOBODY);
    }
    set_mode("a-w", &project.path(folder));
    let ended = project.ended(command.spawn().unwrap());
    set_mode("u+w", &project.path(folder));
    ended
}

#[test]
fn a_state_that_cannot_be_written_is_told_before_anything_is_pulled() {
    let project = TestProject::small();
    std::fs::create_dir(project.path(".tieout")).unwrap();
    let run = ["run", "rewards", "--period", DAY, "-q"];
    let ended = run_with_read_only(&project, ".tieout", &run).ended_with(1);
    let told = "cannot write the state file FOLDER/.tieout/state.db; the file and its folder must exist on a writable \
                disk and belong to this user";
    assert!(ended.error().starts_with(told), "{}", ended.error());
    assert_eq!(project.received().len(), 0);

    // The same where a state is there already; what only reads it still can.
    project.run_day(&[]).ended_with(0);
    let ended = run_with_read_only(&project, ".tieout", &run).ended_with(1);
    assert!(ended.error().starts_with(told), "{}", ended.error());
    for arguments in [&["runs", "--format", "json"][..], &["breaks", "rewards"], &["plan", "rewards", "--period", DAY]]
    {
        let shown = run_with_read_only(&project, ".tieout", arguments).ended_with(0);
        assert!(!shown.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(project.listing("runs/rewards/2025-03-19/2"), Vec::<String>::new());
}

#[test]
fn artifacts_that_cannot_be_written_are_told_with_their_folder() {
    let project = TestProject::small();
    std::fs::create_dir(project.path("runs")).unwrap();
    let ended = run_with_read_only(&project, "runs", &["run", "rewards", "--period", DAY, "-q"]).ended_with(1);
    let cause = if can_mount() { "Read-only file system (os error 30)" } else { "Permission denied (os error 13)" };
    assert!(ended.error().contains("FOLDER/runs") && ended.error().ends_with(cause), "{}", ended.error());
    goes_on(&project);
}

#[test]
fn rows_for_which_there_is_neither_memory_nor_disk_end_the_run_with_the_reason() {
    let project = TestProject::small();
    // More than the 16 MiB that a run with 64 MiB holds of rows, and none of them of the period.
    let long: Vec<String> = (0..90_000).map(|row| format!("{row:0>200},1.00,USD,2025-03-17T01:00:00Z")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    project.write("data/ledger-2025-03-19.csv", [ledger_rows(), rows(&long)[rows(&[]).len()..].to_vec()].concat());
    let arguments = ["run", "rewards", "--period", DAY, "-q", "--memory", "64MiB"];
    let mut nowhere = project.command(&arguments);
    let nowhere = project.ended(nowhere.env("TMPDIR", "/nonexistent").spawn().unwrap()).ended_with(1);
    let told = "ledger: its rows are more than `memory` holds, and the folder for temporary files does not take them; \
                make room there (`TMPDIR` names it) or give more `memory`";
    assert!(nowhere.error().starts_with(told), "{}", nowhere.error());
    // With a folder for them they are compared as if all were held.
    let aside = project.run(&arguments).ended_with(0);
    let held = project.run(&arguments[..5]).ended_with(0);
    assert!(aside.stdout.contains("90,000"), "{}", aside.stdout);
    assert!(held.stdout.contains("Since attempt 2: the same breaks; inputs unchanged\n"), "{}", held.stdout);
    let breaks = |attempt: u32| project.read(&format!("runs/rewards/{DAY}/{attempt}/breaks.csv"));
    assert_eq!(breaks(2), breaks(3));
}
