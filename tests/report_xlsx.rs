//! `report.xlsx`: read back from its XML, so that what a sheet really holds is what is tested.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use tieout::breaks::{BreakKind, BreakStatus};
use tieout::report::{Facts, xlsx::render};

use crate::support_facts::{a_day, clean, every_kind, extremes, found, hostile};

/// Every part of the workbook by its name, unpacked.
fn parts(facts: &Facts, sheet_rows: usize) -> BTreeMap<String, String> {
    let scratch = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    render(facts, sheet_rows, scratch.path(), &mut bytes).unwrap();
    let number = |at: usize, width: usize| {
        bytes[at..at + width].iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte))
    };
    // The end record, then the central directory: the only place where the sizes surely stand.
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut at = number(end + 16, 4);
    let mut parts = BTreeMap::new();
    for _ in 0..number(end + 10, 2) {
        assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
        let (method, packed, local) = (number(at + 10, 2), number(at + 20, 4), number(at + 42, 4));
        let (name, extra, comment) = (number(at + 28, 2), number(at + 30, 2), number(at + 32, 2));
        let file_name = String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap();
        let start = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let mut text = String::new();
        assert_eq!(method, 8, "{file_name} is deflated");
        DeflateDecoder::new(&bytes[start..start + packed]).read_to_string(&mut text).unwrap();
        parts.insert(file_name, text);
        at += 46 + name + extra + comment;
    }
    parts
}

/// Sheet name → XML, in the order of the workbook.
pub(crate) fn sheets(facts: &Facts, sheet_rows: usize) -> Vec<(String, String)> {
    let parts = parts(facts, sheet_rows);
    let names = between(&parts["xl/workbook.xml"], "<sheet name=\"", "\"");
    (1..).zip(names).map(|(index, name)| (name, parts[&format!("xl/worksheets/sheet{index}.xml")].clone())).collect()
}

fn sheet<'a>(sheets: &'a [(String, String)], name: &str) -> &'a str {
    &sheets.iter().find(|sheet| sheet.0 == name).unwrap_or_else(|| panic!("no sheet {name}")).1
}

fn between(text: &str, before: &str, after: &str) -> Vec<String> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap().to_owned()).collect()
}

/// One cell's XML: `<c r="F2" …>…</c>`
fn cell<'a>(sheet: &'a str, place: &str) -> &'a str {
    let start = sheet.find(&format!("<c r=\"{place}\"")).unwrap_or_else(|| panic!("no cell {place}"));
    &sheet[start..start + sheet[start..].find("</c>").unwrap()]
}

const ROOMY: usize = 1_000_000;

#[test]
fn the_sheets_stand_in_the_order_in_which_they_are_read() {
    let names = |facts: &Facts, rows| sheets(facts, rows).into_iter().map(|sheet| sheet.0).collect::<Vec<_>>();
    let expected = [
        "Summary",
        "Charts",
        "Breaks",
        "Ageing",
        "Explained",
        "Suggested",
        "Quarantine",
        "Evidence",
        "Sign-off",
        "Definitions",
        "tieout",
    ];
    assert_eq!(names(&clean(), ROOMY), expected);
    assert_eq!(names(&hostile(), ROOMY), expected);
}

#[test]
fn amounts_are_numbers_and_ids_are_text() {
    let mut facts = a_day();
    let first = facts.breaks.head(0).id().to_owned();
    facts.breaks.change(|found| found.id() == first, |found| found.key = "0012345".to_owned());
    let sheets = sheets(&facts, ROOMY);
    let breaks = sheet(&sheets, "Breaks");
    let key = cell(breaks, "C2");
    assert!(key.contains("t=\"inlineStr\"") && key.ends_with("<t>0012345</t></is>"), "{key}");
    let risk = cell(breaks, "F2");
    assert!(!risk.contains(" t=") && risk.ends_with("<v>44.2</v>"), "{risk}");
    let kwd = cell(breaks, "F7");
    assert!(kwd.ends_with("<v>1.5</v>"), "{kwd}");
    let time = cell(breaks, "H2");
    assert!(!time.contains(" t=") && time.contains("<v>45735.3541666"), "{time}");
}

