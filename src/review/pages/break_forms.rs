//! What can be decided about a break now, by whoever looks at it.

use maud::{Markup, html};

use crate::breaks::life::{Event, Standing};
use crate::decisions::breaks::check;
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::form::MOST_TEXT_CHARS;
use crate::review::frame::form;

/// A decision as it would be written: whether it can be taken is asked of the same function.
struct Choice {
    act: Act,
    /// The last name of the address.
    path: &'static str,
    title: &'static str,
    /// What it means, in a sentence.
    means: &'static str,
    event: Event,
}

fn choices() -> [Choice; 7] {
    let (by, reason) = (String::new(), String::new());
    [
        Choice {
            act: Act::Comment,
            path: "comment",
            title: "Comment",
            means: "Everybody who looks at the break reads it. It stays in the journal.",
            event: Event::Commented { text: String::new(), by: by.clone() },
        },
        Choice {
            act: Act::Assign,
            path: "assign",
            title: "Assign",
            means: "Somebody looks after it.",
            event: Event::Assigned { to: String::new(), by: by.clone(), reason: None },
        },
        Choice {
            act: Act::Confirm,
            path: "confirm",
            title: "Confirm",
            means: "Somebody has looked at it, and it is one. It stays open.",
            event: Event::Confirmed { by: by.clone(), reason: None },
        },
        Choice {
            act: Act::AcceptSuggestion,
            path: "accept",
            title: "Accept the suggestion",
            means: "The keys that a weaker rule pairs belong together.",
            event: Event::SuggestionAccepted { by: by.clone(), reason: reason.clone() },
        },
        Choice {
            act: Act::ForceMatch,
            path: "force-match",
            title: "Force match",
            means: "It has its counterpart, though the keys or the amounts say otherwise. The break is closed.",
            event: Event::ForceMatched { with: None, by: by.clone(), reason: reason.clone() },
        },
        Choice {
            act: Act::WriteOff,
            path: "write-off",
            title: "Write off",
            means: "The loss is accepted. The break is closed, and nothing is asked of the provider for it.",
            event: Event::WrittenOff { by: by.clone(), reason: reason.clone() },
        },
        Choice {
            act: Act::Reopen,
            path: "reopen",
            title: "Open again",
            means: "What closed it does not hold. It counts again.",
            event: Event::ReopenedByPerson { by, reason },
        },
    ]
}

/// The forms that this visitor may use now; for others, which decisions there are and whose they are.
pub(super) fn forms(visitor: &Visitor, standing: &Standing) -> Markup {
    let possible: Vec<_> = choices().into_iter().filter(|choice| check(standing, &choice.event).is_ok()).collect();
    let (open, closed): (Vec<&Choice>, Vec<&Choice>) = possible.iter().partition(|choice| visitor.may(choice.act));
    html! {
        h2 #decide { "What can be done" }
        @for choice in open {
            details open[choice.act == Act::Comment] {
                summary { (choice.title) }
                p.soft { (choice.means) }
                (form(visitor, choice.act, &format!("/breaks/{}/{}", address::segment(&standing.id), choice.path), &fields(choice)))
            }
        }
        @if !closed.is_empty() {
            ul.closed {
                @for choice in closed {
                    li { strong { (choice.title) } ": " (choice.means) " " span.soft { "Takes the role " (choice.act.asks_for().name()) "." } }
                }
            }
        }
    }
}

fn fields(choice: &Choice) -> Markup {
    let reason = |needed: bool| {
        let label = if needed { "Reason" } else { "Reason (may be left out)" };
        html! { label { (label) textarea name="reason" rows="2" maxlength=(MOST_TEXT_CHARS) required[needed] {} } }
    };
    html! {
        div.fields {
            @match choice.act {
                Act::Comment => label { "Comment" textarea name="text" rows="3" maxlength=(MOST_TEXT_CHARS) required {} },
                Act::Assign => { label { "To" input name="to" maxlength="200" autocomplete="off" required; } (reason(false)) },
                Act::Confirm => (reason(false)),
                Act::ForceMatch => {
                    label { "Key of the counterpart (may be left out)" input name="with" maxlength="200" autocomplete="off"; }
                    (reason(true))
                },
                _ => (reason(true)),
            }
            button { (choice.title) }
        }
    }
}
