//! `approve`, `reject`, `reopen` and `in-doubt resolve`: who may decide what, all or nothing, and for one plan only.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tieout::commands::in_doubt::age;
use tieout::commands::person::{PersonError, named};
use tieout::decisions::effects::refuse_starter;
use tieout::decisions::person::is_same;
use tieout::effects::{Approver, Doubt, EffectKind, Event, Standing, State};
use tieout::frames::Side;
use tieout::job::{AuditRule, Caution, Effects, MarkerRule, Rate};
use tieout::journal::{RunRecord, RunStatus};

use crate::support::decisions::{Ledger, RUN, redacted};
use crate::support::effects::{
    PLAN, acknowledged, approved, audit, closed, in_doubt, in_flight, marker, rejected, standing,
};
use crate::support::utc;

/// Two audits and a marker that wait.
fn waiting() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.run("2025-03-19", "dana");
    ledger.effect(audit("t-1", 12_50), &[]);
    let mut yen = audit("t-2", 500);
    "JPY".clone_into(&mut yen.currency);
    ledger.effect(yen, &[]);
    ledger.effect(marker("t-3", 80_00), &[]);
    ledger
}

fn states(ledger: &Ledger) -> [State; 3] {
    [audit("t-1", 0), audit("t-2", 0), marker("t-3", 0)].map(|effect| ledger.standing(&effect.id).state)
}

#[test]
fn all_that_waits_is_approved_and_what_sends_it_is_told() {
    let ledger = waiting();
    let comment = "checked against the ledger";
    let all = ["approve", "--all", "--run", RUN, "--comment", comment, "--by", "Mara Lind"];
    let done = ledger.project.run(&all).ended_with(0);
    assert!(
        done.stderr.contains(
            "approved 2 audits and 1 fraud marker, at risk JPY 500 and USD 92.50; `tieout run rewards --period \
             2025-03-19` sends them"
        ),
        "{}",
        done.stderr
    );
    assert_eq!(done.stdout.lines().count(), 4, "the list of what was approved: {}", done.stdout);
    assert_eq!(states(&ledger), [State::Approved; 3]);
    let approval = ledger.standing(&audit("t-1", 0).id).approval.unwrap();
    assert_eq!((&*approval.plan, approval.comment.as_deref()), (PLAN, Some(comment)));
    assert_eq!(approval.by, Approver::Person { name: "Mara Lind".to_owned() });

    let entries = ledger.entries();
    let again = ledger.project.run(&all).ended_with(0);
    assert!(again.stderr.contains("nothing of run rewards/2025-03-19/1 waits for approval"), "{}", again.stderr);
    assert_eq!(ledger.entries(), entries);
}

#[test]
fn what_was_approved_is_listed_in_every_form() {
    let ledger = waiting();
    let id = marker("t-3", 0).id;
    let done = ledger.project.run(&["approve", &id[..5], &id, "--run", RUN, "--by", "Mara"]).ended_with(0);
    assert_eq!(
        redacted(&done.stdout),
        format!(
            "effect            state     kind          transaction  user  asks          at_risk  currency  since                 \
             why             words               job      period\n\
             {id}  approved  fraud_marker  t-3          u-7   fraud marker    80.00  USD       ....................  \
             reward_missing  approved, not sent  rewards  2025-03-19\n"
        ),
        "{}",
        done.stdout
    );
    assert_eq!(states(&ledger), [State::Proposed, State::Proposed, State::Approved]);
    let refuse = ["reject", &id, "--run", RUN, "--by", "Mara", "--comment", "no", "--format", "json"];
    let refused = ledger.project.run(&refuse).ended_with(0);
    let rows: serde_json::Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!((&rows[0]["state"], &rows[0]["at_risk"]), (&"refused".into(), &"80.00".into()));
    let csv = ledger.project.run(&["approve", "--all", "--run", RUN, "--by", "Mara", "--format", "csv"]).ended_with(0);
    assert!(
        csv.stdout.starts_with("effect,state,kind,transaction,user,asks,at_risk,currency,since,why,words,job,period\n")
    );
    assert_eq!(csv.stdout.lines().count(), 3);
}

