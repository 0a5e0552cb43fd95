//! How every report tells of a closed month.

use std::path::PathBuf;

use serde_json::{Value, json};
use tieout::exit::ExitCode;
use tieout::job::ReportFormat;
use tieout::report::json::Summary;
use tieout::report::verdict::verdict;
use tieout::report::{Facts, MOST_LINES, csv, html, terminal_summary, write};

use crate::support::months::{Line, World, clawback, item};
use crate::support_facts::{HOSTILE, a_day, clean, every_kind};

fn february(id: &str) -> Line {
    item(id).settled("2025-02-10")
}

/// March with every line of the receivable and of the roll-forward.
fn march() -> World {
    let again = item("again").settled("2025-01-20");
    World::new()
        .month(
            "2025-02",
            &[
                february("a"),
                february("b").owed(123_400, 50_000),
                february("gone"),
                february("clawed"),
                again.clone().paid(),
            ],
        )
        .month(
            "2025-03",
            &[
                february("a").owed(2_50, 1_00),
                february("b").owed(123_400, 50_000).paid(),
                february("late"),
                again,
                item("new"),
                item("new"),
                item("alone"),
                item("yen").currency("JPY").owed(500, 100),
                item("unknown").settled("2025-03-12"),
            ],
        )
        .notices(&[clawback("clawed"), clawback("same-month")])
        .day(
            "2025-03-10",
            &[
                item("new").owed(1_90, 1_00),
                item("lost"),
                item("same-month"),
                item("yen").currency("JPY").owed(500, 100),
            ],
        )
        .day("2025-03-11", &[item("next").settled("2025-04-01"), item("new").owed(1_90, 1_00)])
        .day_missing("2025-03-12")
}

fn facts_of(world: &World) -> Facts {
    let closing = world.close("2025-03");
    let mut facts = clean();
    "2025-03".clone_into(&mut facts.period.label);
    facts.breaks = closing.breaks.into();
    facts.month = Some(closing.facts);
    facts
}

fn terminal(facts: &Facts) -> String {
    terminal_summary(facts, &[PathBuf::from("runs/rewards-monthly/2025-03/1/summary.json")], 80, false)
}

/// The lines from `Owed by Kard` up to the totals.
fn section(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with("Owed by Kard"));
    lines.take_while(|line| !line.starts_with("Totals")).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_terminal_tells_what_is_owed_what_the_days_say_and_what_is_overdue() {
    let expected = "\
Owed by Kard   opening  settled       paid  other  closing
  JPY                0     +600          0      0      600
  USD         1,743.00    +9.00  -1,734.00  +3.50    21.50
  5 items in the days, 2 in the month, 1 missing, 1 clawed back, 1 not due, 1
  restated, 1 in no day, 1 day without a file
  past terms: 4 items, USD 12.50
  rewards paid to users and not yet reimbursed: JPY 100, USD 7.00
";
    assert_eq!(section(&terminal(&facts_of(&march()))), expected);
}

#[test]
fn a_month_without_a_file_and_one_without_anything_are_told() {
    let facts = facts_of(&World::new().month("2025-02", &[february("a")]).without_file("2025-03"));
    let expected = "\
Owed by Kard  opening  settled  paid  other  closing
  USD            3.00     0.00  0.00   0.00     3.00
  the month's file is not there: everything is carried forward
  past terms: 1 item, USD 3.00
  rewards paid to users and not yet reimbursed: USD 1.00
";
    assert_eq!(section(&terminal(&facts)), expected);
    let facts = facts_of(&World::new().month("2025-03", &[]));
    let expected = "\
Owed by Kard  opening  settled  paid  other  closing
  nothing is owed, and nothing was
";
    assert_eq!(section(&terminal(&facts)), expected);
}

