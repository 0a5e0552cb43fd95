//! Where the parts of a report lead to: within the page, or to the other pages of its run.

use maud::{Markup, html};

use super::super::text::visible;
use super::super::totals::AgeTotal;
use crate::breaks::BreakKind;

/// What stands around the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// A page that stands alone: kinds lead to their definitions.
    Here,
    /// The address of the run's page: kinds and ages lead to its breaks, digests to what was received.
    Run {
        address: String,
        /// Whether who looks may have what was received.
        inputs: bool,
    },
}

impl Links {
    pub(super) fn kind(&self, kind: BreakKind) -> String {
        match self {
            Self::Here => format!("#kind-{}", kind.name()),
            Self::Run { address: run, .. } => format!("{run}/breaks?kind={}", kind.name()),
        }
    }

    /// The words of an age, as a link where there is a list.
    pub(super) fn age(&self, age: &AgeTotal, words: &str) -> Markup {
        match self {
            Self::Run { address: run, .. } if age.count > 0 => {
                let to = age.to_days.map_or_else(String::new, |to| format!("&age_to={to}"));
                html! { a href={ (run) "/breaks?age_from=" (age.from_days) (to) } { (words) } }
            }
            _ => html! { (words) },
        }
    }

    pub(super) fn input(&self, sha256: &str) -> Markup {
        html! {
            @if let Self::Run { address, inputs: true } = self { a href={ (address) "/inputs/" (sha256) } { (visible(sha256)) } }
            @else { (visible(sha256)) }
        }
    }
}
