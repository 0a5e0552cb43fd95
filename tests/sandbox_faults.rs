//! The fault plan as it is written: every fault can be asked for, and every mistake is told.

use std::path::Path;
use std::time::Duration;

use tieout::config::Problem;
use tieout::sandbox::{Fault, FaultPlan, FaultRule, Nth, On};

#[test]
fn every_fault_can_be_written_in_yaml_and_in_json() {
    let status =
        |code, retry_after, retry_after_date| Fault::Status { code, retry_after, retry_after_date, applied: false };
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
        ("{on: audits, nth: 1, do: revoke_token}", On::Audits, Nth::Only(1), Fault::RevokeToken),
        ("{on: audits, nth: 1, do: {late: 2s}}", On::Audits, Nth::Only(1), Fault::Late(Duration::from_secs(2))),
        ("{on: fraud, nth: 1, do: missing_item}", On::Fraud, Nth::Only(1), Fault::MissingItem),
        ("{on: fraud, nth: 1, do: extra_item}", On::Fraud, Nth::Only(1), Fault::ExtraItem),
        ("{on: fraud, nth: 1, do: repeat_item}", On::Fraud, Nth::Only(1), Fault::RepeatItem),
        ("{on: fraud, nth: 1, do: refuse_item}", On::Fraud, Nth::Only(1), Fault::RefuseItem),
        ("{on: audits, nth: every, do: error_without_id}", On::Audits, Nth::Every, Fault::ErrorWithoutId),
        ("{on: uploads, nth: 1, do: expired_url}", On::Uploads, Nth::Only(1), Fault::ExpiredUrl),
        ("{on: uploads, nth: 1, do: missing_item}", On::Uploads, Nth::Only(1), Fault::MissingItem),
        ("{on: storage, nth: 1, do: expired_url}", On::Storage, Nth::Only(1), Fault::ExpiredUrl),
        ("{on: storage, nth: 1, do: reset_within}", On::Storage, Nth::Only(1), Fault::ResetWithin),
        ("{on: storage, nth: 1, do: {late: 2s}}", On::Storage, Nth::Only(1), Fault::Late(Duration::from_secs(2))),
        ("{on: transactions, nth: 1, do: refuse_item}", On::Transactions, Nth::Only(1), Fault::RefuseItem),
        ("{on: historical_start, nth: 1, do: reset_after}", On::HistoricalStart, Nth::Only(1), Fault::ResetAfter),
        ("{on: historical_part, nth: 1, do: extra_item}", On::HistoricalPart, Nth::Only(1), Fault::ExtraItem),
        ("{on: historical_complete, nth: 1, do: html_page}", On::HistoricalComplete, Nth::Only(1), Fault::HtmlPage),
        ("{on: notification, nth: 1, do: drop}", On::Notification, Nth::Only(1), Fault::Drop),
        ("{on: notification, nth: every, do: repeat}", On::Notification, Nth::Every, Fault::Repeat),
        ("{on: notification, nth: 1, do: wrong_file_name}", On::Notification, Nth::Only(1), Fault::WrongFileName),
        (
            "{on: notification, nth: 1, do: {late: 5s}}",
            On::Notification,
            Nth::Only(1),
            Fault::Late(Duration::from_secs(5)),
        ),
        (
            "{on: fraud, nth: 1, do: {status: 500, applied: true}}",
            On::Fraud,
            Nth::Only(1),
            Fault::Status { code: 500, retry_after: None, retry_after_date: None, applied: true },
        ),
    ];
    for (rule, on, nth, fault) in table {
        for text in [format!("rules:\n  - {rule}\n"), format!("{{\"rules\": [{rule}]}}")] {
            let plan = FaultPlan::parse(&text, Path::new("faults.yaml"))
                .unwrap_or_else(|problems| panic!("{text}: {problems}"));
            assert_eq!(plan.rules, [FaultRule { on, nth, fault: fault.clone() }]);
        }
    }
}

