//! What is to be told of a period: pure, from what the journal knows of its last run and of its effects, and from what
//! was told before.

use std::collections::{BTreeMap, BTreeSet};

use super::words;
use super::{Counts, Matter, NoticeEvent};
use crate::exit::ExitCode;
use crate::journal::{RunRecord, RunStatus, Topic};
use crate::report::Figures;

/// In place of the label where a run failed before it knew its period.
pub const NO_PERIOD: &str = "auto";

/// What the topic of a period that is not finished in time is about.
pub const UNFINISHED: &str = "period";

/// What is known of one period of a job.
#[derive(Debug, Clone, Default)]
pub struct Situation {
    pub job: String,
    /// The label.
    pub period: String,
    /// The latest attempt.
    pub latest: Option<RunRecord>,
    /// What it found, where it was finished.
    pub figures: Figures,
    /// Exit code and message of a run that has just failed, also where it left no attempt.
    pub failure: Option<(u8, String)>,
    /// Of an input that has to be there by now, in words: `ledger: 12h after the period's end (…)`.
    pub overdue: Option<String>,
    /// Plans of the job that wait for approval: period, digest, effects.
    pub plans: Vec<(String, String, u64)>,
    /// Effects of the job in doubt: period, and id with the number of the attempt.
    pub doubts: Vec<(String, String)>,
    /// What was told of the job and is not over.
    pub open: Vec<Topic>,
    /// An attempt has just ended: what failed before it knew its period is over when this one has not.
    pub just_ended: bool,
}

/// What is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    pub alarms: Vec<Alarm>,
    /// By period: what was the matter and is over, so that all is well.
    pub resolved: Vec<Resolved>,
    /// Over, and nobody is told: something else is the matter, or it was no alarm.
    pub quietly: Vec<Topic>,
    pub attempt: Option<u32>,
    pub exit_code: Option<u8>,
    pub counts: Counts,
}

/// Something new that is the matter with the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub matter: Matter,
    /// In few words, for a list of periods.
    pub brief: String,
    pub topics: Vec<Topic>,
}

/// A period that is well again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub period: String,
    pub topics: Vec<Topic>,
}

impl Resolved {
    /// What is over, each event once.
    pub fn events(&self) -> Vec<NoticeEvent> {
        let names: BTreeSet<NoticeEvent> =
            self.topics.iter().filter_map(|topic| NoticeEvent::from_name(&topic.event)).collect();
        names.into_iter().collect()
    }
}

/// What an attempt has come to.
enum Came {
    /// It has not, or nobody has asked for one.
    Nowhere,
    /// No report.
    Failed {
        code: u8,
        why: Option<String>,
    },
    Finished {
        code: u8,
    },
}

impl Situation {
    fn came(&self) -> Came {
        if let Some((code, why)) = &self.failure {
            return Came::Failed { code: *code, why: Some(why.clone()) };
        }
        let Some((run, code)) = self.latest.as_ref().and_then(|run| Some((run, run.exit_code?))) else {
            return Came::Nowhere;
        };
        match run.status {
            RunStatus::Running | RunStatus::Interrupted => Came::Nowhere,
            RunStatus::Failed => Came::Failed { code, why: run.message.clone() },
            RunStatus::Done | RunStatus::GateBreached => Came::Finished { code },
        }
    }

    fn topic(&self, event: NoticeEvent, about: impl Into<String>) -> Topic {
        topic(&self.job, &self.period, event, about)
    }

    fn doubts_here(&self) -> Vec<&str> {
        self.doubts.iter().filter(|(period, _)| *period == self.period).map(|(_, about)| about.as_str()).collect()
    }

    fn plans_here(&self) -> impl Iterator<Item = &(String, String, u64)> {
        self.plans.iter().filter(|(period, ..)| *period == self.period)
    }

    /// Everything that is the matter with the period, told before or not.
    fn alarms(&self, came: &Came) -> Vec<Alarm> {
        let found = [self.failed(came), self.in_doubt(), self.gates(came), self.late(came), self.approvals()];
        found.into_iter().flatten().collect()
    }

    fn alarm(&self, event: NoticeEvent, about: Vec<String>, brief: String, lines: Vec<String>) -> Alarm {
        let topics = about.into_iter().map(|about| self.topic(event, about)).collect();
        Alarm { matter: Matter { event, lines }, brief, topics }
    }