#[test]
fn the_summary_stays_short_with_many_currencies_and_every_kind_of_break() {
    let others = ["EUR", "GBP", "CHF"].map(|code| february(code).currency(code));
    let world = march().month("2024-12", &others);
    for width in [60, 80, 120] {
        let mut facts = every_kind();
        facts.month = Some(world.close("2025-03").facts);
        let text = terminal_summary(&facts, &[], width, false);
        assert!(text.lines().count() <= MOST_LINES, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        assert!(text.contains("  and 4 more currencies: see the report"), "{text}");
    }
}

#[test]
fn the_verdict_says_what_is_owed() {
    let last = |facts: &Facts| verdict(facts).sentences.last().cloned().unwrap_or_default();
    assert_eq!(last(&facts_of(&march())), "Kard owes JPY 600 and USD 21.50 at the end of 2025-03.");
    let paid = World::new().month("2025-03", &[item("a").paid()]);
    assert_eq!(last(&facts_of(&paid)), "Kard owes nothing at the end of 2025-03.");
    assert!(!last(&a_day()).contains("owes"));
}

#[test]
fn a_receivable_that_does_not_tie_is_a_fault_of_the_program() {
    let mut facts = facts_of(&march());
    assert_eq!(verdict(&facts).exit, ExitCode::Done);
    facts.month.as_mut().unwrap().receivable[1].residual.user_reward_minor = 1;
    assert_eq!(verdict(&facts).exit, ExitCode::InvariantFailed);
    assert!(verdict(&facts).sentences[0].contains("1 receivable does not lead"), "{:?}", verdict(&facts).sentences);
}

#[test]
fn the_list_behind_the_receivable_names_every_item_line_and_row() {
    let world = World::new()
        .month("2025-02", &[february("a"), february("=b").paid(), february("gone")])
        .month("2025-03", &[february("a").owed(2_50, 1_00).paid(), february("=b")]);
    let mut bytes = Vec::new();
    csv::render_receivable(facts_of(&world).month.as_ref().unwrap(), &mut bytes).unwrap();
    let (feb, mar, settled) = ("kard-2025-02.csv", "kard-2025-03.csv", "2025-02-10T12:00:00Z");
    let expected = [
        "transaction,line,currency,issuer_commission,user_reward,total,settled_at,file,file_line,before_file,before_line,\
         paid_file,paid_line"
            .to_owned(),
        format!("'=b,stated_again,USD,2.00,1.00,3.00,{settled},{mar},3,{feb},3,{feb},3"),
        format!("'=b,closing_pending,USD,2.00,1.00,3.00,{settled},{mar},3,{feb},3,{feb},3"),
        format!("a,opening,USD,2.00,1.00,3.00,{settled},{mar},2,{feb},2,,"),
        format!("a,adjusted,USD,0.50,0.00,0.50,{settled},{mar},2,{feb},2,,"),
        format!("a,paid,USD,-2.50,-1.00,-3.50,{settled},{mar},2,{feb},2,,"),
        format!("gone,opening,USD,2.00,1.00,3.00,{settled},,,{feb},4,,"),
        format!("gone,closing_dropped,USD,2.00,1.00,3.00,{settled},,,{feb},4,,"),
    ];
    assert_eq!(String::from_utf8(bytes).unwrap(), format!("{}\n", expected.join("\n")));
}

#[test]
fn the_list_behind_the_receivable_is_written_whatever_the_job_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let names = |facts: &Facts, formats: &[ReportFormat]| -> Vec<String> {
        let written = write(facts, formats, folder.path()).unwrap();
        written.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let facts = facts_of(&march());
    assert_eq!(names(&facts, &[]), ["summary.json", "receivable.csv"]);
    let all = [ReportFormat::Csv, ReportFormat::Html, ReportFormat::Json];
    assert_eq!(names(&facts, &all), ["summary.json", "receivable.csv", "breaks.csv", "report.html"]);
    assert_eq!(names(&clean(), &all), ["summary.json", "breaks.csv", "report.html"]);
}

#[test]
fn the_summary_for_programs_holds_the_statement_with_amounts_as_text() {
    let folder = tempfile::tempdir().unwrap();
    write(&facts_of(&march()), &[], folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let month = &value["month"];
    let usd = &month["receivable"][1];
    let owed = |commission: &str, reward: &str, total: &str| json!({"issuer_commission_minor": commission, "user_reward_minor": reward, "total_minor": total});
    assert_eq!(usd["currency"], "USD");
    assert_eq!(usd["lines"][0], json!({"line": "opening", "items": 4, "owed": owed("124000", "50300", "174300")}));
    assert_eq!(usd["lines"][5], json!({"line": "clawed_back", "items": 1, "owed": owed("-200", "-100", "-300")}));
    assert_eq!((&usd["closing_items"], &usd["closing"]), (&json!(7), &owed("1450", "700", "2150")));
    assert_eq!(usd["residual"], owed("0", "0", "0"));
    assert_eq!((&month["payout"], &month["known_from"]), (&json!("at_once"), &json!("2025-02")));
    assert_eq!(month["left_out"][0]["reason"], "repeated");
    let roll = &month["roll_forward"];
    assert_eq!((&roll["dailies"], &roll["days_missing"]), (&json!("rewards-daily"), &json!(1)));
    assert_eq!(roll["totals"][1]["restated"], json!({"items": 1, "owed": owed("10", "0", "10")}));
    assert_eq!(value["currencies"], json!({"JPY": 0, "USD": 2}));
    let summary: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&summary).unwrap(), value, "what is written can be read");
    assert!(serde_json::to_value(tieout::report::json::summary(&a_day())).unwrap().get("month").is_none());
}

