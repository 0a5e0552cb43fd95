//! A notice in the words and the form of each channel: pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Matter, NOTICE_SCHEMA, Notice, NoticeEvent};
use crate::money;
use crate::providers::http::{Redactor, displayable};
use crate::report::{count, money as money_words};

/// Of why a run failed so much is told; the report and the log have the rest.
const LONGEST_REASON: usize = 300;
/// A name in a heading.
const LONGEST_NAME: usize = 80;

/// An event for people.
pub const fn event_words(event: NoticeEvent) -> &'static str {
    match event {
        NoticeEvent::Failed => "failed",
        NoticeEvent::InDoubt => "in doubt",
        NoticeEvent::GateBreached => "gate breached",
        NoticeEvent::Late => "late",
        NoticeEvent::ApprovalNeeded => "approval needed",
        NoticeEvent::Resolved => "resolved",
    }
}

/// What an exit code means.
pub const fn of_code(code: u8) -> &'static str {
    match code {
        10 => "a declared gate is breached",
        20 => "a person is needed",
        65 => "an input cannot be used as it is",
        69 => "the provider did not answer after all retries",
        70 => "the tie-out does not tie: a bug in tieout",
        75 => "try again later",
        77 => "the provider refused the credentials",
        78 => "the configuration is wrong",
        _ => "unexpected",
    }
}

/// `1 effect`, `1,200 effects`
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Why something failed, in one line that may leave the house: what a provider said is cut off, what is quoted (a value
/// of a row, an id) and what looks like a secret or a card is taken out.
pub fn reason(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let ours = without_reply(first);
    displayable(&Redactor::default().redact(&without_quotes(ours)), LONGEST_REASON)
}

/// Up to the provider's words, which follow a status: `… status 503: <words>`.
fn without_reply(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text[from..].find("status ") {
        let digits = from + found + "status ".len();
        let code = text.get(digits..digits + 3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
        if code.is_some() {
            return &text[..digits + 3];
        }
        from = digits;
    }
    text
}

/// What stands between a pair of these marks is a name or a value of somebody's data.
fn without_quotes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['`', '"']) {
        let mark = if rest[start..].starts_with('`') { '`' } else { '"' };
        plain.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        plain.push('…');
        // A mark that is never closed takes the rest with it.
        rest = after.find(mark).map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

/// `[TEST] failed: rewards-daily 2025-03-19`: one line, as a mail's subject.
pub fn subject(notice: &Notice) -> String {
    let events = notice.matters.iter().map(|matter| event_words(matter.event)).collect::<Vec<_>>().join(", ");
    format!("{}tieout: {events}: {}", mark(notice), of_what(notice))
}

const fn mark(notice: &Notice) -> &'static str {
    if notice.test { "[TEST] " } else { "" }
}

fn of_what(notice: &Notice) -> String {
    let (job, period) = (displayable(&notice.job, LONGEST_NAME), displayable(&notice.period, LONGEST_NAME));
    let attempt = notice.attempt.map_or_else(String::new, |attempt| format!(", attempt {attempt}"));
    format!("{job} {period}{attempt}")
}

/// The numbers, in one line; none where there are none.
fn numbers(notice: &Notice) -> Option<String> {
    let figures = &notice.figures;
    let mut parts = Vec::new();
    if let Some(breaks) = figures.breaks {
        let rows = figures.rows.map_or_else(String::new, |rows| format!(" in {}", counted(rows, "row", "rows")));
        parts.push(format!("{}{rows}", counted(breaks, "break", "breaks")));
    }
    if !figures.at_risk_minor.is_empty() {
        let sums = figures.at_risk_minor.iter();
        let sums: Vec<String> = sums.map(|(currency, minor)| money_words(i128::from(*minor), currency)).collect();
        parts.push(format!("at risk: {}", sums.join(", ")));
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

/// As a mail has it.
pub fn plain(notice: &Notice) -> String {
    let mut text = String::new();
    for (matter, first) in notice.matters.iter().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
        let separation = if first { "" } else { "\n" };
        let _ = writeln!(text, "{separation}{}{}", mark(notice), heading(notice, matter));
        for line in &matter.lines {
            let _ = writeln!(text, "{}", displayable(line, LONGEST_REASON + 200));
        }
    }
    for line in numbers(notice).into_iter().chain(notice.link.as_ref().map(|link| format!("Report: {link}"))) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\nEvent {} of {}.", notice.id, notice.at.format("%Y-%m-%d %H:%M:%S UTC"));
    text
}

fn heading(notice: &Notice, matter: &Matter) -> String {
    format!("{}: {}", event_words(matter.event).to_uppercase(), of_what(notice))
}

#[derive(Serialize)]
struct SlackBody {
    text: String,
    unfurl_links: bool,
    unfurl_media: bool,
}

/// The body for Slack and what takes the same: `text` alone, since that is what all of them understand.
///
/// # Panics
/// Never: it is plain data.
pub fn slack(notice: &Notice) -> Vec<u8> {
    let mut text = String::new();
    for matter in &notice.matters {
        let _ = writeln!(text, "*{}{}*", mark(notice), mrkdwn(&heading(notice, matter)));
        for line in &matter.lines {
            let _ = writeln!(text, "{}", mrkdwn(&displayable(line, LONGEST_REASON + 200)));
        }
    }
    if let Some(line) = numbers(notice) {
        let _ = writeln!(text, "{}", mrkdwn(&line));
    }
    if let Some(link) = &notice.link {
        // A template of ours with its values percent-encoded: nothing in it closes the brackets.
        let _ = writeln!(text, "<{}|Report>", link.replace('&', "&amp;").replace(['<', '>', '|'], ""));
    }
    let _ = write!(text, "Event {}", notice.id);
    let body = SlackBody { text, unfurl_links: false, unfurl_media: false };
    serde_json::to_vec(&body).expect("plain data with text keys")
}

/// Text that no reader of Slack's markup, nor of the Markdown of its relatives, takes for anything else: no mention, no
/// link, no emphasis. <https://docs.slack.dev/messaging/formatting-message-text>
fn mrkdwn(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, char| {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("(at)"),
            '*' | '`' | '~' | '[' | ']' | '|' => safe.push('\''),
            other => safe.push(other),
        }
        safe
    })
}