    fn failed(&self, came: &Came) -> Option<Alarm> {
        let (code, why) = match came {
            Came::Nowhere => return None,
            Came::Failed { code, why } => (*code, why.as_deref()),
            Came::Finished { code } => (*code, None),
        };
        let is = |one: ExitCode| code == one as u8;
        // What comes by itself is late when its time is over, and no failure before.
        if is(ExitCode::Done) || is(ExitCode::GateBreached) || is(ExitCode::TryAgainLater) {
            return None;
        }
        if is(ExitCode::PersonNeeded) && !self.doubts_here().is_empty() {
            return None;
        }
        let mut lines = vec![format!("Exit code {code}: {}.", words::of_code(code))];
        lines.extend(why.map(words::reason).filter(|why| !why.is_empty()).map(|why| format!("Why: {why}")));
        Some(self.alarm(NoticeEvent::Failed, vec![code.to_string()], format!("exit code {code}"), lines))
    }

    fn in_doubt(&self) -> Option<Alarm> {
        let doubts = self.doubts_here();
        if doubts.is_empty() {
            return None;
        }
        let brief = words::counted(doubts.len() as u64, "effect", "effects");
        let verb = if doubts.len() == 1 { "is" } else { "are" };
        let lines = vec![
            format!("{brief} {verb} in doubt: nobody knows whether the provider has what was sent."),
            "Look: tieout in-doubt list".to_owned(),
        ];
        Some(self.alarm(NoticeEvent::InDoubt, doubts.into_iter().map(str::to_owned).collect(), brief, lines))
    }

    fn gates(&self, came: &Came) -> Option<Alarm> {
        let status = self.latest.as_ref()?.status;
        if !matches!(came, Came::Finished { .. }) || status != RunStatus::GateBreached {
            return None;
        }
        let gates = &self.figures.breached;
        let mut about: Vec<String> = gates.iter().map(|gate| gate.gate.clone()).collect();
        let mut lines: Vec<String> =
            gates.iter().map(|gate| format!("{}: {} found, {} allowed.", gate.gate, gate.found, gate.limit)).collect();
        if about.is_empty() {
            // A run of a version that kept no figures.
            about.push("gates".to_owned());
            lines.push("A declared gate is breached.".to_owned());
        }
        let brief = lines.iter().map(|line| line.trim_end_matches('.')).collect::<Vec<_>>().join("; ");
        Some(self.alarm(NoticeEvent::GateBreached, about, brief, lines))
    }

    fn late(&self, came: &Came) -> Option<Alarm> {
        match came {
            Came::Finished { .. } => {
                let missing = *self.figures.breaks.get("file_missing")?;
                let brief = words::counted(missing, "input missing", "inputs missing");
                let lines = vec![format!("{brief}: what needs it waits, and the rest was run without it.")];
                Some(self.alarm(NoticeEvent::Late, vec!["file_missing".to_owned()], brief, lines))
            }
            Came::Failed { code, .. } if *code == ExitCode::TryAgainLater as u8 => {
                let overdue = self.overdue.as_ref()?;
                let lines = vec![format!("An input is not there. It was due {overdue}.")];
                Some(self.alarm(NoticeEvent::Late, vec!["input".to_owned()], "input not there".to_owned(), lines))
            }
            Came::Failed { .. } | Came::Nowhere => None,
        }
    }

    fn approvals(&self) -> Option<Alarm> {
        let plans: Vec<&(String, String, u64)> = self.plans_here().collect();
        let effects: u64 = plans.iter().map(|(.., effects)| effects).sum();
        if effects == 0 {
            return None;
        }
        let about = plans.iter().map(|(_, plan, _)| plan.clone()).collect();
        let brief = words::counted(effects, "effect", "effects");
        let verb = if effects == 1 { "waits" } else { "wait" };
        let mut lines = vec![format!("{brief} {verb} for approval; nothing of that is sent before.")];
        if let Some(run) = &self.latest {
            lines.push(format!("Read: tieout effects {}", run.id));
            lines.push(format!("Approve: tieout approve --all --run {}", run.id));
        }
        Some(self.alarm(NoticeEvent::ApprovalNeeded, about, brief, lines))
    }

