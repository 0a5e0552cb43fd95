//! The section on effects: what is in doubt first, then every effect with where it stands and why.

use maud::{Markup, html};

use super::super::amount::{count, grouped, money};
use super::super::effects::{Item, in_doubt, items, news_in_words, rows_in_words};
use super::super::facts::Facts;
use super::super::json::EffectsSummary;
use super::super::text::{counted, visible};
use super::breaks::time;
use super::lists::rest_note;
use crate::effects::words::{about, ask_words, state_name_words};
use crate::effects::{Approver, Ask, EffectsFacts, Ground, Silent, Standing, State};

pub(super) fn effects(
    found: &EffectsFacts,
    summed: Option<&EffectsSummary>,
    facts: &Facts,
    page_rows: usize,
) -> Markup {
    let items = items(found);
    let shown = &items[..items.len().min(page_rows)];
    html! {
        section aria-labelledby="effects" {
            h2 #effects { "Effects" }
            p {
                @if facts.is_sending() {
                    "What is sent to Kard: each parcel (and each upload session) is one effect, sent until its outcome is known."
                } @else {
                    "What is asked of the provider because of the breaks"
                    @if found.is_about_cards() {
                        ": cards are made, changed or closed, or money is put on them."
                    } @else if items.is_empty() {
                        "."
                    } @else {
                        ": audits (Kard's word for a dispute) and fraud markers."
                    }
                }
            }
            (doubts(found, facts))
            @if let Some(stopped) = &found.stopped {
                p.urgent { "Sending ended early: " bdi { (visible(stopped)) } "." }
            }
            @for why in &found.held { p { "Held back: " bdi { (visible(why)) } "." } }
            @if let Some(summed) = summed { (counts(summed)) }
            @if let Some(news) = news_in_words(found) { p { "News of audits in this log: " bdi { (visible(&news)) } "." } }
            (silent(&found.silent, page_rows))
            @if shown.is_empty() {
                p { @if items.is_empty() { "Nothing is asked for." } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="All effects" {
                    table {
                        caption { (counted(items.len() as u64, "effect", "effects")) ", what needs a person first" }
                        thead { tr {
                            th scope="col" { (match (facts.is_sending(), found.is_about_cards()) {
                                (true, _) => "Parcel and what is in it",
                                (false, true) => "Card or order, and what is asked",
                                (false, false) => "Transaction and what is asked",
                            }) } th.n scope="col" { "At risk" }
                            th scope="col" { "Where it stands" } th scope="col" { "Why" }
                        } }
                        tbody { @for item in shown { (row(*item)) } }
                    }
                }
            }
            (rest_note(items.len(), shown.len(), "effects.csv or report.xlsx, as far as the job asks for them"))
            (traces(found))
        }
    }
}

/// How many doubts the box at the top spells out; all stand in the list below it.
const MOST_DOUBTS: usize = 20;

fn doubts(found: &EffectsFacts, facts: &Facts) -> Markup {
    let doubts = in_doubt(found);
    html! {
        @if !doubts.is_empty() {
            div.alarm {
                h3 { (counted(doubts.len() as u64, "effect is", "effects are")) " in doubt" }
                p {
                    "It was sent, and nobody here knows whether the provider has it. It is not sent again by itself: "
                    @if found.is_about_cards() { "a later look at the card" } @else { "news from Kard" }
                    " ends the doubt, or a person does, with " code { "tieout in-doubt list" } "."
                }
                ul {
                    @for standing in doubts.iter().take(MOST_DOUBTS) { li { (doubt(standing, &facts.period.label)) } }
                }
                @if doubts.len() > MOST_DOUBTS {
                    p { "and " (count((doubts.len() - MOST_DOUBTS) as u64)) " more, in the list below." }
                }
            }
        }
    }
}

fn doubt(standing: &Standing, period: &str) -> Markup {
    let effect = &standing.effect;
    html! {
        span.id { bdi { (visible(about(effect))) } } ": " (ask_words(effect))
        @if !effect.user.is_empty() { ", user " bdi { (visible(&effect.user)) } } ", "
        (standing.doubt.map_or("", crate::effects::Doubt::words)) ", since " (time(standing.since))
        @if effect.period != period { ", of period " bdi { (visible(&effect.period)) } }
        " " span.soft { "effect " (visible(&effect.id)) }
    }
}

/// Sums by kind and state; nothing where there is none.
pub fn counts(found: &EffectsSummary) -> Markup {
    let beside = [
        (found.known_before, "known from before: not asked for twice"),
        (found.cannot_be_asked_for, "cannot be asked for"),
    ];
    html! {
        @if !found.counts.is_empty() || beside.iter().any(|(number, _)| *number > 0) {
            div.scroll tabindex="0" role="region" aria-label="Effects by state" {
                table {
                    caption { "Effects by kind and state" }
                    thead { tr {
                        th scope="col" { "Kind" } th scope="col" { "State" } th.n scope="col" { "Effects" }
                        th.n scope="col" { "At risk" }
                    } }
                    tbody {
                        @for total in &found.counts {
                            tr {
                                th scope="row" { (total.kind.words(2)) }
                                td class=[urgent(total.state)] { (state_name_words(total.state)) }
                                td.n { (count(total.count)) }
                                td.n { @for sum in &total.at_risk { bdi { (money(sum.at_risk_minor.0, &sum.currency)) } br; } }
                            }
                        }
                        @for (number, words) in beside {
                            @if number > 0 {
                                tr { th scope="row" { "of any kind" } td { (words) } td.n { (count(number)) } td.n {} }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn urgent(state: State) -> Option<&'static str> {
    match state {
        State::InDoubt | State::Rejected => Some("urgent"),
        _ => None,
    }
}

fn silent(found: &[Silent], page_rows: usize) -> Markup {
    let shown = &found[..found.len().min(page_rows)];
    html! {
        @if !shown.is_empty() {
            h3 { "Audits without news for longer than the job allows" }
            div.scroll tabindex="0" role="region" aria-label="Silent audits" {
                table {
                    caption { (counted(found.len() as u64, "audit", "audits")) ", longest first" }
                    thead { tr {
                        th scope="col" { "Transaction" } th.n scope="col" { "Days" } th scope="col" { "Kard's audit id" }
                        th scope="col" { "Period" }
                    } }
                    tbody {
                        @for silent in shown {
                            @let effect = &silent.standing.effect;
                            tr {
                                th.id scope="row" { bdi { (visible(effect.transaction())) } }
                                td.n { (silent.days) }
                                td.id { bdi { (visible(silent.standing.provider_id.as_deref().unwrap_or("not stated"))) } }
                                td { bdi { (visible(&effect.period)) } }
                            }
                        }
                    }
                }
            }
            (rest_note(found.len(), shown.len(), "summary.json"))
        }
    }
}

fn row(item: Item<'_>) -> Markup {
    let Some(standing) = item.standing() else { return unplannable(item) };
    let effect = &standing.effect;
    html! {
        tr {
            th scope="row" .what {
                span.id { bdi { (visible(about(effect))) } } br;
                strong { (ask_words(effect)) } br;
                @if !effect.user.is_empty() {
                    "user " bdi { (visible(&effect.user)) }
                    @if let Ask::Audit { merchant, .. } = &effect.ask { ", merchant " bdi { (visible(merchant)) } }
                    br;
                }
                span.soft { "effect " (visible(&effect.id)) }
            }
            td.n {
                @if !effect.currency.is_empty() {
                    bdi { (visible(&effect.currency)) } " " (grouped(effect.at_risk_minor.into(), &effect.currency))
                }
            }
            td.wide {
                div class=[urgent(standing.state)] { bdi { (visible(&item.words())) } }
                (history(standing))
            }
            td.wide {
                @for ground in &effect.grounds {
                    div {
                        strong { bdi { (visible(&rule_words(ground))) } } ": " bdi { (visible(&ground.detail)) }
                        @if let Some(id) = &ground.break_id { " " span.soft { "break " (visible(id)) } }
                        @if !ground.rows.is_empty() { div.soft { bdi { (visible(&rows_in_words(ground))) } } }
                    }
                }
                @if let Some(reason) = &effect.reopened { div.soft { "Opened again: " bdi { (visible(reason)) } } }
                @if let Ask::Audit { description, .. } = &effect.ask {
                    div.soft { "Kard is told: " bdi { (visible(description)) } }
                }
            }
        }
    }
}

/// The kind of a break, or what a rule over rows says of itself.
fn rule_words(ground: &Ground) -> String {
    if ground.break_id.is_some() { ground.rule.replace('_', " ") } else { ground.rule.clone() }
}

/// Since when, who allowed it, what was said, how often it was tried.
fn history(standing: &Standing) -> Markup {
    html! {
        @if standing.state != State::InDoubt { div.soft { "since " (time(standing.since)) } }
        @if let Some(approval) = &standing.approval {
            div.soft {
                "approved by "
                @match &approval.by {
                    Approver::Person { name } => bdi { (visible(name)) },
                    Approver::Job { rule } => { "the job (" bdi { (visible(rule)) } ")" },
                }
                " at " (time(approval.at))
                @if let Some(comment) = &approval.comment { ": " bdi { (visible(comment)) } }
            }
        }
        @if standing.attempts > 1 { div.soft { "sent " (counted(standing.attempts.into(), "time", "times")) } }
        @if let (Some(said), State::InDoubt) = (&standing.said, standing.state) {
            div.soft { bdi { (visible(said)) } }
        }
    }
}

fn unplannable(item: Item<'_>) -> Markup {
    html! {
        tr {
            th scope="row" .what {
                span.id { bdi { (visible(item.transaction())) } } br;
                strong { (item.kind().words(1)) }
            }
            td.n {}
            td.wide { bdi { (visible(&item.words())) } }
            td.wide {}
        }
    }
}

/// What an auditor keeps: the plan that approvals are bound to, and where the journal stood.
fn traces(found: &EffectsFacts) -> Markup {
    html! {
        p.soft { "Plan " span.id { (visible(&found.plan)) } }
        @if let Some(anchor) = &found.anchor {
            p.soft {
                "Effect journal at entry " (anchor.sequence) ", hash " span.id { (visible(&anchor.hash)) }
                ": kept, it shows later that nothing was cut off."
            }
        }
    }
}