/// The JSON of a notice.
#[derive(Serialize)]
struct Told<'n> {
    schema: &'static str,
    id: &'n str,
    at: String,
    event: &'static str,
    events: Vec<&'static str>,
    test: bool,
    job: &'n str,
    period: &'n str,
    attempt: Option<u32>,
    exit_code: Option<u8>,
    title: String,
    text: String,
    breaks: Option<u64>,
    rows: Option<u64>,
    in_doubt: u64,
    awaiting_approval: u64,
    at_risk: BTreeMap<&'n str, String>,
    link: Option<&'n str>,
}

/// The body for a generic webhook.
///
/// # Panics
/// Never: it is plain data.
pub fn json(notice: &Notice) -> Vec<u8> {
    let figures = &notice.figures;
    let events: Vec<&'static str> = notice.matters.iter().map(|matter| matter.event.name()).collect();
    let told = Told {
        schema: NOTICE_SCHEMA,
        id: &notice.id,
        at: notice.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        event: events.first().copied().unwrap_or_default(),
        events,
        test: notice.test,
        job: &notice.job,
        period: &notice.period,
        attempt: notice.attempt,
        exit_code: notice.exit_code,
        title: subject(notice),
        text: plain(notice),
        breaks: figures.breaks,
        rows: figures.rows,
        in_doubt: figures.in_doubt,
        awaiting_approval: figures.awaiting_approval,
        at_risk: figures.at_risk_minor.iter().map(|(currency, minor)| exactly(currency, *minor)).collect(),
        link: notice.link.as_deref(),
    };
    serde_json::to_vec(&told).expect("plain data with text keys")
}

fn exactly(currency: &str, minor: i64) -> (&str, String) {
    (currency, money::format_minor(i128::from(minor), money::exponent(currency).unwrap_or(2)))
}

/// The report's address: the values percent-encoded, so that none becomes another part of it.
pub fn link(template: &str, job: &str, period: &str, attempt: Option<u32>) -> String {
    let attempt = attempt.map_or_else(String::new, |attempt| attempt.to_string());
    template.replace("{job}", &encoded(job)).replace("{period}", &encoded(period)).replace("{attempt}", &attempt)
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut safe, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
        safe
    })
}
