//! `match`: the key, what is compared, the fallback rules; all must be mapped where they are used.

use super::super::spec_match::{MatchSpec, MinorTolerance, StatusSpec};
use super::super::{Fallback, Matching};
use super::{Inputs, states};
use crate::config::Checker;
use crate::frames::{Field, FieldType, Side};

pub(super) fn matching(spec: &MatchSpec, inputs: &Inputs, checker: &mut Checker<'_>) -> Option<Matching> {
    let key = key(spec);
    key_is_usable(key, inputs, checker);
    let compare = &spec.compare;
    for (field, written) in [
        (Field::Amount, compare.amount.is_some()),
        (Field::IssuerCommission, compare.issuer_commission.is_some()),
        (Field::UserReward, compare.user_reward.is_some()),
        (Field::Status, compare.status.is_some()),
    ] {
        if written {
            compared(&format!("match/compare/{}", field.name()), field, inputs, checker);
        }
    }
    if compare.date.is_some() {
        dates_are_there(inputs, checker);
    }
    for (index, field) in compare.identity.iter().enumerate() {
        let path = format!("match/compare/identity/{index}");
        if field.kind() == FieldType::Text {
            if comparable(&path, *field, &[Field::Currency, Field::Status], checker) {
                compared(&path, *field, inputs, checker);
            }
        } else {
            let message = format!("`{}` is no text; identity compares fields such as `user`, `merchant`", field.name());
            checker.problem(&path, message);
        }
    }
    states::look(spec, key, inputs, checker);
    let fallback = fallback(spec, inputs, checker);
    let date_tolerance = match &compare.date {
        Some(date) => Some(super::delta("match/compare/date/tolerance", &date.tolerance, checker)?),
        None => None,
    };
    let status = compare.status.as_ref().map(|status| match status {
        StatusSpec::Exact => Vec::new(),
        StatusSpec::Same(pairs) => {
            pairs.iter().map(|[one, other]| (one.to_uppercase(), other.to_uppercase())).collect()
        }
    });
    let tolerance = |written: &Option<MinorTolerance>| written.as_ref().map(|written| written.tolerance);
    Some(Matching {
        key,
        amount_tolerance_minor: tolerance(&compare.amount),
        issuer_commission_tolerance_minor: tolerance(&compare.issuer_commission),
        user_reward_tolerance_minor: tolerance(&compare.user_reward),
        currency: compare.currency.is_some(),
        status,
        identity: compare.identity.clone(),
        validity: compare.validity.is_some(),
        open_after_end: states::words(spec.open_after_end.as_deref()),
        failed: states::words(spec.failed.as_deref()),
        status_changes: spec.status_changes.as_ref().map(states::expected),
        date_tolerance,
        splits: spec.splits.unwrap_or_default(),
        fallback: fallback?,
    })
}

/// The field whose text is the key.
pub(super) fn key(spec: &MatchSpec) -> Field {
    spec.key.unwrap_or(Field::TransactionId)
}

/// Text that stands for a whole key on one side, and so can be held against another side's.
const COMPARABLE: [Field; 7] = [
    Field::User,
    Field::Merchant,
    Field::CardFirstSix,
    Field::CardLastFour,
    Field::PaymentStatus,
    Field::Reason,
    Field::Account,
];

/// What a weaker rule may go by besides.
const COUNTED: [Field; 5] = [Field::Amount, Field::IssuerCommission, Field::UserReward, Field::Currency, Field::Status];

/// A field that nothing would ever be found by is a mistake.
fn comparable(path: &str, field: Field, more: &[Field], checker: &mut Checker<'_>) -> bool {
    let fit = || COMPARABLE.iter().chain(more);
    if fit().any(|known| *known == field) {
        return true;
    }
    let expected = fit().map(|known| format!("`{}`", known.name())).collect::<Vec<_>>().join(", ");
    checker.problem(path, format!("`{}` cannot be compared here; expected one of {expected}", field.name()));
    false
}

fn key_is_usable(key: Field, inputs: &Inputs, checker: &mut Checker<'_>) {
    if key.kind() != FieldType::Text {
        checker.problem("match/key", format!("`{}` is no text; expected a field such as `transaction_id`", key.name()));
        return;
    }
    // That `transaction_id` is mapped is asked of every input by itself.
    if key == Field::TransactionId {
        return;
    }
    for (side, input) in inputs {
        if let Some(input) = input
            && !input.mapping.fields.contains_key(&key)
        {
            let message = format!("the key `{}` is not mapped by the input `{side}`", key.name());
            checker.absent("match/key", message, format!("map it under inputs.{side}.columns"));
        }
    }
}

/// At least two sides must state what is compared. Sides that are wrong themselves are given the benefit of the doubt.
fn compared(path: &str, field: Field, inputs: &Inputs, checker: &mut Checker<'_>) {
    let mut stating = Vec::<Side>::new();
    for (side, input) in inputs {
        match input {
            Some(input) if input.mapping.fields.contains_key(&field) => stating.push(*side),
            Some(_) => {}
            None => return,
        }
    }
    let found = match stating.as_slice() {
        [] => "no input maps it".to_owned(),
        [only] => format!("only the input `{only}` maps it"),
        _ => return,
    };
    let message = format!("`{}` is to be compared, but {found}", field.name());
    checker.absent(path, message, "map it under the columns of two inputs, or take it out here");
}

/// Dates are compared between the file and the ledger only: a notification states when it came.
fn dates_are_there(inputs: &Inputs, checker: &mut Checker<'_>) {
    let path = "match/compare/date";
    for side in [Side::File, Side::Ledger] {
        match inputs.iter().find(|(written, _)| *written == side) {
            None => {
                let message = format!("`date` compares the file with the ledger, and the job has no input `{side}`");
                checker.absent(path, message, "take it out here");
            }
            Some((_, Some(input))) if !input.mapping.fields.contains_key(&Field::OccurredAt) => {
                let message = format!("`date` is to be compared, but the input `{side}` does not map `occurred_at`");
                checker.absent(path, message, format!("map it under inputs.{side}.columns, or take it out here"));
            }
            Some(_) => {}
        }
    }
}

fn fallback(spec: &MatchSpec, inputs: &Inputs, checker: &mut Checker<'_>) -> Option<Vec<Fallback>> {
    let mut rules = Vec::new();
    let mut complete = true;
    for (index, written) in spec.fallback.iter().enumerate() {
        let at = format!("match/fallback/{index}");
        for (position, field) in written.by.iter().enumerate() {
            let path = format!("{at}/by/{position}");
            if comparable(&path, *field, &COUNTED, checker) {
                compared(&path, *field, inputs, checker);
            }
        }
        let within = written.within.as_ref().map(|text| {
            compared(&format!("{at}/within"), Field::OccurredAt, inputs, checker);
            super::delta(&format!("{at}/within"), text, checker)
        });
        match within {
            Some(None) => complete = false,
            Some(within @ Some(_)) => rules.push(Fallback { by: written.by.clone(), within }),
            None => rules.push(Fallback { by: written.by.clone(), within: None }),
        }
    }
    complete.then_some(rules)
}