#[test]
fn mistakes_in_a_plan_are_told_with_their_place() {
    let table = [
        (
            "{on: token, nth: 1, do: {status: 503, retry-after: 1}}",
            "2:43: unknown key `retry-after` in rules[0].do; did you mean `retry_after`?",
        ),
        (
            "{on: token, nth: 1, do: {status: 503}, extra: 1}",
            "2:44: unknown key `extra` in rules[0]; expected one of `do`, `nth`, `on`",
        ),
        (
            "{on: upload, nth: 1, do: reset_before}",
            "2:10: unknown value `upload` for `rules[0].on`; did you mean `uploads`?",
        ),
        (
            "{on: token, nth: some, do: reset_before}",
            "2:22: `rules[0].nth` is `some`; expected `every` or a whole number",
        ),
        ("{on: token, nth: 0, do: reset_before}", "2:22: `rules[0].nth` is 0; expected at least 1"),
        ("{on: token, nth: -1, do: reset_before}", "2:22: `rules[0].nth` is -1; expected at least 1"),
        ("{on: token, do: reset_before}", "2:5: missing key `nth` in rules[0]"),
        (
            "{on: token, nth: 1, do: explode}",
            "2:29: unknown value `explode` for `rules[0].do`; expected one of `reset_before`, `reset_after`, \
             `reset_within`, `malformed_json`, `html_page`, `expired_url`, `revoke_token`, `repeat_cursor`, \
             `wrong_bytes`, `missing_item`, `extra_item`, `repeat_item`, `refuse_item`, `error_without_id`, \
             `busy_item`, `refuse_call`, `drop`, `repeat`, `wrong_file_name`, `clock_ahead`, `delivered_twice`",
        ),
        (
            "{on: token, nth: 1, do: {slow: 5}}",
            "2:36: `5` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d",
        ),
        (
            "{on: token, nth: 1, do: {slow: 5s, truncate: 1}}",
            "2:40: unknown key `truncate` in rules[0].do; expected one of `slow`",
        ),
        ("{on: token, nth: 1, do: {retry_after: 1}}", "2:25: missing key `status` in rules[0].do"),
        ("{on: token, nth: 1, do: {status: 99}}", "2:38: `rules[0].do.status` is 99; expected at least 200"),
        ("{on: token, nth: 1, do: revoke_token}", "2:29: `revoke_token` makes no sense on `token`"),
        ("{on: token, nth: 1, do: {status: 500, applied: true}}", "2:52: `applied` makes no sense on `token`"),
        ("{on: files, nth: 1, do: {late: 1s}}", "2:25: `late` makes no sense on `files`"),
        ("{on: download, nth: 1, do: refuse_item}", "2:32: `refuse_item` makes no sense on `download`"),
        ("{on: fraud, nth: 1, do: expired_url}", "2:29: `expired_url` makes no sense on `fraud`"),
        (
            "{on: audits, nth: 1, do: {late: 5}}",
            "2:37: `5` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d",
        ),
        ("{on: storage, nth: 1, do: {truncate: 1}}", "2:27: `truncate` makes no sense on `storage`"),
        ("{on: storage, nth: 1, do: revoke_token}", "2:31: `revoke_token` makes no sense on `storage`"),
        ("{on: files, nth: 1, do: reset_within}", "2:29: `reset_within` makes no sense on `files`"),
        ("{on: transactions, nth: 1, do: missing_item}", "2:36: `missing_item` makes no sense on `transactions`"),
        ("{on: uploads, nth: 1, do: refuse_item}", "2:31: `refuse_item` makes no sense on `uploads`"),
        ("{on: historical_start, nth: 1, do: extra_item}", "2:40: `extra_item` makes no sense on `historical_start`"),
        ("{on: notification, nth: 1, do: reset_after}", "2:36: `reset_after` makes no sense on `notification`"),
        ("{on: notification, nth: 1, do: {status: 500}}", "2:32: `status` makes no sense on `notification`"),
        ("{on: uploads, nth: 1, do: drop}", "2:31: `drop` makes no sense on `uploads`"),
        ("{on: download, nth: 1, do: repeat_cursor}", "2:32: `repeat_cursor` makes no sense on `download`"),
    ];
    for (rule, told) in table {
        let problems = FaultPlan::parse(&format!("rules:\n  - {rule}\n"), Path::new("faults.yaml")).expect_err(rule);
        let headlines: Vec<String> = problems.iter().map(Problem::headline).collect();
        assert_eq!(headlines, [format!("faults.yaml:{told}")], "{rule}");
    }
    let problems = FaultPlan::read(Path::new("/nowhere/faults.yaml")).unwrap_err();
    assert_eq!(problems.to_string(), "/nowhere/faults.yaml: there is no such file");
}
