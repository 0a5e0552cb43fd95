//! The month that ships, sealed, and its file corrected afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::project::{TestProject, copy_folder};

const FILE: &str = "kard-later/files/cardlinked-reconciliation-2502.csv";

fn run(project: &TestProject, month: &str) {
    let ended = project.run(&["run", "rewards-monthly", "--period", month]);
    assert!(matches!(ended.code, Some(0 | 10)), "{}{}", ended.stdout, ended.stderr);
}

/// Currency → sum of a line of the receivable in minor units, or of the closing balance; and of how many items.
fn of(project: &TestProject, run: &str, wanted: &str) -> BTreeMap<String, (u64, i64)> {
    let summary = project.summary(run);
    assert_eq!(summary["verdict"]["ties_out"], true);
    let minor = |owed: &Value| owed["total_minor"].as_str().unwrap().parse::<i64>().unwrap();
    let one = |one: &Value| {
        let line = one["lines"].as_array().unwrap().iter().find(|line| line["line"] == wanted);
        let (items, sum) = match line {
            Some(line) => (&line["items"], minor(&line["owed"])),
            None => (&one["closing_items"], minor(&one["closing"])),
        };
        (one["currency"].as_str().unwrap().to_owned(), (items.as_u64().unwrap(), sum))
    };
    summary["month"]["receivable"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn the_month_after_the_shipped_one_opens_with_what_was_signed_off_and_ties_to_the_cent() {
    let mut project = TestProject::shipped("");
    run(&project, "2025-02");
    let arguments = ["--period", "2025-02", "--reason", "signed off", "--by", "Mara Lind"];
    let sealed = [&["seal", "rewards-monthly", "--without-days"][..], &arguments].concat();
    project.run(&sealed).ended_with(0);
    let folder = |name: &str| std::fs::read(project.path(&format!("runs/rewards-monthly/2025-02/1/{name}"))).unwrap();
    let before = ["summary.json", "receivable.csv", "report.html"].map(folder);

    // Another amount, and one item more.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/kard");
    copy_folder(&shipped, &project.path("kard-later"));
    let text = String::from_utf8(project.read(FILE)).unwrap();
    let pending = text.lines().find(|line| line.contains(",SETTLED,") && line.contains(",UNPAID,")).map(str::to_owned);
    let pending = pending.or_else(|| text.lines().find(|line| line.contains(",PENDING,")).map(str::to_owned));
    let pending = pending.expect("an item that is not paid");
    let mut cells: Vec<String> = pending.split(',').map(str::to_owned).collect();
    let commission: i64 = cells[6].parse().unwrap();
    cells[6] = (commission + 11).to_string();
    let changed = cells.join(",");
    let (owed, reward): (i64, i64) = (cells[6].parse().unwrap(), cells[8].parse().unwrap());
    "txn-later".clone_into(&mut cells[0]);
    project.write(FILE, format!("{}{}\n", text.replace(&pending, &changed), cells.join(",")));
    let list = String::from_utf8(project.read("kard-later/files.json")).unwrap();
    let list = list.replace("2025-03-17T15:00:00Z", "2025-03-28T15:00:00Z");
    project.write("kard-later/files.json", list);
    let later = project.path("kard-later");
    project.serve_as(&later, "", |_| {});

    run(&project, "2025-02");
    run(&project, "2025-03");
    let sealed = of(&project, "rewards-monthly/2025-02/1", "closing");
    assert_eq!(of(&project, "rewards-monthly/2025-03/1", "opening"), sealed);
    let expected = BTreeMap::from([("USD".to_owned(), (2, 11 + owed + reward))]);
    assert_eq!(of(&project, "rewards-monthly/2025-03/1", "adjusted_after_seal"), expected);
    // March has no file: it closes as February does now.
    let late = of(&project, "rewards-monthly/2025-02/2", "closing");
    assert_eq!(of(&project, "rewards-monthly/2025-03/1", "closing"), late);
    let folder = |name: &str| std::fs::read(project.path(&format!("runs/rewards-monthly/2025-02/1/{name}"))).unwrap();
    assert!(["summary.json", "receivable.csv", "report.html"].map(folder) == before, "the sealed report is as it was");
    let diff = ["diff", "rewards-monthly/2025-02/1", "rewards-monthly/2025-02/2"];
    assert!(project.run(&diff).ended_with(0).stdout.contains("file_changed"));
    // The breaks of the close differ, too: those fall into March as adjustments.
    let adjustments = &project.summary("rewards-monthly/2025-03/1")["adjustments"];
    assert!(adjustments["new"].as_u64().unwrap() >= 2, "{adjustments}");
}
