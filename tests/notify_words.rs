//! What people are told, word for word, and that nothing of others gets through it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use tieout::notify::words::{json as webhook, link, plain, reason, slack, subject};
use tieout::notify::{Counts, Matter, Notice, NoticeEvent};

use crate::support::utc;

fn notice(event: NoticeEvent, lines: &[&str]) -> Notice {
    Notice {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        at: utc("2025-03-20T13:45:09.25Z"),
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        attempt: Some(3),
        exit_code: Some(10),
        matters: vec![Matter { event, lines: lines.iter().map(|line| (*line).to_owned()).collect() }],
        figures: Counts {
            breaks: Some(22),
            rows: Some(1_214),
            at_risk_minor: BTreeMap::from([("JPY".to_owned(), 500), ("USD".to_owned(), 120_999)]),
            in_doubt: 0,
            awaiting_approval: 5,
        },
        link: Some("https://reports.acme.example/rewards-daily/2025-03-19/3/".to_owned()),
        test: false,
    }
}

fn slack_text(notice: &Notice) -> String {
    let body: Value = serde_json::from_slice(&slack(notice)).unwrap();
    assert_eq!(body["unfurl_links"], false);
    body["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_mail_says_what_is_the_matter_how_much_is_at_risk_and_where_to_look() {
    let notice = notice(NoticeEvent::GateBreached, &["max_breaks: 22 found, 10 allowed."]);
    assert_eq!(subject(&notice), "tieout: gate breached: rewards-daily 2025-03-19, attempt 3");
    assert_eq!(
        plain(&notice),
        "GATE BREACHED: rewards-daily 2025-03-19, attempt 3\n\
         max_breaks: 22 found, 10 allowed.\n\
         22 breaks in 1,214 rows; at risk: JPY 500, USD 1,209.99.\n\
         Report: https://reports.acme.example/rewards-daily/2025-03-19/3/\n\
         \n\
         Event 0123456789abcdef0123456789abcdef of 2025-03-20 13:45:09 UTC.\n"
    );
}

#[test]
fn slack_is_told_the_same() {
    let notice = notice(NoticeEvent::Failed, &["Exit code 69: the provider did not answer after all retries."]);
    assert_eq!(
        slack_text(&notice),
        "*FAILED: rewards-daily 2025-03-19, attempt 3*\n\
         Exit code 69: the provider did not answer after all retries.\n\
         22 breaks in 1,214 rows; at risk: JPY 500, USD 1,209.99.\n\
         <https://reports.acme.example/rewards-daily/2025-03-19/3/|Report>\n\
         Event 0123456789abcdef0123456789abcdef"
    );
}

#[test]
fn a_webhook_is_told_in_json_with_exact_amounts() {
    let notice = notice(NoticeEvent::ApprovalNeeded, &["5 effects wait for approval."]);
    let told: Value = serde_json::from_slice(&webhook(&notice)).unwrap();
    assert_eq!(
        told,
        json!({
            "schema": "tieout.notice/1", "id": "0123456789abcdef0123456789abcdef", "at": "2025-03-20T13:45:09.250Z",
            "event": "approval_needed", "events": ["approval_needed"], "test": false,
            "job": "rewards-daily", "period": "2025-03-19", "attempt": 3, "exit_code": 10,
            "title": "tieout: approval needed: rewards-daily 2025-03-19, attempt 3", "text": plain(&notice),
            "breaks": 22, "rows": 1214, "in_doubt": 0, "awaiting_approval": 5,
            "at_risk": {"JPY": "500", "USD": "1209.99"},
            "link": "https://reports.acme.example/rewards-daily/2025-03-19/3/",
        })
    );
}

#[test]
fn a_test_is_marked_in_every_form() {
    let notice = Notice { test: true, ..notice(NoticeEvent::Late, &["Nothing is the matter."]) };
    assert!(subject(&notice).starts_with("[TEST] tieout: late: "), "{}", subject(&notice));
    assert!(plain(&notice).starts_with("[TEST] LATE: "), "{}", plain(&notice));
    assert!(slack_text(&notice).starts_with("*[TEST] LATE: "), "{}", slack_text(&notice));
    assert_eq!(serde_json::from_slice::<Value>(&webhook(&notice)).unwrap()["test"], true);
}

#[test]
fn why_a_run_failed_is_told_without_what_a_provider_said_what_is_quoted_and_what_is_secret() {
    let table = [
        ("no ledger file is there yet", "no ledger file is there yet"),
        (
            "provider kard: GET https://kard.example/v2 failed after 3 attempts: status 503: user u-77 <b>is</b> gone",
            "provider kard: GET https://kard.example/v2 failed after 3 attempts: status 503",
        ),
        ("ledger.csv line 3: `4111 1111 1111 1111` is no amount", "ledger.csv line 3: … is no amount"),
        ("the user \"Mara Lind\" has no card, and `that", "the user … has no card, and …"),
        ("card 4111111111111111 is unknown", "card [redacted] is unknown"),
        ("Bearer abcdef was refused", "Bearer [redacted] was refused"),
        ("first line\nsecond line", "first line"),
        ("the status of it is open", "the status of it is open"),
        ("status 20: not yet", "status 20: not yet"),
        ("ring\u{7}the\u{1b}[31mbell\u{202e}", "ringthe[31mbell"),
    ];
    for (message, told) in table {
        assert_eq!(reason(message), told, "{message:?}");
    }
    assert!(reason(&"long ".repeat(1_000)).chars().count() <= 300);
}

#[test]
fn hostile_text_becomes_no_mention_no_link_no_header_and_no_other_line() {
    let hostile = "<!channel> <https://evil.example|Report> @here [x](https://evil.example) *bold* `code` & more\r\nBcc: x@evil.example";
    let notice = Notice {
        job: format!("job{hostile}"),
        period: hostile.to_owned(),
        link: Some(link("https://r.example/{job}/{period}?a=1&b=2", hostile, hostile, Some(1))),
        ..notice(NoticeEvent::Failed, &[hostile])
    };
    let text = slack_text(&notice);
    for word in ["<!channel>", "<https://evil", "@here", "](https", "`code`", "*bold*"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(text.contains("&lt;!channel&gt;"), "{text}");
    assert_eq!(text.matches('<').count(), 1, "only our link: {text}");
    assert!(!subject(&notice).contains(['\r', '\n']), "{}", subject(&notice));
    assert!(plain(&notice).lines().all(|line| !line.starts_with("Bcc")), "{}", plain(&notice));
    let address = notice.link.unwrap();
    assert!(address.starts_with("https://r.example/%3C%21channel%3E%20") && address.ends_with("?a=1&b=2"), "{address}");
    assert!(!address.contains(['<', '>', '|', ' ', '@']), "{address}");
}

proptest! {
    #[test]
    fn no_text_opens_markup_in_slack_or_begins_a_line_of_its_own(text in "\\PC{0,80}|[<>&|@*`\\[\\]\r\n\u{202e}a-z ]{0,80}") {
        let notice = Notice { link: None, ..notice(NoticeEvent::Failed, &[&text]) };
        let told = slack_text(&notice);
        prop_assert!(!told.contains(['<', '>', '@', '`', '|']), "{told}");
        prop_assert_eq!(told.lines().count(), 4, "{}", told);
        prop_assert_eq!(told.matches('*').count(), 2, "{}", told);
    }

    #[test]
    fn no_long_number_and_nothing_quoted_is_told(digits in "[0-9]{13,19}", name in "[a-z]{1,12}") {
        let told = reason(&format!("row with {digits} and `{name}{digits}` is wrong"));
        prop_assert!(!told.contains(&digits), "{told}");
        let words: Vec<&str> = told.split(' ').collect();
        prop_assert_eq!(words, ["row", "with", "[redacted]", "and", "…", "is", "wrong"]);
    }
}