#[test]
fn a_decision_is_taken_for_all_effects_or_for_none() {
    let mut ledger = waiting();
    let sent = audit("t-4", 1_00);
    ledger.effect(sent.clone(), &[approved(), in_flight(), acknowledged(None)]);
    let (first, id) = (audit("t-1", 0).id, sent.id);
    let entries = ledger.entries();
    let refused = ledger.project.run(&["approve", &first, &id, "--run", RUN, "--by", "Mara"]).ended_with(2);
    assert_eq!(refused.error(), format!("effect {id} is acknowledged; only proposed ones can be approved"));
    let refused = ledger.project.run(&["approve", &first, "12345", "--run", RUN, "--by", "Mara"]).ended_with(2);
    assert!(refused.error().starts_with("no effect `12345` in the state file"), "{refused:?}");
    let reject = ["reject", &first, &id, "--run", RUN, "--comment", "no", "--by", "Mara"];
    let refused = ledger.project.run(&reject).ended_with(2);
    assert_eq!(
        refused.error(),
        format!("effect {id} is acknowledged; only proposed and approved ones that are not sent yet can be refused")
    );
    let reopen = ["reopen", &first, "--reason", "again", "--by", "Mara"];
    let refused = ledger.project.run(&reopen).ended_with(2);
    assert_eq!(
        refused.error(),
        format!("effect {first} is proposed; only refused, rejected, not applied or closed ones can be reopened")
    );
    let resolve = ["in-doubt", "resolve", &first, "--applied", "--reason", "x", "--by", "Mara"];
    let refused = ledger.project.run(&resolve).ended_with(2);
    assert_eq!(refused.error(), format!("effect {first} is proposed; only ones in doubt can be resolved"));
    assert_eq!(ledger.entries(), entries, "nothing was written");
}

#[test]
fn what_is_in_flight_waits_for_its_run() {
    let mut ledger = waiting();
    let effect = audit("t-5", 1_00);
    ledger.effect(effect.clone(), &[approved(), in_flight()]);
    let id = effect.id;
    let refused = ledger.project.run(&["reject", &id, "--run", RUN, "--comment", "no", "--by", "Mara"]).ended_with(75);
    assert_eq!(
        refused.error(),
        format!(
            "effect {id} is in flight in run rewards/2025-03-19/1; try again when that has ended (if it was killed, the \
             next `tieout run rewards --period 2025-03-19` finds out what can be known)"
        )
    );
}

#[test]
fn a_plan_that_a_later_run_has_changed_cannot_be_approved() {
    let mut ledger = waiting();
    let other = "9".repeat(64);
    let second = ledger.run_with_plan("2025-03-19", "dana", &other);
    let effect = ledger.standing(&audit("t-1", 0).id).effect;
    ledger.append(&effect.id, &[Event::Proposed { plan: other.clone(), effect: Box::new(effect.clone()) }]);
    let entries = ledger.entries();
    for which in [&["--all"][..], &[&effect.id]] {
        let refused =
            ledger.project.run(&[&["approve"], which, &["--run", RUN, "--by", "Mara"]].concat()).ended_with(2);
        assert_eq!(
            refused.error(),
            format!(
                "the plan of run {RUN} is void, run {second} has changed it: look at `tieout effects {second}` and decide \
                 about that run; nothing was decided"
            )
        );
    }
    assert_eq!(ledger.entries(), entries);
    ledger.project.run(&["approve", &effect.id, "--run", &second, "--by", "Mara"]).ended_with(0);
    assert_eq!(ledger.standing(&effect.id).approval.unwrap().plan, other);
}

#[test]
fn a_run_must_have_planned_the_effects_that_are_decided_about() {
    let mut ledger = waiting();
    let id = audit("t-1", 0).id;
    let none = ledger.run_without_plan("2025-03-18");
    let other = ledger.run("2025-03-20", "dana");
    for (run, message) in [
        (
            none.as_str(),
            "run rewards/2025-03-18/1 planned no effects (it is done); `tieout runs show rewards/2025-03-18/1` tells how \
             far it came"
                .to_owned(),
        ),
        (
            &other,
            format!(
                "effect {id} is of rewards for 2025-03-19, not of run {other}; `tieout effects {other}` lists the run's \
                 effects"
            ),
        ),
    ] {
        let refused = ledger.project.run(&["approve", &id, "--run", run, "--by", "Mara"]).ended_with(2);
        assert_eq!(refused.error(), message);
    }
}

