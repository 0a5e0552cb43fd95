//! What can become of the requests of a sending job: the fates of the crash campaign.

use super::sending_project::SendingWay;

/// Rules of a fault plan: endpoint, which of its requests, what is done.
type Rules = &'static [(&'static str, &'static str, &'static str)];

/// What goes wrong at the provider, and what that may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) name: &'static str,
    rules: Rules,
    /// The reply contradicts itself, or names nothing: a person may be asked.
    pub(crate) doubtful: bool,
    /// So many rows may be refused.
    pub(crate) refuses: usize,
}

const fn fate(name: &'static str, rules: Rules) -> Fate {
    Fate { name, rules, doubtful: false, refuses: 0 }
}

const fn doubtful(name: &'static str, rules: Rules) -> Fate {
    Fate { name, rules, doubtful: true, refuses: 0 }
}

const fn refusing(name: &'static str, rules: Rules) -> Fate {
    Fate { name, rules, doubtful: false, refuses: 1 }
}

/// Nothing goes wrong.
pub(crate) const PEACE: Fate = fate("reply", &[]);

const UPLOAD: &[Fate] = &[
    PEACE,
    fate("url: reset before", &[("uploads", "1", "reset_before")]),
    fate("url: reset after", &[("uploads", "1", "reset_after")]),
    fate("url: 500", &[("uploads", "2", "{status: 500}")]),
    fate("url: 500, applied", &[("uploads", "2", "{status: 500, applied: true}")]),
    fate("url: 503", &[("uploads", "1", "{status: 503, retry_after: 1}")]),
    fate("url: late", &[("uploads", "1", "{late: 3s}")]),
    fate("url: expired", &[("uploads", "2", "expired_url")]),
    fate("url: cut off", &[("uploads", "1", "malformed_json")]),
    fate("url: token revoked", &[("uploads", "2", "revoke_token")]),
    fate("reset before", &[("storage", "2", "reset_before")]),
    fate("reset within", &[("storage", "2", "reset_within")]),
    fate("reset after", &[("storage", "1", "reset_after")]),
    fate("500", &[("storage", "2", "{status: 500}")]),
    fate("500, applied", &[("storage", "2", "{status: 500, applied: true}")]),
    fate("503", &[("storage", "1", "{status: 503}")]),
    fate("503, later", &[("storage", "1", "{status: 503, retry_after: 1}")]),
    fate("late", &[("storage", "2", "{late: 3s}")]),
    fate("403, expired", &[("storage", "2", "expired_url")]),
    fate("result: late", &[("notification", "2", "{late: 2s}")]),
    fate("result: twice", &[("notification", "1", "repeat")]),
];

const INCOMING: &[Fate] = &[
    PEACE,
    fate("reset before", &[("transactions", "1", "reset_before")]),
    fate("reset after", &[("transactions", "1", "reset_after")]),
    fate("500", &[("transactions", "2", "{status: 500}")]),
    fate("500, applied", &[("transactions", "2", "{status: 500, applied: true}")]),
    fate("503", &[("transactions", "1", "{status: 503}")]),
    fate("503, later", &[("transactions", "1", "{status: 503, retry_after: 1}")]),
    fate("429", &[("transactions", "2", "{status: 429}")]),
    fate("late", &[("transactions", "1", "{late: 3s}")]),
    fate("cut off", &[("transactions", "1", "malformed_json")]),
    fate("token revoked", &[("transactions", "2", "revoke_token")]),
    fate(
        "reset after, 500 applied",
        &[("transactions", "1", "reset_after"), ("transactions", "2", "{status: 500, applied: true}")],
    ),
    doubtful("409, applied", &[("transactions", "1", "{status: 409, applied: true}")]),
    refusing("207, a row refused", &[("transactions", "1", "refuse_item")]),
    Fate { name: "207, nobody named", rules: &[("transactions", "2", "error_without_id")], doubtful: true, refuses: 0 },
];

const HISTORICAL: &[Fate] = &[
    PEACE,
    fate("start: reset before", &[("historical_start", "1", "reset_before")]),
    fate("start: reset after", &[("historical_start", "1", "reset_after")]),
    fate("start: 500, applied", &[("historical_start", "2", "{status: 500, applied: true}")]),
    fate("start: late", &[("historical_start", "1", "{late: 3s}")]),
    fate("start: cut off", &[("historical_start", "2", "malformed_json")]),
    fate("part: reset before", &[("historical_part", "2", "reset_before")]),
    fate("part: reset after", &[("historical_part", "1", "reset_after")]),
    fate("part: 500", &[("historical_part", "3", "{status: 500}")]),
    fate("part: 500, applied", &[("historical_part", "2", "{status: 500, applied: true}")]),
    fate("part: 503", &[("historical_part", "1", "{status: 503}")]),
    fate("part: late", &[("historical_part", "3", "{late: 3s}")]),
    refusing("part: 207, a row refused", &[("historical_part", "2", "refuse_item")]),
    fate("complete: reset before", &[("historical_complete", "1", "reset_before")]),
    fate("complete: reset after", &[("historical_complete", "1", "reset_after")]),
    fate("complete: 500, applied", &[("historical_complete", "2", "{status: 500, applied: true}")]),
    fate("complete: late", &[("historical_complete", "1", "{late: 3s}")]),
    doubtful("complete: 409, applied", &[("historical_complete", "1", "{status: 409, applied: true}")]),
];

impl Fate {
    /// All that can become of what is sent this way; the first is peace.
    pub(crate) const fn all(way: SendingWay) -> &'static [Self] {
        match way {
            SendingWay::Upload => UPLOAD,
            SendingWay::Incoming => INCOMING,
            SendingWay::Historical => HISTORICAL,
        }
    }

    /// Whether it may keep a run from making all of its calls.
    pub(crate) fn may_end_a_run(self) -> bool {
        self != PEACE && !self.name.starts_with("result")
    }

    /// Whether it falls on a request that the other one falls on.
    pub(crate) fn meets(self, other: Self) -> bool {
        let request = |rule: &(&'static str, &'static str, &'static str)| (rule.0, rule.1);
        self.rules.iter().any(|rule| other.rules.iter().any(|its| request(rule) == request(its)))
    }

    /// How many requests it falls on; a notification is none.
    pub(crate) fn requests(self) -> usize {
        self.rules.iter().filter(|(on, ..)| *on != "notification").count()
    }
}

/// The rules of a fault plan. With `slow`, every call that meets no fault is answered late enough to be interrupted
/// while it is awaited.
pub(crate) fn plan(fates: &[Fate], way: SendingWay, slow: bool) -> String {
    let rule = |(on, nth, what): (&str, &str, &str)| format!("  - {{on: {on}, nth: {nth}, do: {what}}}\n");
    let mut plan: String = fates.iter().flat_map(|fate| fate.rules).copied().map(rule).collect();
    if slow {
        plan.extend(way.endpoints().iter().map(|on| rule((on, "every", SLOW))));
    }
    plan
}

const SLOW: &str = "{slow: 700ms}";
