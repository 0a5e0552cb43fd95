//! How every rendering tells that a period is sealed, and what sealed periods leave to it.

use std::collections::BTreeMap;

use tieout::breaks::BreakKind;
use tieout::frames::Measure;
use tieout::report::json::{Summary, summary};
use tieout::report::{Facts, MOST_LINES, html, terminal_summary};
use tieout::seals::{Adjustment, SealFacts, SealState, Standing, State};

use crate::report_xlsx::sheets;
use crate::support_facts::{HOSTILE, at, clean, every_kind};

fn seal(by: &str, reason: &str) -> Standing {
    Standing {
        id: "rewards-daily/2025-03-19".to_owned(),
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        state: SealState::Sealed,
        at: at("2025-03-21T09:00:00Z"),
        by: by.to_owned(),
        reason: reason.to_owned(),
        run: "rewards-daily/2025-03-19/1".to_owned(),
        files: BTreeMap::new(),
        open_breaks: 2,
    }
}

fn state(key: &str, currency: &str, at_risk_minor: i64) -> State {
    State {
        kind: BreakKind::AmountMismatch,
        key: key.to_owned(),
        currency: currency.to_owned(),
        measure: Measure::TransactionAmount,
        at_risk_minor,
        difference_minor: None,
        stated_minor: [[None; 3]; 3],
        stated: [[None, None], [None, None], [None, None]],
        detail: format!("{key} differs"),
    }
}

fn adjustment(period: &str, id: &str, before: Option<State>, after: Option<State>) -> Adjustment {
    let run = |attempt| format!("rewards-daily/{period}/{attempt}");
    Adjustment { period: period.to_owned(), sealed_run: run(1), late_run: run(2), id: id.to_owned(), before, after }
}

fn adjusted(mut facts: Facts) -> Facts {
    let found = vec![
        adjustment("2025-03-17", "a1", Some(state("t-1", "USD", 50)), None),
        adjustment("2025-03-18", "a2", None, Some(state("t-2", "USD", 700))),
        adjustment("2025-03-18", "a3", Some(state("t-3", "JPY", 500)), Some(state("t-3", "JPY", 400))),
        adjustment("2025-03-18", "a4", None, Some(state("ledger.csv", "", 0))),
    ];
    facts.sealed = SealFacts { seal: None, adjustments: Some(found) };
    facts
}

fn late(mut facts: Facts) -> Facts {
    facts.sealed.seal = Some(seal("Mara Lind", "signed off"));
    facts
}

#[test]
fn the_terminal_heads_a_late_attempt_and_tells_the_adjustments_in_one_line() {
    let expected = "\
rewards-daily for 2025-03-19, attempt 1
SEALED: attempt 1 was signed off by Mara Lind on 2025-03-21 09:00 UTC: signed off
OK: Ties out, no breaks
Every difference is explained; all 2 rows are accounted for.
Totals                         from     to  difference  by breaks
  USD amount, file to ledger  12.50  12.50        0.00       0.00
Rows             read    matched   expected     breaks  quarant.   excluded
  file              1          1          0          0         0          0
  ledger            1          1          0          0         0          0
Adjustments from sealed periods: 2 new, 1 gone, 1 changed; at risk JPY -100 (from JPY 500 to JPY 400), USD +6.50 (from …
Exit code 0: the work is done.
";
    assert_eq!(terminal_summary(&late(adjusted(clean())), &[], 120, false), expected);
}

#[test]
fn the_longest_summary_keeps_to_its_lines() {
    for width in [60, 80, 120] {
        let text = terminal_summary(&late(adjusted(every_kind())), &[], width, false);
        assert!(text.lines().count() <= MOST_LINES, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
    }
}

#[test]
fn where_nothing_is_sealed_no_rendering_says_a_word_of_it() {
    let facts = clean();
    let page = html::render(&facts, 100);
    let json = serde_json::to_string(&summary(&facts)).unwrap();
    for text in [&page, &json, &terminal_summary(&facts, &[], 80, false)] {
        assert!(!text.to_lowercase().contains("seal") && !text.contains("djustment"), "{text}");
    }
    assert!(sheets(&facts, 100).iter().all(|(name, _)| name != "Adjustments"));
}

#[test]
fn the_summary_reads_back_as_it_was_written() {
    let told = summary(&late(adjusted(clean())));
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), told);
    let adjustments = told.adjustments.unwrap();
    assert_eq!((adjustments.count, adjustments.new, adjustments.gone, adjustments.changed), (4, 2, 1, 1));
    let totals: Vec<_> = adjustments
        .totals
        .iter()
        .map(|one| (&*one.currency, one.count, one.before_minor.0, one.change_minor.0, one.after_minor.0))
        .collect();
    assert_eq!(totals, [("JPY", 1, 500, -100, 400), ("USD", 2, 50, 650, 700)]);
    assert_eq!((told.currencies["JPY"], told.currencies["USD"]), (0, 2));
    assert!(told.verdict.words.contains("4 adjustments of 2025-03-17 and 2025-03-18 fall into this period"));
}

#[test]
fn the_workbook_has_a_sheet_of_adjustments_and_says_that_it_is_sealed() {
    let sheets = sheets(&late(adjusted(clean())), 100);
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..5], ["Summary", "Charts", "Breaks", "Ageing", "Adjustments"]);
    let (_, adjustments) = &sheets[4];
    assert!(adjustments.contains("<v>0.5</v>") && adjustments.contains("<v>7</v>"), "{adjustments}");
}

#[test]
fn a_list_that_is_empty_says_so_and_one_that_is_too_long_says_where_the_rest_is() {
    let mut facts = adjusted(clean());
    let page = html::render(&facts, 2);
    assert!(page.contains("adjustments.jsonl, and in report.xlsx"), "{page}");
    assert!(page.contains("t-2 differs") && !page.contains("t-3 differs"));
    facts.sealed.adjustments = Some(Vec::new());
    let page = html::render(&facts, 2);
    assert!(page.contains("None: the periods before this one that are sealed still say what they were sealed with."));
}

#[test]
fn hostile_text_is_harmless_in_seals_and_adjustments() {
    let plain = html::render(&late(adjusted(clean())), 100).matches("<script").count();
    for text in HOSTILE {
        let mut facts = adjusted(clean());
        facts.sealed.seal = Some(seal(text, text));
        let mut one = state(text, text, 5);
        (*text).clone_into(&mut one.detail);
        facts.sealed.adjustments = Some(vec![adjustment(text, text, Some(one), None)]);
        let page = html::render(&facts, 100);
        assert_eq!(page.matches("<script").count(), plain, "{text}");
        let told = terminal_summary(&facts, &[], 80, false);
        let control = |char: char| char.is_control() && char != '\n';
        assert!(!told.contains(control) && !page.contains(control), "{told:?}");
    }
}
