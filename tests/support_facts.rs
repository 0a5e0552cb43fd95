//! Facts for the tests of the report: made by hand, so that each test knows what must come out.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use tieout::breaks::{
    Break, BreakKind, BreakStatus, Breaks, Bridge, BridgeLine, RowAccount, RowRef, SideFacts, Statement, Suggestion,
};
use tieout::frames::{Measure, Quarantined, Side, Warning, WarningKind};
use tieout::report::facts::{
    Changes, ExcludedFacts, Facts, GateFacts, InputFacts, JobFacts, PeriodFacts, ProgramFacts, RunFacts,
};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A run without a break: two inputs, one row each, equal.
pub fn clean() -> Facts {
    let input = |side: Side, name: &str| InputFacts {
        side,
        name: name.to_owned(),
        origin: "path".to_owned(),
        sha256: format!("{:064x}", side as u8 + 1),
        bytes: 120,
        rows: 1,
        sums: vec![("USD".to_owned(), Measure::TransactionAmount, 1250)],
    };
    Facts {
        program: ProgramFacts { version: "0.1.0".to_owned(), commit: "abc1234".to_owned() },
        job: JobFacts {
            name: "rewards-daily".to_owned(),
            description: Some("Settled rewards of one day against our ledger".to_owned()),
            path: "jobs/rewards-daily.yaml".to_owned(),
            sha256: "f".repeat(64),
            parameters: vec![("key".to_owned(), "transaction_id".to_owned()), ("grace".to_owned(), "4h".to_owned())],
        },
        period: PeriodFacts {
            label: "2025-03-19".to_owned(),
            timezone: "UTC".to_owned(),
            start: at("2025-03-19T00:00:00Z"),
            end: at("2025-03-20T00:00:00Z"),
        },
        run: RunFacts {
            id: "rewards-daily/2025-03-19/1".to_owned(),
            attempt: 1,
            run_time: at("2025-03-20T13:45:00Z"),
            note: None,
            sandbox: false,
            pages: None,
        },
        inputs: vec![input(Side::File, "cardlinked-reconciliation-250319.json"), input(Side::Ledger, "ledger.csv")],
        history: Vec::new(),
        statement: Statement {
            bridges: vec![bridge((Side::File, Side::Ledger), "USD", Measure::TransactionAmount, 1250, &[])],
            rows: vec![account(Side::File, 1, 0), account(Side::Ledger, 1, 0)],
        },
        breaks: Breaks::default(),
        lives: HashMap::new(),
        new_life: None,
        suggestions: Vec::new(),
        expected: BTreeMap::new(),
        excluded: Vec::new(),
        quarantine: Vec::new(),
        gates: Vec::new(),
        warnings: Vec::new(),
        effects: None,
        sent: None,
        month: None,
        carried: None,
        sealed: tieout::seals::SealFacts::default(),
        changes: None,
    }
}

/// A bridge whose right total is what the lines make of the left one.
pub fn bridge(
    (left, right): (Side, Side),
    currency: &str,
    measure: Measure,
    left_total_minor: i128,
    lines: &[(&str, u64, i128)],
) -> Bridge {
    Bridge {
        left,
        right,
        currency: currency.to_owned(),
        measure,
        left_total_minor,
        lines: lines
            .iter()
            .map(|(label, count, amount_minor)| BridgeLine {
                label: (*label).to_owned(),
                count: *count,
                amount_minor: *amount_minor,
            })
            .collect(),
        right_total_minor: left_total_minor + lines.iter().map(|line| line.2).sum::<i128>(),
        residual_minor: 0,
    }
}

pub fn account(side: Side, read: u64, breaks: u64) -> RowAccount {
    RowAccount {
        side,
        read,
        matched: read - breaks,
        suggested: 0,
        expected: 0,
        breaks,
        quarantined: 0,
        excluded: 0,
        unaccounted: 0,
    }
}

/// What one side says, standing in the given lines of its first file.
pub fn says(amount_minor: i64, currency: &str, lines: &[u64]) -> SideFacts {
    SideFacts {
        amount_minor: Some(amount_minor),
        currency: Some(currency.to_owned()),
        status: Some("SETTLED".to_owned()),
        occurred_at: Some(at("2025-03-19T08:30:00Z")),
        rows: lines.iter().map(|line| RowRef { file: 0, line: *line }).collect(),
        ..SideFacts::default()
    }
}