    /// What was told and is over.
    fn over(&self, came: &Came, alarms: &[Alarm]) -> Vec<Topic> {
        let is_asserted = |topic: &Topic| alarms.iter().any(|alarm| alarm.topics.contains(topic));
        let well = match came {
            Came::Finished { .. } => !alarms.iter().any(|alarm| alarm.matter.event == NoticeEvent::Failed),
            Came::Failed { .. } | Came::Nowhere => false,
        };
        let finished = matches!(came, Came::Finished { .. });
        let is_over = |topic: &Topic| {
            let here = topic.period == self.period || (self.just_ended && topic.period == NO_PERIOD);
            match NoticeEvent::from_name(&topic.event) {
                Some(NoticeEvent::Failed) => here && well,
                Some(NoticeEvent::Late | NoticeEvent::GateBreached) => here && finished && !is_asserted(topic),
                Some(NoticeEvent::InDoubt) => {
                    !self.doubts.iter().any(|(period, about)| *period == topic.period && *about == topic.about)
                }
                Some(NoticeEvent::ApprovalNeeded) => {
                    !self.plans.iter().any(|(period, plan, _)| *period == topic.period && *plan == topic.about)
                }
                Some(NoticeEvent::Resolved) | None => false,
            }
        };
        self.open.iter().filter(|topic| is_over(topic)).cloned().collect()
    }

    fn counts(&self, came: &Came) -> Counts {
        let finished = matches!(came, Came::Finished { .. });
        let run = self.latest.as_ref().filter(|_| finished);
        Counts {
            breaks: run.map(|_| self.figures.open_breaks()),
            rows: run.map(|_| self.figures.rows.values().sum()),
            at_risk_minor: run.map(|_| self.figures.at_risk_minor.clone()).unwrap_or_default(),
            in_doubt: self.doubts_here().len() as u64,
            awaiting_approval: self.plans_here().map(|(.., effects)| effects).sum(),
        }
    }
}

/// What is to be told, given what was told before.
pub fn judge(situation: &Situation) -> Judgement {
    let came = situation.came();
    let all = situation.alarms(&came);
    let over = situation.over(&came, &all);
    let mut by_period = BTreeMap::<String, Vec<Topic>>::new();
    for topic in over {
        let period = if topic.period == NO_PERIOD { situation.period.clone() } else { topic.period.clone() };
        by_period.entry(period).or_default().push(topic);
    }
    let is_alarm = |topic: &Topic| topic.event != NoticeEvent::ApprovalNeeded.name();
    let (mut resolved, mut quietly) = (Vec::new(), Vec::new());
    for (period, topics) in by_period {
        let still =
            situation.open.iter().any(|topic| topic.period == period && is_alarm(topic) && !topics.contains(topic));
        let anew =
            period == situation.period && all.iter().any(|alarm| alarm.matter.event != NoticeEvent::ApprovalNeeded);
        let (alarms, others): (Vec<Topic>, Vec<Topic>) = topics.into_iter().partition(is_alarm);
        quietly.extend(others);
        if still || anew {
            quietly.extend(alarms);
        } else if !alarms.is_empty() {
            resolved.push(Resolved { period, topics: alarms });
        }
    }
    let (attempt, exit_code) = match (&came, &situation.latest) {
        (Came::Failed { code, .. }, latest) => {
            let run = latest.as_ref().filter(|run| run.exit_code == Some(*code));
            (run.map(|run| run.attempt), Some(*code))
        }
        (Came::Finished { code }, Some(run)) => (Some(run.attempt), Some(*code)),
        _ => (None, None),
    };
    let counts = situation.counts(&came);
    let new = |alarm: &Alarm| alarm.topics.iter().any(|topic| !situation.open.contains(topic));
    Judgement { alarms: all.into_iter().filter(new).collect(), resolved, quietly, attempt, exit_code, counts }
}

/// A period that the schedule has asked for long ago and that is not finished.
pub fn late(job: &str, period: &str, asked_at: chrono::DateTime<chrono::Utc>, why: &str) -> Alarm {
    let asked = asked_at.format("%Y-%m-%d %H:%M UTC");
    let lines = vec![
        format!("The schedule asked for it at {asked}, and it is not finished."),
        format!("Where it stands: {}", words::reason(why)),
    ];
    let topics = vec![topic(job, period, NoticeEvent::Late, UNFINISHED)];
    Alarm { matter: Matter { event: NoticeEvent::Late, lines }, brief: "not finished".to_owned(), topics }
}

fn topic(job: &str, period: &str, event: NoticeEvent, about: impl Into<String>) -> Topic {
    Topic { job: job.to_owned(), period: period.to_owned(), event: event.name().to_owned(), about: about.into() }
}
