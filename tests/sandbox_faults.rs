//! The fault plan as it is written: every fault can be asked for, and every mistake is told.

use std::path::Path;
use std::time::Duration;

use tieout::sandbox::{Fault, FaultPlan, FaultRule, Nth, On};

use crate::support::chain;

#[test]
fn every_fault_can_be_written_in_yaml_and_in_json() {
    let status = |code, retry_after, retry_after_date| Fault::Status { code, retry_after, retry_after_date };
    let table = [
        ("{on: token, nth: 1, do: {status: 503, retry_after: 1}}", On::Token, Nth::Only(1), status(503, Some(1), None)),
        (
            "{on: files, nth: every, do: {status: 429, retry_after_date: 2}}",
            On::Files,
            Nth::Every,
            status(429, None, Some(2)),
        ),
        (r#"{"on": "files", "nth": 2, "do": {"status": 500}}"#, On::Files, Nth::Only(2), status(500, None, None)),
        ("{on: download, nth: 3, do: reset_before}", On::Download, Nth::Only(3), Fault::ResetBefore),
        ("{on: download, nth: 1, do: reset_after}", On::Download, Nth::Only(1), Fault::ResetAfter),
        ("{on: download, nth: 1, do: {slow: 5s}}", On::Download, Nth::Only(1), Fault::Slow(Duration::from_secs(5))),
        (
            "{on: download, nth: 1, do: {slow: 30ms}}",
            On::Download,
            Nth::Only(1),
            Fault::Slow(Duration::from_millis(30)),
        ),
        ("{on: download, nth: 1, do: {truncate: 100}}", On::Download, Nth::Only(1), Fault::Truncate(100)),
        (r#"{"on": "token", "nth": "every", "do": "malformed_json"}"#, On::Token, Nth::Every, Fault::MalformedJson),
        ("{on: files, nth: 1, do: html_page}", On::Files, Nth::Only(1), Fault::HtmlPage),
        ("{on: files, nth: 1, do: expired_url}", On::Files, Nth::Only(1), Fault::ExpiredUrl),
        ("{on: files, nth: 1, do: revoke_token}", On::Files, Nth::Only(1), Fault::RevokeToken),
        ("{on: files, nth: 1, do: repeat_cursor}", On::Files, Nth::Only(1), Fault::RepeatCursor),
        ("{on: download, nth: 1, do: wrong_bytes}", On::Download, Nth::Only(1), Fault::WrongBytes),
    ];
    for (rule, on, nth, fault) in table {
        for text in [format!("rules:\n  - {rule}\n"), format!("{{\"rules\": [{rule}]}}")] {
            let plan = FaultPlan::parse(&text, Path::new("faults.yaml"))
                .unwrap_or_else(|error| panic!("{text}: {}", chain(&error)));
            assert_eq!(plan.rules, [FaultRule { on, nth, fault: fault.clone() }]);
        }
    }
}

#[test]
fn mistakes_in_a_plan_are_told() {
    let table = [
        ("{on: token, nth: 1, do: {status: 503, retry-after: 1}}", "retry-after"),
        ("{on: token, nth: 1, do: {status: 503}, extra: 1}", "extra"),
        ("{on: uploads, nth: 1, do: reset_before}", "uploads"),
        ("{on: token, nth: some, do: reset_before}", "expected a number or `every`, found \"some\""),
        ("{on: token, nth: 0, do: reset_before}", "the fault plan faults.yaml: rule 1: nth counts from 1"),
        ("{on: token, do: reset_before}", "nth"),
        (
            "{on: token, nth: 1, do: explode}",
            "unknown fault \"explode\"; status, slow and truncate are written as maps",
        ),
        ("{on: token, nth: 1, do: slow}", "unknown fault \"slow\"; status, slow and truncate are written as maps"),
        ("{on: token, nth: 1, do: {slow: 5}}", "5"),
        ("{on: token, nth: 1, do: {slow: 5h}}", "expected a duration such as 5s or 300ms, found \"5h\""),
        ("{on: token, nth: 1, do: {slow: 5s, truncate: 1}}", "expected one of status, slow, truncate"),
        ("{on: token, nth: 1, do: {retry_after: 1}}", "retry_after needs a status"),
        ("{on: token, nth: 1, do: {status: 99}}", "the fault plan faults.yaml: rule 1: status must be from 200 to 599"),
        (
            "{on: token, nth: 1, do: revoke_token}",
            "the fault plan faults.yaml: rule 1: revoke_token makes no sense on token",
        ),
        (
            "{on: download, nth: 1, do: repeat_cursor}",
            "the fault plan faults.yaml: rule 1: repeat_cursor makes no sense on download",
        ),
    ];
    for (rule, told) in table {
        let error = FaultPlan::parse(&format!("rules:\n  - {rule}\n"), Path::new("faults.yaml")).expect_err(rule);
        assert!(chain(&error).contains(told), "{rule}: {}", chain(&error));
    }
    let error = FaultPlan::read(Path::new("/nowhere/faults.yaml")).unwrap_err();
    assert!(chain(&error).starts_with("cannot read the fault plan /nowhere/faults.yaml"));
}