/// An open break of ours alone: the ledger says `at_risk_minor`.
pub fn found(kind: BreakKind, key: &str, currency: &str, at_risk_minor: i64) -> Break {
    Break {
        id: format!("{:016x}", key.bytes().fold(kind as u64 + 7, |sum, byte| sum.wrapping_mul(31) + u64::from(byte))),
        kind,
        key: key.to_owned(),
        currency: currency.to_owned(),
        measure: Measure::TransactionAmount,
        at_risk_minor,
        difference_minor: None,
        sides: [None, (!currency.is_empty()).then(|| says(at_risk_minor, currency, &[12]).into()), None],
        occurred_at: Some(at("2025-03-19T08:30:00Z")),
        age_days: 0,
        status: BreakStatus::Open,
        detail: format!("{} of {key}", kind.words()),
    }
}

/// What explains the dollars of [`a_day`].
const WHAT_DIFFERS: [(&str, u64, i128); 3] =
    [("break: missing in ledger", 2, -64_20), ("break: reward missing", 1, 31_00), ("break: amount mismatch", 1, 5_50)];

/// A day as it may be: three inputs, three currencies, several kinds, gates kept.
pub fn a_day() -> Facts {
    let mut facts = clean();
    facts.run.sandbox = true;
    let pair = (Side::File, Side::Ledger);
    facts.statement.bridges = vec![
        bridge(pair, "USD", Measure::TransactionAmount, 18_423_055, &WHAT_DIFFERS),
        bridge(pair, "USD", Measure::UserReward, 552_690, &[("break: reward mismatch", 1, -1_25)]),
        bridge(pair, "JPY", Measure::TransactionAmount, 98_000, &[("expected: in grace", 1, 1_200)]),
        bridge(pair, "KWD", Measure::TransactionAmount, 12_500, &[]),
    ];
    facts.statement.rows = vec![
        account(Side::File, 1_204, 4),
        RowAccount { matched: 1_200, quarantined: 1, ..account(Side::Ledger, 1_205, 4) },
        RowAccount { matched: 1_190, expected: 1, excluded: 9, ..account(Side::Webhooks, 1_204, 4) },
    ];
    let mut mismatch = found(BreakKind::AmountMismatch, "txn-0007", "USD", 5_50);
    mismatch.difference_minor = Some(-5_50);
    mismatch.sides = [Some(says(25_00, "USD", &[7]).into()), Some(says(30_50, "USD", &[9, 11]).into()), None];
    let mut reward = found(BreakKind::RewardMismatch, "txn-0031", "USD", 1_25);
    reward.measure = Measure::UserReward;
    facts.breaks = vec![
        found(BreakKind::MissingInLedger, "txn-0101", "USD", 44_20),
        found(BreakKind::MissingInLedger, "txn-0102", "USD", 20_00),
        found(BreakKind::RewardMissing, "txn-0044", "USD", 31_00),
        mismatch,
        reward,
        found(BreakKind::CurrencyMismatch, "txn-0055", "KWD", 1_500),
        found(BreakKind::FileLate, "cardlinked-reconciliation-250319.json", "", 0),
    ]
    .into();
    facts.suggestions = vec![Suggestion {
        id: "5a66e57ed0000001".to_owned(),
        rows: [0; 3],
        keys: vec!["A-77".to_owned(), "txn-0077".to_owned()],
        currency: "USD".to_owned(),
        rule: "card_last_four, amount within 1d".to_owned(),
        sides: [Some(says(12_00, "USD", &[77]).into()), Some(says(12_00, "USD", &[80]).into()), None],
    }];
    facts.expected = BTreeMap::from([("still in grace".to_owned(), 1)]);
    facts.excluded =
        vec![ExcludedFacts { side: Side::Webhooks, reason: "not about a transaction".to_owned(), rows: 9 }];
    facts.quarantine = vec![Quarantined {
        side: Side::Ledger,
        file: 0,
        file_name: "ledger.csv".to_owned(),
        line: 14,
        field: Some("amount".to_owned()),
        value: "1,234.50".to_owned(),
        reason: "expected a decimal such as 1234.50".to_owned(),
        currency: Some("USD".to_owned()),
        amounts_minor: [None; 3],
    }];
    let gate = |gate: &str, limit: &str, found: &str| GateFacts {
        gate: gate.to_owned(),
        limit: limit.to_owned(),
        found: found.to_owned(),
        breached: false,
    };
    facts.gates = vec![gate("max_breaks", "100", "7"), gate("max_break_amount USD", "500.00", "101.95")];
    facts.warnings = vec![Warning {
        file: None,
        side: Some(Side::Ledger),
        kind: WarningKind::SchemaDrift,
        message: "ledger.csv has a column that is not known: note".to_owned(),
    }];
    facts
}