#[test]
fn lists_have_a_frozen_header_filters_and_a_repeated_header_on_paper() {
    let facts = a_day();
    let parts = parts(&facts, ROOMY);
    let workbook = &parts["xl/workbook.xml"];
    let sheets = sheets(&facts, ROOMY);
    for (name, range) in [("Breaks", "A1:BQ8"), ("Suggested", "A1:P2"), ("Quarantine", "A1:F2")] {
        let xml = sheet(&sheets, name);
        assert!(
            xml.contains(&format!("<autoFilter ref=\"{range}\"")),
            "{name}: {:?}",
            between(xml, "<autoFilter", ">")
        );
        assert!(xml.contains("ySplit=\"1\"") && xml.contains("state=\"frozen\""), "{name}");
        assert!(xml.contains("orientation=\"landscape\""), "{name}");
        assert!(workbook.contains(&format!("{name}!$1:$1")), "{name} repeats its header");
    }
}

#[test]
fn totals_are_formulas_over_the_list_with_their_result() {
    let all_open = sheets(&a_day(), ROOMY);
    let breaks = sheet(&all_open, "Breaks");
    // Seven breaks in rows 2 to 8, an empty row, then KWD before USD.
    assert!(cell(breaks, "A10").contains("<t>Total</t>"));
    assert!(cell(breaks, "D10").contains("<t>KWD</t>"));
    let total = cell(breaks, "F11");
    assert!(total.contains("<f>SUMIFS(F$2:F$8,D$2:D$8,D11,E$2:E$8,E11,J$2:J$8,J11)</f><v>100.70</v>"), "{total}");
    let reward = cell(breaks, "F12");
    assert!(reward.ends_with("<v>1.25</v>"), "{reward}");
    // Only what is open is added up.
    assert!(cell(breaks, "J11").contains("<t>open</t>"));
    let mut facts = a_day();
    facts.breaks.set_status(0, BreakStatus::WrittenOff);
    let settled = sheets(&facts, ROOMY);
    let breaks = sheet(&settled, "Breaks");
    assert!(cell(breaks, "J2").contains("<t>written_off</t>"));
    let total = cell(breaks, "F11");
    assert!(total.ends_with("<v>56.50</v>"), "{total}");
}

#[test]
fn no_text_from_outside_becomes_a_formula_or_a_link() {
    for facts in [hostile(), every_kind()] {
        for (name, xml) in sheets(&facts, ROOMY) {
            for formula in between(&xml, "<f>", "</f>") {
                let ours = ["SUMIFS(F$2:F$", "ROUND(SUM(", "SUM(B"].iter().any(|known| formula.starts_with(known));
                let plain = formula.chars().all(|c| c.is_ascii_alphanumeric() || "$:,()-".contains(c));
                assert!(ours && plain, "{name}: {formula}");
            }
            assert!(!xml.contains("<hyperlink"), "{name}");
        }
        assert!(parts(&facts, ROOMY).keys().all(|part| !part.contains("externalLink") && !part.contains("vba")));
    }
}

#[test]
fn hostile_text_is_there_and_harmless() {
    let sheets = sheets(&hostile(), ROOMY);
    let breaks = sheet(&sheets, "Breaks");
    assert!(breaks.contains("<t>=HYPERLINK(\"http://evil.example\",\"x\")</t>"));
    assert!(breaks.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for (name, xml) in &sheets {
        let bad = xml.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{name} holds a control character");
        assert!(!xml.contains('\u{202e}'), "{name} turns the direction of text");
        for part in xml.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| part.starts_with(known)), "{name}: &{part:.20}");
        }
    }
}

#[test]
fn more_breaks_than_a_sheet_holds_continue_on_the_next_with_totals_of_their_own() {
    let mut facts = clean();
    facts.breaks = (0..25).map(|n| found(BreakKind::FileOnly, &format!("txn-{n:03}"), "JPY", n + 1)).collect();
    let sheets = sheets(&facts, 10);
    let names: Vec<&str> = sheets.iter().map(|sheet| sheet.0.as_str()).collect();
    assert_eq!(names[..6], ["Summary", "Charts", "Breaks", "Breaks 2", "Breaks 3", "Ageing"]);
    let mut keys = 0;
    for (name, rows, total) in [("Breaks", 10, "55"), ("Breaks 2", 10, "155"), ("Breaks 3", 5, "115")] {
        let xml = sheet(&sheets, name);
        assert!(xml.contains(&format!("<autoFilter ref=\"A1:BQ{}\"", rows + 1)), "{name}");
        keys += xml.matches("<t>txn-").count();
        let place = rows + 3;
        assert!(cell(xml, &format!("A{place}")).contains("<t>Total of this sheet</t>"), "{name}");
        assert!(cell(xml, &format!("F{place}")).ends_with(&format!("<v>{total}</v>")), "{name}");
    }
    assert_eq!(keys, 25, "each break once");
}

