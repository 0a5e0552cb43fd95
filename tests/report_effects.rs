//! Effects in every rendering: what needs a person stands first, and nothing changes for a job without effects.

use std::path::PathBuf;

use serde_json::{Value, json};
use tieout::effects::{Doubt, EffectsFacts, Standing};
use tieout::exit::ExitCode;
use tieout::job::ReportFormat;
use tieout::report::json::Summary;
use tieout::report::verdict::{Tone, Verdict, verdict};
use tieout::report::{Facts, MOST_EFFECT_LINES, MOST_LINES, csv, html, terminal_summary, write};

use crate::support::effects::{
    acknowledged, approved, audit, in_doubt, in_flight, marker, rejected, some_of_all, standing,
};
use crate::support_facts::{HOSTILE, a_day, clean, every_kind};

fn with(mut facts: Facts, effects: EffectsFacts) -> Facts {
    facts.effects = Some(effects);
    facts
}

/// A clean day whose plan is just these.
fn planned(planned: Vec<Standing>) -> Facts {
    with(clean(), EffectsFacts { planned, ..EffectsFacts::default() })
}

fn sent(last: tieout::effects::Event) -> Standing {
    standing(&audit("t-1", 5_00), &[approved(), in_flight(), last])
}

fn terminal(facts: &Facts, width: usize) -> String {
    let folder = PathBuf::from("runs/rewards-daily/2025-03-19/1");
    terminal_summary(facts, &[folder.join("summary.json")], width, false)
}

/// The lines from `Effects` on.
fn block(facts: &Facts) -> String {
    let text = terminal(facts, 80);
    text[text.find("Effects\n").unwrap()..text.find("Rows  ").unwrap()].to_owned()
}

#[test]
fn the_terminal_tells_what_needs_a_person_first_and_what_to_type() {
    let expected = "\
Effects
  IN DOUBT 031ff05413a218d9 audit for txn-0101: no reply, since 2025-03-20 10:0…
  IN DOUBT fa62372184ff3d92 audit for txn-0001: stopped before the reply was re…
  and 1 audit more in doubt or refused
  audits:        1 in doubt, 1 refused by the provider, 1 waiting for approval,
                 1 sent, 1 cannot be asked for
  fraud markers: 1 waiting for approval, 1 approved, not sent, 1 refused by a
                 person, 1 known from before
  held: 312 fraud markers, the job allows 200 a run: all wait for approval
  1 audit without news for longer than the job allows
  decide: tieout in-doubt list --sandbox
  look at: tieout effects rewards-daily/2025-03-19/1 --sandbox
  approve: tieout approve --all --run rewards-daily/2025-03-19/1 --sandbox
";
    let text = block(&with(a_day(), some_of_all()));
    assert_eq!(text, expected, "{text}");
}

#[test]
fn a_plan_that_waits_says_how_to_read_and_to_approve_it() {
    let facts = planned(vec![standing(&audit("t-1", 5_00), &[]), standing(&marker("t-2", 5_00), &[])]);
    assert_eq!(
        block(&facts),
        "\
Effects
  audits:        1 waiting for approval
  fraud markers: 1 waiting for approval
  read: tieout effects rewards-daily/2025-03-19/1
  approve: tieout approve --all --run rewards-daily/2025-03-19/1 --comment TEXT
"
    );
    assert_eq!(
        block(&planned(Vec::new())),
        "\
Effects
  nothing is asked of the provider
"
    );
}

