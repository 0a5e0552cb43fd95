//! `report.html`: self-contained, accessible in its structure, and safe with any text.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use tieout::breaks::BreakKind;
use tieout::report::html::render;

use crate::support_facts::{a_day, clean, every_kind, extremes, found, hostile};

/// The tags of the page in order: `p`, `/p`, …
fn tags(page: &str) -> Vec<String> {
    let body = page.split("</style>").nth(1).unwrap();
    body.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    for facts in [clean(), a_day(), hostile(), every_kind(), extremes()] {
        let page = render(&facts, 2_000);
        assert!(page.contains("default-src 'none'"), "the policy forbids what follows");
        assert!(
            tags(&page)
                .iter()
                .all(|tag| !["script", "img", "link", "iframe", "object", "form"].contains(&tag.as_str()))
        );
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        assert!(!style.contains("url(") && !style.contains("@import"));
        for link in page.split(" href=\"").skip(1) {
            assert!(link.starts_with('#'), "{link:.40}");
        }
        assert!(!page.contains(" src=\""));
    }
}

#[test]
fn every_element_is_closed_in_its_turn_whatever_the_text() {
    for facts in [clean(), a_day(), hostile(), every_kind(), extremes()] {
        let mut open: Vec<String> = Vec::new();
        for tag in tags(&render(&facts, 2_000)).iter().skip(1) {
            match tag.strip_prefix('/') {
                Some("html" | "head") => {}
                Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed)),
                None if tag == "br" => {}
                None => open.push(tag.clone()),
            }
        }
        assert_eq!(open, Vec::<String>::new());
    }
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let page = render(&hostile(), 2_000);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(!page.contains(['\0', '\u{1b}', '\u{202e}']));
}

#[test]
fn it_can_be_navigated_by_landmarks_headings_and_table_heads() {
    let page = render(&a_day(), 2_000);
    for part in [
        "<html lang=\"en\">",
        "<title>rewards-daily for 2025-03-19</title>",
        "<main>",
        "<header>",
        "<footer>",
        "<nav aria-label=\"Sections\">",
        "name=\"viewport\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    let (heads, scoped) =
        (page.matches("<th ").count() + page.matches("<th>").count(), page.matches("scope=\"").count());
    assert_eq!(heads, scoped, "every table head says what it heads");
    assert_eq!(page.matches("<table>").count(), page.matches("<caption>").count());
    for link in page.split(" href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(page.matches(&format!("id=\"{link}\"")).count(), 1, "#{link}");
    }
}

#[test]
fn the_verdict_stands_on_top_in_words() {
    let page = render(&a_day(), 2_000);
    let verdict = page.find("Ties out with 7 breaks to review").unwrap();
    assert!(verdict < page.find("Rows read").unwrap());
    assert!(page.contains("At risk: KWD 1.500, USD 101.95."));
    assert!(render(&clean(), 2_000).contains("Ties out, no breaks"));
    assert!(render(&every_kind(), 2_000).contains("Gate max_breaks allows 10, found 28."));
}

#[test]
fn the_bridge_and_the_kinds_are_drawn() {
    let page = render(&a_day(), 2_000);
    // Four bridges with two totals each and five lines in all; six kinds, one age.
    assert_eq!(page.matches("class=\"total\" x=").count(), 8);
    assert_eq!(page.matches("class=\"up\" x=").count() + page.matches("class=\"down\" x=").count(), 5);
    assert_eq!(page.matches("class=\"bar\" x=").count(), 7);
    assert!(page.contains("USD</bdi> transaction amount</strong>, file to ledger (bars do not begin at zero)"));
}

#[test]
fn what_the_sides_say_stands_side_by_side_and_only_what_differs_is_marked() {
    let page = render(&a_day(), 2_000);
    let row = page.split("<tr>").find(|row| row.contains("txn-0007")).unwrap();
    let cells: Vec<&str> = row.split("<td class=\"side\">").skip(1).collect();
    assert_eq!(cells.len(), 3, "file, ledger, webhooks");
    assert!(cells[0].contains("<bdi class=\"differs\">USD 25.00</bdi>"), "{}", cells[0]);
    assert!(cells[0].contains("cardlinked-reconciliation-250319.json line 7"), "{}", cells[0]);
    assert!(cells[1].contains("<bdi class=\"differs\">USD 30.50</bdi>"), "{}", cells[1]);
    assert!(cells[1].contains("<bdi>SETTLED</bdi>") && cells[1].contains("ledger.csv line 9, 11"), "{}", cells[1]);
    assert!(cells[2].contains("not there"), "{}", cells[2]);
    assert_eq!(row.matches("class=\"differs\"").count(), 2);
}

#[test]
fn the_period_the_time_and_the_sandbox_are_told_at_the_top() {
    let page = render(&a_day(), 2_000);
    let top = page.split("<nav").next().unwrap();
    for part in ["from 2025-03-19 00:00 UTC up to 2025-03-20 00:00 UTC", "2025-03-20 13:45:00 UTC", "Sandbox."] {
        assert!(top.contains(part), "{part}");
    }
    assert!(!render(&clean(), 2_000).contains("Sandbox."));
}

#[test]
fn a_long_list_is_cut_with_a_note() {
    let mut facts = clean();
    facts.breaks = (0..30).map(|n| found(BreakKind::FileOnly, &format!("txn-{n:03}"), "USD", n + 1)).collect();
    let page = render(&facts, 20);
    assert!(page.contains("txn-019") && !page.contains("txn-020"));
    assert!(page.contains("Shown are the first 20 of 30; all stand in"));
    assert!(page.contains("30 breaks, by kind, most at risk first"));
}