#[test]
fn a_refused_matter_is_opened_again_with_a_reason() {
    let mut ledger = waiting();
    let (refused, shut) = (audit("t-6", 1_00), audit("t-7", 2_00));
    ledger.effect(refused.clone(), &[approved(), in_flight(), rejected("404: User not found")]);
    let done = [approved(), in_flight(), acknowledged(None), closed("rejected: no proof", 9001)];
    ledger.effect(shut.clone(), &done);
    let reopen = ["reopen", &refused.id, &shut.id, "--reason", "the user id is known now", "--by", "Mara"];
    let told = ledger.project.run(&reopen).ended_with(0);
    assert!(
        told.stderr.contains(
            "reopened 2 audits, at risk USD 3.00; `tieout run rewards --period 2025-03-19` proposes anew what its \
             breaks still call for"
        ),
        "{}",
        told.stderr
    );
    for id in [refused.id, shut.id] {
        assert_eq!(ledger.standing(&id).reopening.as_deref(), Some("the user id is known now"));
    }
}

#[test]
fn each_way_out_of_a_doubt_leads_where_it_says() {
    for (flag, state, told) in [
        ("--applied", State::Acknowledged, "the provider has them"),
        ("--not-applied", State::NotApplied, "the provider does not have them"),
        ("--resend", State::Approved, "`tieout run rewards --period 2025-03-19` sends them again"),
    ] {
        let mut ledger = waiting();
        let effect = marker("t-8", 1_00);
        ledger.effect(effect.clone(), &[approved(), in_flight(), in_doubt(Doubt::NoReply, "no answer")]);
        let resolve = ["in-doubt", "resolve", &effect.id, flag, "--reason", "case 4711", "--by", "Mara"];
        let done = ledger.project.run(&resolve).ended_with(0);
        assert!(done.stderr.contains(told), "{flag}: {}", done.stderr);
        let standing = ledger.standing(&effect.id);
        assert_eq!((standing.state, standing.said.as_deref()), (state, Some("case 4711")), "{flag}");
    }
}

#[test]
fn the_person_is_named_by_flag_then_variable_then_login() {
    let variables = |set: &'static [(&'static str, &'static str)]| {
        move |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let all = variables(&[("TIEOUT_BY", "ci of finance"), ("USER", "mara"), ("LOGNAME", "m")]);
    assert_eq!(named(Some(" Mara Lind "), all), Ok(" Mara Lind ".to_owned()), "as given");
    assert_eq!(named(None, all), Ok("ci of finance".to_owned()));
    assert_eq!(named(None, variables(&[("TIEOUT_BY", " "), ("USER", "mara")])), Ok("mara".to_owned()));
    assert_eq!(named(None, variables(&[("USER", ""), ("LOGNAME", "m")])), Ok("m".to_owned()));
    assert_eq!(named(Some(" "), all), Err(PersonError::Empty));
    assert_eq!(
        named(None, variables(&[])).unwrap_err().to_string(),
        "nobody is named who decides: no --by, and neither TIEOUT_BY nor the login name says; give --by NAME"
    );
    assert!(is_same("Mara Lind", " mara LIND ") && !is_same("Mara", "Dana"));
}

#[test]
fn a_decision_without_a_name_is_refused_before_anything_is_read() {
    let ledger = waiting();
    let mut command = ledger.project.command(&["approve", "--all", "--run", RUN]);
    for variable in ["TIEOUT_BY", "USER", "LOGNAME"] {
        command.env_remove(variable);
    }
    // Nor can the system be asked.
    command.env("PATH", "");
    let refused = ledger.project.ended(command.spawn().unwrap()).ended_with(2);
    assert!(refused.error().ends_with("give --by NAME"), "{refused:?}");
    let mut command = ledger.project.command(&["approve", "--all", "--run", RUN]);
    command.env("TIEOUT_BY", "finance desk");
    ledger.project.ended(command.spawn().unwrap()).ended_with(0);
    let by = ledger.standing(&audit("t-1", 0).id).approval.unwrap().by;
    assert_eq!(by, Approver::Person { name: "finance desk".to_owned() });
}