/// The text of a page without its tags, blanks folded.
fn plain(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<').map(|part| part.split_once('>').map_or(part, |(_, rest)| rest)) {
        text.push(' ');
        text.push_str(part);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_has_the_statement_with_a_column_a_currency_the_ageing_and_the_days() {
    let page = html::render(&facts_of(&march()), 2_000);
    assert!(page.contains("<a href=\"#month\">Month end</a>"));
    let text = plain(&page);
    for expected in [
        "Receivable , issuer commission and user reward Line JPY items JPY commission JPY reward JPY in all USD items USD \
         commission USD reward USD in all Opening balance 0 0 0 0 4 1,240.00 503.00 1,743.00",
        "Newly settled 1 +500 +100 +600 3 +6.00 +3.00 +9.00",
        "Settled earlier, first stated now 0 0 0 0 1 +2.00 +1.00 +3.00",
        "Adjustments: stated with another amount 0 0 0 0 1 +0.50 0.00 +0.50",
        "Stated again after it was paid 0 0 0 0 1 +2.00 +1.00 +3.00",
        "Clawbacks 0 0 0 0 1 -2.00 -1.00 -3.00",
        "Paid 0 0 0 0 1 -1,234.00 -500.00 -1,734.00",
        "Closing balance 1 500 100 600 7 14.50 7.00 21.50",
        "of it pending in the file 1 500 100 600 6 12.50 6.00 18.50",
        "of it dropped from the file, still claimed 0 0 0 0 1 2.00 1.00 3.00",
        "Unexplained (must be zero) 0 0 0 0.00 0.00 0.00",
        "Rewards paid to users and not yet reimbursed: JPY 100, USD 7.00 .",
        "31 to 60 days USD 3 9.50 3 9.50",
        "The monthly files are known from 2025-02 on",
        "Left out of all lines, repeated rows, counted once: 1 row, USD 3.00.",
        "2025-03-12 no file",
        "1 day has no finished run of the daily job.",
        "Newly settled in the month and in no daily file: 1 item, USD 3.00 .",
        "Newly settled, and in no daily file that could have it yet: 1 item, USD 3.00 .",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!html::render(&a_day(), 2_000).contains("id=\"month\""));
}

#[test]
fn the_workbook_has_a_sheet_for_the_receivable_and_one_for_the_days() {
    let sheets = crate::report_xlsx::sheets(&facts_of(&march()), 1_000);
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..8],
        ["Summary", "Charts", "Receivable", "Roll-forward", "Breaks", "Ageing", "Explained", "Suggested"]
    );
    let receivable = &sheets[2].1;
    // What is left over is computed by the sheet itself.
    assert!(receivable.contains("ROUND(SUM(I7:I13)-I14,2)"), "{receivable}");
    assert!(receivable.contains("<v>1743</v>") && receivable.contains("<v>21.5</v>"), "{receivable}");
    let days = &sheets[3].1;
    assert!(days.contains("<v>0.1</v>"), "restated by ten cents\n{days}");
    let without = facts_of(&World::new().month("2025-03", &[item("a")]));
    let names: Vec<String> = crate::report_xlsx::sheets(&without, 1_000).into_iter().map(|sheet| sheet.0).collect();
    assert!(!names.contains(&"Roll-forward".to_owned()), "no daily job, no roll-forward");
}

#[test]
fn hostile_names_are_harmless_in_every_report() {
    for text in HOSTILE {
        let mut world = World::new()
            .month("2025-02", &[february(text).currency(text)])
            .month("2025-03", &[item(text)])
            .day("2025-03-10", &[item("lost").currency(text)]);
        world.months[0].1.as_mut().unwrap().files[0].name = text.to_owned();
        let facts = facts_of(&world);
        let page = html::render(&facts, 2_000);
        assert!(!page.contains("<script>") && !page.contains("<img"), "{text}");
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{text}");
        let shown = terminal(&facts);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{text}");
        for (name, sheet) in crate::report_xlsx::sheets(&facts, 1_000) {
            let formulas = sheet.split("<f>").skip(1).map(|rest| rest.split("</f>").next().unwrap());
            for formula in formulas {
                let ours = ["ROUND(SUM(", "SUMIFS(", "SUM(B"].iter().any(|known| formula.starts_with(known));
                assert!(ours, "{name}: {formula}");
            }
        }
        let mut bytes = Vec::new();
        csv::render_receivable(facts.month.as_ref().unwrap(), &mut bytes).unwrap();
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        for record in reader.records() {
            let record = record.unwrap();
            for cell in [&record[0], &record[2], &record[9]] {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            }
        }
    }
}