/// Text that attacks each place where it may be shown.
pub const HOSTILE: [&str; 12] = [
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]>&amp;&#x3c;b>",
    "nul\0esc\u{1b}[31mbell\u{7}_x0041_ _xé",
    "rtl\u{202e}txt\u{2066}",
    "a,\"b\"\nnew line; =1",
];

/// Every free text of the facts is hostile, each in its turn.
pub fn hostile() -> Facts {
    let mut facts = a_day();
    let mut turn = HOSTILE.iter().cycle();
    let mut next = || (*turn.next().unwrap()).to_owned();
    facts.breaks = HOSTILE
        .iter()
        .map(|text| {
            let mut one = found(BreakKind::IdentityMismatch, text, "USD", 1_00);
            one.detail = next();
            let side = one.sides[1].as_mut().unwrap().to_mut();
            side.user = Some(next());
            side.merchant = Some(next());
            side.reason = Some(next());
            side.status = Some(next());
            one
        })
        .collect();
    // A currency is text that came from outside, too.
    facts.breaks.extend(HOSTILE.iter().map(|text| found(BreakKind::CurrencyMismatch, "key", text, 5)));
    facts.quarantine = HOSTILE
        .iter()
        .map(|text| Quarantined {
            file_name: next(),
            value: (*text).to_owned(),
            reason: next(),
            ..facts.quarantine[0].clone()
        })
        .collect();
    for suggestion in &mut facts.suggestions {
        suggestion.keys = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
        suggestion.rule = next();
    }
    for input in &mut facts.inputs {
        input.name = next();
        input.origin = next();
    }
    for warning in &mut facts.warnings {
        warning.message = next();
    }
    for bridge in &mut facts.statement.bridges {
        for line in &mut bridge.lines {
            line.label = next();
        }
    }
    facts.job.description = Some(next());
    facts.run.note = Some(next());
    facts.job.parameters = HOSTILE.iter().map(|text| ((*text).to_owned(), next())).collect();
    facts.changes = Some(Changes {
        against_attempt: 1,
        inputs_unchanged: false,
        changed_inputs: HOSTILE.map(str::to_owned).to_vec(),
        new_breaks: 2,
        gone_breaks: 1,
    });
    facts
}

/// One break of every kind, every list filled, many totals: the longest summary there is.
pub fn every_kind() -> Facts {
    let mut facts = a_day();
    facts.breaks =
        BreakKind::ALL.iter().map(|kind| found(*kind, &format!("txn-{}", *kind as u8), "USD", 1_00)).collect();
    for currency in ["EUR", "GBP", "CHF"] {
        let lines = [("break: missing in file", 3, -77), ("break: amount mismatch", 2, 5)];
        let more = bridge((Side::Ledger, Side::Webhooks), currency, Measure::IssuerCommission, 70_000, &lines);
        facts.statement.bridges.push(more);
    }
    facts.gates[0].breached = true;
    "10".clone_into(&mut facts.gates[0].limit);
    "28".clone_into(&mut facts.gates[0].found);
    facts.changes = Some(Changes {
        against_attempt: 1,
        inputs_unchanged: true,
        changed_inputs: Vec::new(),
        new_breaks: 0,
        gone_breaks: 0,
    });
    facts
}

/// Amounts at the ends of their types.
pub fn extremes() -> Facts {
    let mut facts = clean();
    let mut most = found(BreakKind::AmountMismatch, "most", "USD", i64::MAX);
    most.difference_minor = Some(i64::MIN);
    most.sides[0] = Some(says(i64::MIN, "KWD", &[1]).into());
    most.age_days = i64::MIN;
    most.occurred_at = Some(DateTime::<Utc>::MIN_UTC);
    facts.breaks = vec![most, found(BreakKind::AmountMismatch, "more", "USD", i64::MAX)].into();
    facts.statement.bridges = vec![Bridge {
        left_total_minor: i128::MIN,
        lines: vec![BridgeLine { label: "all of it".to_owned(), count: u64::MAX, amount_minor: i128::MAX }],
        right_total_minor: i128::MAX,
        residual_minor: 0,
        ..bridge((Side::File, Side::Ledger), "USD", Measure::TransactionAmount, 0, &[])
    }];
    facts.inputs[0].sums = vec![("JPY".to_owned(), Measure::UserReward, i128::MIN)];
    facts.statement.rows[0].read = u64::MAX;
    facts
}