#[test]
fn the_block_has_its_own_lines_and_never_takes_more() {
    let mut stopped = some_of_all();
    stopped.stopped = Some("Kard did not answer after 5 attempts".to_owned());
    for effects in [some_of_all(), stopped, EffectsFacts::default()] {
        for facts in [clean(), a_day(), every_kind()] {
            for width in [60, 80, 120] {
                let text = terminal(&with(facts.clone(), effects.clone()), width);
                assert!(text.lines().count() <= MOST_LINES + MOST_EFFECT_LINES, "{text}");
                // Commands are never cut: people copy them.
                let cut = text.lines().filter(|line| !line.contains(": tieout "));
                for line in cut {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }
}

fn judged(facts: &Facts) -> Verdict {
    verdict(facts)
}

#[test]
fn doubt_and_refusal_call_for_a_person_after_a_fault_and_before_a_gate() {
    let doubt = || sent(in_doubt(Doubt::NoReply, "no answer"));
    let refused = || sent(rejected("404: User not found"));
    let fine = || sent(acknowledged(Some("audit-1")));
    for (planned, before, expected) in [
        (vec![], vec![], (Tone::Clean, ExitCode::Done)),
        (vec![fine()], vec![], (Tone::Clean, ExitCode::Done)),
        (vec![standing(&marker("t-9", 1), &[])], vec![], (Tone::Clean, ExitCode::Done)),
        (vec![fine(), doubt()], vec![], (Tone::NeedsPerson, ExitCode::PersonNeeded)),
        (vec![fine()], vec![doubt()], (Tone::NeedsPerson, ExitCode::PersonNeeded)),
        (vec![refused()], vec![], (Tone::NeedsPerson, ExitCode::PersonNeeded)),
    ] {
        let effects = EffectsFacts { planned, in_doubt: before, ..EffectsFacts::default() };
        let found = judged(&with(clean(), effects.clone()));
        assert_eq!((found.tone, found.exit), expected, "{effects:?}");
        // A breached gate ends with 10 unless a person is needed; a fault always with 70.
        let gate = judged(&with(every_kind(), effects.clone())).exit;
        let expected_gate =
            if expected.1 == ExitCode::PersonNeeded { ExitCode::PersonNeeded } else { ExitCode::GateBreached };
        assert_eq!(gate, expected_gate);
        let mut untied = with(every_kind(), effects);
        untied.statement.bridges[0].residual_minor = 1;
        assert_eq!(judged(&untied).exit, ExitCode::InvariantFailed);
    }
}

#[test]
fn a_refusal_that_was_opened_again_calls_for_nobody_any_more() {
    let mut again = sent(rejected("404: User not found"));
    again.reopening = Some("the user id is known now".to_owned());
    assert_eq!(judged(&planned(vec![again])).exit, ExitCode::Done);
}

#[test]
fn the_verdict_says_it_in_whole_sentences() {
    let mut effects = some_of_all();
    effects.stopped = Some("Kard did not answer".to_owned());
    let found = judged(&with(every_kind(), effects));
    assert_eq!(
        found.headline,
        "2 effects in doubt and 1 refused by the provider; ties out with 42 breaks; 1 gate is breached"
    );
    assert_eq!(
        found.sentences[..3],
        [
            "In doubt: 1 audit of this period and 1 audit of other periods; nobody here knows what the provider has, \
             and nothing of it is sent again.",
            "The provider refused 1 audit; its words stand beside each.",
            "Sending ended early: Kard did not answer.",
        ]
    );
    assert_eq!(
        found.to_review[..4],
        [
            "1 audit and 1 fraud marker wait for approval.",
            "Held back: 312 fraud markers, the job allows 200 a run: all wait for approval.",
            "1 audit cannot be asked for: something is missing, the list of effects says what.",
            "1 audit is without news for longer than the job allows, the oldest for 19 days.",
        ]
    );
}

#[test]
fn a_run_that_could_not_send_everything_does_not_call_itself_done() {
    let effects = EffectsFacts {
        stopped: Some("Kard did not answer".to_owned()),
        stopped_exit: Some(ExitCode::ProviderUnavailable),
        ..EffectsFacts::default()
    };
    let found = judged(&with(clean(), effects.clone()));
    assert_eq!((found.tone, found.exit), (Tone::Unsent, ExitCode::ProviderUnavailable));
    assert_eq!(found.headline, "Not everything is sent; ties out, no breaks");
    // A fault of our own goes before everything.
    let mut untied = with(clean(), effects);
    untied.statement.bridges[0].residual_minor = 1;
    assert_eq!((judged(&untied).tone, judged(&untied).exit), (Tone::Broken, ExitCode::InvariantFailed));
}

fn effects_csv(effects: &EffectsFacts) -> Vec<Vec<String>> {
    let mut bytes = Vec::new();
    csv::render_effects(effects, &mut bytes).unwrap();
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn effects_csv_has_every_effect_once_the_most_urgent_first() {
    let rows = effects_csv(&some_of_all());
    assert_eq!(
        rows[0].join(","),
        "effect,listed,kind,state,words,transaction,user,asks,at_risk,currency,why,breaks,rows,merchant,description,\
         since,attempts,approved_by,comment,provider_id,said,days_silent,opening,job,period"
    );
    let told: Vec<[&str; 4]> = rows[1..].iter().map(|row| [&*row[1], &*row[3], &*row[5], &*row[8]]).collect();
    assert_eq!(
        told,
        [
            ["planned", "in_doubt", "txn-0101", "44.20"],
            ["in_doubt_before", "in_doubt", "txn-0001", "7.00"],
            ["planned", "rejected", "txn-0099", "2.00"],
            ["planned", "proposed", "txn-0044", "31.00"],
            ["planned", "proposed", "txn-0203", "82.00"],
            ["planned", "approved", "txn-0201", "80.00"],
            ["planned", "acknowledged", "txn-0031", "1.25"],
            ["planned", "refused", "txn-0202", "81.00"],
            ["known_before", "acknowledged", "txn-0002", "9.00"],
            ["cannot_be_asked_for", "", "txn-0300", ""],
        ]
    );
    let row = &rows[7];
    assert_eq!(row[4], "acknowledged as audit-1");
    assert_eq!(
        row[6..],
        [
            "u-7",
            "audit 3006, reward missing",
            "1.25",
            "USD",
            "reward_missing: the ledger has 31.00 USD, settled; no reward in the file",
            "00112233aabbccdd",
            "ledger.csv line 12, 15",
            "Blue Cafe",
            "Transaction txn-0031 is settled and has no reward.",
            "2025-03-20T10:03:00Z",
            "1",
            "Mara Lind",
            "checked against the ledger",
            "audit-1",
            "",
            "",
            "1",
            "rewards-daily",
            "2025-03-19",
        ]
    );
}

/// Every text that came from outside is hostile.
fn hostile() -> EffectsFacts {
    let mut facts = some_of_all();
    let mut turn = HOSTILE.iter().cycle();
    let mut next = || (*turn.next().unwrap()).to_owned();
    for _ in 0..3 {
        facts.planned.extend(facts.planned.clone());
    }
    for standing in facts.planned.iter_mut().chain(&mut facts.in_doubt).chain(&mut facts.elsewhere) {
        standing.effect.key.transaction = next();
        standing.effect.user = next();
        standing.said = Some(next());
        standing.provider_id = Some(next());
        standing.reopening = Some(next());
        for ground in &mut standing.effect.grounds {
            ground.rule = next();
            ground.detail = next();
            for row in &mut ground.rows {
                row.file = next();
            }
        }
        if let Some(approval) = &mut standing.approval {
            approval.comment = Some(next());
        }
    }
    facts.unplannable[0].reason = next();
    facts.held = HOSTILE.map(str::to_owned).to_vec();
    facts.stopped = Some(next());
    facts
}

#[test]
fn no_hostile_text_becomes_a_formula_a_tag_or_an_escape() {
    for row in effects_csv(&hostile()) {
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        }
    }
    let facts = with(a_day(), hostile());
    let page = html::render(&facts, 2_000);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(!page.contains(['\0', '\u{1b}', '\u{202e}']));
    let text = terminal(&facts, 80);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
}

#[test]
fn the_summary_counts_by_kind_and_state_and_keeps_the_anchor() {
    let facts = with(a_day(), some_of_all());
    let folder = tempfile::tempdir().unwrap();
    write(&facts, &[], folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
    let read: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(read, tieout::report::json::summary(&facts));
    let value: Value = serde_json::from_str(&text).unwrap();
    let effects = &value["effects"];
    let count = |kind: &str, state: &str, risk: &str| json!({"kind": kind, "state": state, "count": 1, "at_risk": [{"currency": "USD", "at_risk_minor": risk}]});
    let counts = [
        count("provider_audit", "in_doubt", "4420"),
        count("provider_audit", "rejected", "200"),
        count("provider_audit", "proposed", "3100"),
        count("provider_audit", "acknowledged", "125"),
        count("fraud_marker", "proposed", "8200"),
        count("fraud_marker", "approved", "8000"),
        count("fraud_marker", "refused", "8100"),
    ];
    assert_eq!(effects["counts"], json!(counts));
    assert_eq!(effects["known_before"], json!(1));
    assert_eq!(effects["cannot_be_asked_for"], json!(1));
    assert_eq!(effects["in_doubt"], json!([audit("txn-0101", 0).id, audit("txn-0001", 0).id]));
    let silent = json!([{
        "effect": audit("txn-0003", 0).id, "transaction": "txn-0003", "provider_id": "audit-3", "days": 19,
    }]);
    assert_eq!(effects["silent"], silent);
    assert_eq!(effects["anchor"], json!({"sequence": 41, "hash": "a".repeat(64)}));
    assert_eq!(value["verdict"]["exit_code"], json!(20));
    assert_eq!(value["schema"], json!("tieout.summary/1"));
}

#[test]
fn a_job_without_effects_writes_what_it_always_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let all = [ReportFormat::Csv, ReportFormat::Html, ReportFormat::Json];
    let written = write(&a_day(), &all, folder.path()).unwrap();
    let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["summary.json", "breaks.csv", "report.html"]);
    assert!(!terminal(&a_day(), 80).contains("Effects"));
    let page = html::render(&a_day(), 2_000);
    assert!(!page.split("</style>").nth(1).unwrap().to_lowercase().contains("effect"));
    let text = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
    assert!(!text.contains("\"effects\""));
    let with_effects = tempfile::tempdir().unwrap();
    let written = write(&with(a_day(), some_of_all()), &all, with_effects.path()).unwrap();
    let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["summary.json", "breaks.csv", "effects.csv", "report.html"]);
}

#[test]
fn the_page_puts_doubts_in_a_box_above_the_list_and_says_why_for_each() {
    let page = html::render(&with(a_day(), some_of_all()), 2_000);
    let section = page.split("<h2 id=\"effects\">").nth(1).unwrap().split("</section>").next().unwrap();
    let alarm = section.find("2 effects are in doubt").unwrap();
    assert!(alarm < section.find("Effects by kind and state").unwrap());
    for part in [
        "of period <bdi>2025-03-18</bdi>",
        "Held back: <bdi>312 fraud markers, the job allows 200 a run: all wait for approval</bdi>.",
        "refused by the provider: 404: User not found",
        "known from before (rewards-monthly 2025-03): acknowledged",
        "cannot be asked for: no side states the user",
        "approved by <bdi>Mara Lind</bdi> at 2025-03-20 10:01:00 UTC: <bdi>checked against the ledger</bdi>",
        "<td class=\"n\">19</td>",
        "10 effects, what needs a person first",
        "Effect journal at entry 41",
    ] {
        assert!(section.contains(part), "{part}\n{section}");
    }
    assert!(page.contains("<a href=\"#effects\">Effects</a>"));
    assert!(page.contains("class=\"verdict person\""));
    let cut = html::render(&with(a_day(), some_of_all()), 4);
    assert!(cut.contains("Shown are the first 4 of 10; all stand in effects.csv or report.xlsx"));
}
