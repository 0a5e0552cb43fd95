//! The summary on the terminal, whole.

use std::path::PathBuf;

use tieout::breaks::BreakKind;
use tieout::report::{MOST_LINES, terminal_summary};

use crate::support_facts::{a_day, clean, every_kind, extremes, found, hostile};

fn written() -> Vec<PathBuf> {
    let folder = PathBuf::from("runs/rewards-daily/2025-03-19/1");
    ["summary.json", "report.xlsx", "report.html", "breaks.csv"].map(|name| folder.join(name)).to_vec()
}

#[test]
fn a_clean_day_takes_a_glance() {
    let expected = "\
rewards-daily for 2025-03-19, attempt 1
OK: Ties out, no breaks
Every difference is explained; all 2 rows are accounted for.
Totals                         from     to  difference  by breaks
  USD amount, file to ledger  12.50  12.50        0.00       0.00
Rows             read    matched   expected     breaks  quarant.   excluded
  file              1          1          0          0         0          0
  ledger            1          1          0          0         0          0
Written to runs/rewards-daily/2025-03-19/1
  summary.json report.xlsx report.html breaks.csv
Exit code 0: the work is done.
";
    assert_eq!(terminal_summary(&clean(), &written(), 80, false), expected);
}

#[test]
fn a_day_with_breaks_says_what_how_much_and_where_to_look() {
    let expected = "\
rewards-daily for 2025-03-19, attempt 1 (sandbox: a simulated provider)
OK: Ties out with 7 breaks to review
Every difference is explained; all 3,613 rows are accounted for.
At risk: KWD 1.500, USD 101.95.
Totals                              from          to  difference  by breaks
  USD amount, file to ledger  184,230.55  184,202.85      -27.70     -27.70
    break: missing in ledger -64.20 (2), break: reward missing +31.00 (1), brea…
  USD reward, file to ledger    5,526.90    5,525.65       -1.25      -1.25
  JPY amount, file to ledger      98,000      99,200      +1,200          0
  KWD amount, file to ledger      12.500      12.500       0.000      0.000
Breaks                     count  at risk
  missing in ledger            2  USD 64.20
  reward missing               1  USD 31.00
  amount mismatch              1  USD 5.50
  currency mismatch            1  KWD 1.500
  reward mismatch              1  USD 1.25
  file late                    1  -
Rows             read    matched   expected     breaks  quarant.   excluded
  file          1,204      1,200          0          4         0          0
  ledger        1,205      1,200          0          4         1          0
  webhooks      1,204      1,190          1          4         0          9
To review: 1 suggested match, 1 quarantined row (ledger.csv line 14, expected a…
Written to runs/rewards-daily/2025-03-19/1
  summary.json report.xlsx report.html breaks.csv
Exit code 0: the work is done.
";
    assert_eq!(terminal_summary(&a_day(), &written(), 80, false), expected);
}

#[test]
fn a_breached_gate_is_told_first() {
    let text = terminal_summary(&every_kind(), &written(), 80, false);
    assert_eq!(text.lines().nth(1), Some("GATE BREACHED: Ties out with 42 breaks; 1 gate is breached"));
    assert!(text.ends_with("Exit code 10: a gate of the job is breached.\n"), "{text}");
    assert!(text.contains("Since attempt 1: the same breaks; inputs unchanged\n"), "{text}");
}

#[test]
fn a_missing_file_is_no_good_news_even_without_another_break() {
    let mut facts = clean();
    facts.breaks = vec![found(BreakKind::FileMissing, "cardlinked-reconciliation-250319", "", 0)].into();
    let text = terminal_summary(&facts, &written(), 80, false);
    let head: Vec<&str> = text.lines().skip(1).take(2).collect();
    assert_eq!(
        head,
        [
            "INCOMPLETE: 1 file is missing: not everything could be compared",
            "Missing: cardlinked-reconciliation-250319. What needs it waits and is not"
        ]
    );
    assert!(!text.contains("at risk."), "{text}");
}

#[test]
fn kinds_stand_in_two_columns_where_there_is_room_most_at_risk_first() {
    let mut facts = every_kind();
    let mut at_risk_minor = (0..).step_by(100);
    facts.breaks.change(|_| true, |found| found.at_risk_minor = at_risk_minor.next().unwrap());
    let text = terminal_summary(&facts, &written(), 120, false);
    let at = text.lines().position(|line| line.starts_with("Breaks ")).unwrap();
    let first = text.lines().nth(at + 1).unwrap();
    assert!(first.starts_with("  unacknowledged               1  USD 41.00"), "{text}");
    assert!(first.contains("  file duplicate               1  USD 36.00"), "{text}");
    let kinds = text.matches("  USD ").count();
    assert!(kinds >= 9, "{kinds} kinds in\n{text}");
    assert!(text.contains("more kinds"), "{text}");
}

#[test]
fn the_largest_currency_leads_the_totals() {
    let mut facts = a_day();
    facts.breaks = Vec::new().into();
    facts.statement.bridges.rotate_left(2);
    let text = terminal_summary(&facts, &written(), 80, false);
    let order: Vec<&str> = text.lines().filter(|line| line.contains(" to ledger")).map(|line| &line[2..9]).collect();
    assert_eq!(order, ["USD amo", "USD rew", "JPY amo", "KWD amo"], "{text}");
}

#[test]
fn what_a_total_is_of_is_not_cut_for_the_last_column() {
    let mut facts = a_day();
    facts.statement.bridges[0].left_total_minor = 250_867_526_300;
    facts.statement.bridges[0].right_total_minor = 250_867_523_530;
    let totals = |width| {
        let text = terminal_summary(&facts, &written(), width, false);
        text.lines().skip(4).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        totals(80),
        [
            "Totals                                    from                to  difference",
            "  USD amount, file to ledger  2,508,675,263.00  2,508,675,235.30      -27.70",
        ]
    );
    assert!(totals(100)[0].ends_with("difference  by breaks"));
}

#[test]
fn a_residual_is_called_a_fault_and_shown() {
    let mut facts = a_day();
    facts.statement.bridges[0].residual_minor = 3;
    facts.statement.rows[1].unaccounted = 2;
    let text = terminal_summary(&facts, &written(), 80, false);
    assert_eq!(text.lines().nth(1), Some("FAULT: Does not tie out"));
    assert!(text.contains("UNEXPLAINED +0.03: USD"), "{text}");
    assert!(text.contains("and 2 rows of ledger in no"), "{text}");
    assert!(text.ends_with("Exit code 70: an invariant failed, please report it.\n"), "{text}");
}

#[test]
fn it_never_takes_more_than_25_lines_nor_more_than_the_width() {
    for facts in [clean(), a_day(), hostile(), every_kind(), extremes()] {
        for width in [0, 60, 80, 100, 120, 400] {
            let text = terminal_summary(&facts, &written(), width, false);
            assert!(text.lines().count() <= MOST_LINES, "{} lines:\n{text}", text.lines().count());
            for line in text.lines() {
                assert!(line.chars().count() <= width.clamp(60, 120), "{width}: {line}");
            }
            assert!(text.lines().any(|line| line == "Written to runs/rewards-daily/2025-03-19/1"), "{text}");
        }
    }
}

#[test]
fn escapes_come_from_us_alone_and_only_when_asked_for() {
    let hidden = |c: char| c.is_control() && c != '\n';
    for facts in [a_day(), hostile()] {
        assert!(!terminal_summary(&facts, &written(), 80, false).contains(hidden));
        let color = terminal_summary(&facts, &written(), 80, true);
        assert!(color.contains("\u{1b}[1;33mOK: Ties out"), "{color}");
        let mut bare = color.clone();
        for code in ["\u{1b}[1;33m", "\u{1b}[1m", "\u{1b}[0m"] {
            bare = bare.replace(code, "");
        }
        assert_eq!(bare, terminal_summary(&facts, &written(), 80, false));
    }
}