#[test]
fn amounts_beyond_a_sheets_fifteen_digits_are_text_and_not_rounded() {
    let sheets = sheets(&extremes(), ROOMY);
    let breaks = sheet(&sheets, "Breaks");
    for (place, text) in
        [("F2", "92233720368547758.07"), ("G2", "-92233720368547758.08"), ("F5", "184467440737095516.14")]
    {
        let xml = cell(breaks, place);
        assert!(xml.contains("t=\"inlineStr\"") && xml.ends_with(&format!("<t>{text}</t></is>")), "{xml}");
    }
}

#[test]
fn a_sheet_without_rows_says_so() {
    let sheets = sheets(&clean(), ROOMY);
    for name in ["Breaks", "Suggested", "Quarantine"] {
        assert!(cell(sheet(&sheets, name), "A2").contains("<t>None.</t>"), "{name}");
        assert!(!sheet(&sheets, name).contains("<autoFilter"), "{name}");
    }
}

#[test]
fn columns_that_no_break_fills_are_hidden() {
    let mut facts = clean();
    facts.breaks = vec![found(BreakKind::FileOnly, "txn", "USD", 1)].into();
    let sheets = sheets(&facts, ROOMY);
    let hidden: Vec<String> = between(sheet(&sheets, "Breaks"), "<col ", "/>")
        .into_iter()
        .filter(|col| col.contains("hidden=\"1\""))
        .collect();
    // The ledger states its amount (column 32), so its column shows; the file's (15) does not; a decision can be typed.
    assert!(hidden.iter().any(|col| col.contains("min=\"15\"")), "{hidden:?}");
    for shown in ["min=\"32\"", "min=\"12\"", "min=\"14\""] {
        assert!(!hidden.iter().any(|col| col.contains(shown)), "{hidden:?}");
    }
}

#[test]
fn the_documents_time_is_the_runs() {
    let core = &parts(&clean(), ROOMY)["docProps/core.xml"];
    assert_eq!(between(core, "W3CDTF\">", "<"), ["2025-03-20T13:45:00Z", "2025-03-20T13:45:00Z"]);
}

#[test]
fn definitions_name_every_kind_and_evidence_every_digest() {
    let facts = a_day();
    let parts = parts(&facts, ROOMY);
    let strings = &parts["xl/sharedStrings.xml"];
    for kind in BreakKind::ALL {
        assert!(strings.contains(&format!("<t>{}</t>", kind.name())), "{kind}");
    }
    for input in &facts.inputs {
        assert!(strings.contains(&input.sha256), "{}", input.name);
    }
    assert!(strings.contains("<t>abc1234</t>"), "the program's commit");
}

#[test]
fn effects_have_a_sheet_of_their_own_with_ids_as_text() {
    let mut facts = a_day();
    let mut effects = crate::support::effects::some_of_all();
    "0012345".clone_into(&mut effects.planned[2].effect.key.transaction);
    "=1+1".clone_into(&mut effects.planned[2].effect.user);
    facts.effects = Some(effects);
    let sheets = sheets(&facts, ROOMY);
    let names: Vec<&str> = sheets.iter().map(|sheet| sheet.0.as_str()).collect();
    assert_eq!(names[..7], ["Summary", "Charts", "Breaks", "Ageing", "Effects", "Explained", "Suggested"]);
    let xml = sheet(&sheets, "Effects");
    // In doubt comes first.
    assert!(cell(xml, "F2").ends_with("<t>0012345</t></is>") && cell(xml, "F2").contains("t=\"inlineStr\""));
    assert!(cell(xml, "G2").ends_with("<t>=1+1</t></is>"), "{}", cell(xml, "G2"));
    assert!(cell(xml, "D2").ends_with("<t>in_doubt</t></is>"));
    assert!(cell(xml, "I2").ends_with("<v>44.2</v>"), "{}", cell(xml, "I2"));
    assert!(cell(xml, "E11").ends_with("<t>cannot be asked for: no side states the user</t></is>"));
    assert!(xml.contains("<autoFilter ref=\"A1:AA11\""), "{:?}", between(xml, "<autoFilter", ">"));
    assert!(!xml.contains("<f>"));
    let strings = &parts(&facts, ROOMY)["xl/sharedStrings.xml"];
    assert!(
        strings.contains("<t>audits, in doubt</t>") && strings.contains("<t>fraud markers, refused by a person</t>")
    );
    assert!(strings.contains("<t>known from before</t>"), "a definition");
}
