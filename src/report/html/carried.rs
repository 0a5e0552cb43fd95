//! Items of other periods.

use maud::{Markup, html};

use super::super::carried::{COLUMNS, cells, listed, sentences};
use super::super::facts::{CarriedFacts, Facts};
use super::lists::{cell_of, rest_note};

pub(super) fn carried(carried: &CarriedFacts, facts: &Facts, page_rows: usize) -> Markup {
    let all = listed(carried);
    let shown = &all[..all.len().min(page_rows)];
    html! {
        section aria-labelledby="carried" {
            h2 #carried { "Carried items" }
            @for sentence in sentences(facts) { p { (sentence) } }
            @if !shown.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Carried items" {
                    table {
                        caption { "What other periods had left open, and what has become of it here" }
                        thead { tr { @for (title, _) in COLUMNS { th scope="col" { (title) } } } }
                        tbody { @for one in shown { tr { @for cell in cells(one) { (cell_of(&cell)) } } } }
                    }
                }
            }
            (rest_note(all.len(), shown.len(), "report.xlsx, where the job asks for it"))
        }
    }
}