#[test]
fn where_no_variable_names_the_person_the_account_does() {
    let ledger = waiting();
    let mut command = ledger.project.command(&["approve", "--all", "--run", RUN]);
    command.env_remove("TIEOUT_BY").env_remove("USER").env_remove("LOGNAME");
    ledger.project.ended(command.spawn().unwrap()).ended_with(0);
    let account = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let name = String::from_utf8(account).unwrap().trim().to_owned();
    let by = ledger.standing(&audit("t-1", 0).id).approval.unwrap().by;
    assert_eq!(by, Approver::Person { name });
}

fn rules(audits: bool, markers: bool) -> Effects {
    let caution = |distinct| Caution { distinct, ..Caution::default() };
    Effects {
        provider: "kard".to_owned(),
        concurrency: 1,
        rate: Rate { calls: 5, per: std::time::Duration::from_secs(1) },
        provider_audit: Some(AuditRule {
            kinds: Vec::new(),
            codes: BTreeMap::new(),
            description: None,
            caution: caution(audits),
            news_within: TimeDelta::days(14),
        }),
        fraud_marker: Some(MarkerRule {
            kinds: Vec::new(),
            side: Side::Ledger,
            history: 0,
            rules: Vec::new(),
            caution: caution(markers),
        }),
        cards: BTreeMap::new(),
    }
}

fn record(started_by: Option<&str>) -> RunRecord {
    RunRecord {
        id: RUN.to_owned(),
        job: "rewards".to_owned(),
        period: "2025-03-19".to_owned(),
        attempt: 1,
        note: None,
        job_sha256: String::new(),
        program_version: String::new(),
        sandbox: false,
        started_at: utc("2025-03-20T09:00:00Z"),
        status: RunStatus::Done,
        exit_code: None,
        breaks: None,
        rows: None,
        ties_out: None,
        message: None,
        finished_at: None,
        artifacts: None,
        started_by: started_by.map(str::to_owned),
        lease_epoch: None,
    }
}

#[test]
fn whoever_started_the_run_may_not_approve_where_the_job_wants_four_eyes() {
    let of = |kind: EffectKind| -> Vec<Standing> {
        vec![standing(&if kind == EffectKind::ProviderAudit { audit("t", 1) } else { marker("t", 1) }, &[])]
    };
    let (audits, markers) = (of(EffectKind::ProviderAudit), of(EffectKind::FraudMarker));
    for (rules, effects, starter, allowed) in [
        (Some(rules(true, false)), &audits, Some("MARA lind"), false),
        (Some(rules(true, false)), &markers, Some("Mara Lind"), true),
        (Some(rules(false, true)), &markers, Some("Mara Lind"), false),
        (Some(rules(true, true)), &audits, Some("Dana"), true),
        (Some(rules(true, true)), &audits, None, true),
        (Some(rules(false, false)), &audits, Some("Mara Lind"), true),
        (None, &audits, Some("Mara Lind"), true),
    ] {
        let outcome = refuse_starter(rules.as_ref(), &record(starter), effects, "Mara Lind");
        assert_eq!(outcome.is_ok(), allowed, "{starter:?} {effects:?}");
    }
    let refused = refuse_starter(Some(&rules(true, true)), &record(Some("MARA lind")), &audits, "Mara Lind");
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Mara Lind may not approve this: the job says `distinct: true` and run rewards/2025-03-19/1 was started by MARA \
         lind; someone else has to approve it"
    );
}

#[test]
fn an_age_is_told_in_its_two_largest_units() {
    for (minutes, words) in
        [(-5, "0m"), (0, "0m"), (59, "59m"), (60, "1h"), (1439, "23h"), (1440, "1d"), (4560, "3d 4h")]
    {
        assert_eq!(age(TimeDelta::minutes(minutes)), words);
    }
}
