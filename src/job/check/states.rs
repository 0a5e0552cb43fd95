//! The parts of `match` that are about how things stand: validities, statuses, balances.

use super::super::Splits;
use super::super::spec_match::{MatchSpec, StatusChangesSpec};
use super::Inputs;
use crate::config::Checker;
use crate::frames::{Field, Side};

/// Statuses that say more than themselves wherever rows are brought together.
const OF_TRANSACTIONS: [&str; 7] = ["APPROVED", "VALID", "RETURNED", "REVERSED", "DECLINED", "FAILED", "CLAWBACK"];

/// Statuses as they are compared: upper case.
pub(super) fn words(written: Option<&[String]>) -> Vec<String> {
    written.unwrap_or_default().iter().map(|word| word.trim().to_uppercase()).collect()
}

/// Changes that are nothing to tell of.
pub(super) fn expected(written: &StatusChangesSpec) -> Vec<(String, String)> {
    let word = |word: &String| word.trim().to_uppercase();
    written.expected.iter().map(|[before, after]| (word(before), word(after))).collect()
}

/// Whether all that is asked for can be told from what the inputs state.
pub(super) fn look(spec: &MatchSpec, key: Field, inputs: &Inputs, checker: &mut Checker<'_>) {
    if spec.splits == Some(Splits::Balance) {
        balance(spec, key, checker);
    }
    if spec.compare.validity.is_some() {
        validity(inputs, checker);
    }
    for (name, written) in [("open_after_end", &spec.open_after_end), ("failed", &spec.failed)] {
        if let Some(written) = written {
            statuses(&format!("match/{name}"), name, written, inputs, checker);
        }
    }
    if spec.open_after_end.is_some() {
        ends_are_there(inputs, checker);
    }
    if spec.compare.validity.is_some() || spec.open_after_end.is_some() {
        times_are_everywhere(inputs, checker);
    }
    if spec.status_changes.is_some() {
        of_the_file("match/status_changes", "`status_changes` looks at the statuses of the file", inputs, checker);
    }
}

/// Sums of rows that each are a transaction of their own are no balances.
fn balance(spec: &MatchSpec, key: Field, checker: &mut Checker<'_>) {
    if key == Field::TransactionId {
        let message = "`balance` sums all rows of a key, and the key is `transaction_id`, which is each row's own";
        checker.problem_with_help(
            "match/splits",
            message,
            "set `match.key` to what the rows belong to, such as `account`",
        );
    }
    if spec.compare.date.is_some() {
        let message = "`balance` sums rows of all times, and a sum has no date";
        checker.problem_with_help("match/compare/date", message, "take it out here");
    }
    if spec.compare.amount.is_none() {
        let message = "`balance` compares sums of `amount`, and `amount` is not compared";
        checker.absent("match/splits", message, "expected match.compare.amount: {tolerance: 0}");
    }
}

/// Two inputs must state one of the ends.
fn validity(inputs: &Inputs, checker: &mut Checker<'_>) {
    // An input that is wrong itself is given the benefit of the doubt.
    let stating = |field: Field| {
        let states = |input: &Option<_>| input.as_ref().is_none_or(|input: &crate::job::Input| maps(input, field));
        inputs.iter().filter(|(_, input)| states(input)).count()
    };
    if [Field::ValidFrom, Field::ValidTo].into_iter().all(|field| stating(field) < 2) {
        let message = "`validity` is to be compared, but no two inputs map `valid_from`, and no two `valid_to`";
        checker.absent("match/compare/validity", message, "map one of them under the columns of two inputs");
    }
}

fn maps(input: &crate::job::Input, field: Field) -> bool {
    input.mapping.fields.contains_key(&field)
}

/// Statuses of the file that are looked for.
fn statuses(path: &str, name: &str, written: &[String], inputs: &Inputs, checker: &mut Checker<'_>) {
    if written.is_empty() {
        checker.problem_with_help(path, "no status is listed", "list those of the file, or take it out");
    }
    for (index, word) in written.iter().enumerate() {
        let upper = word.trim().to_uppercase();
        if OF_TRANSACTIONS.contains(&upper.as_str()) {
            let message = format!("`{upper}` is the status of a transaction, and says what becomes of its money");
            let help = format!("map the provider's word to another one under statuses, such as `CARD_{upper}`");
            checker.problem_with_help(&format!("{path}/{index}"), message, help);
        }
    }
    of_the_file(path, &format!("`{name}` lists statuses of the file"), inputs, checker);
}

/// The file must be there and state a status.
fn of_the_file(path: &str, what: &str, inputs: &Inputs, checker: &mut Checker<'_>) {
    match inputs.iter().find(|(side, _)| *side == Side::File) {
        None => checker.absent(path, format!("{what}, and the job has no input `file`"), "take it out here"),
        Some((_, Some(file))) if !maps(file, Field::Status) => {
            let message = format!("{what}, and the input `file` does not map `status`");
            checker.absent(path, message, "map it under inputs.file.columns, or take it out here");
        }
        Some(_) => {}
    }
}

/// The end of the validity is the file's or the ledger's.
fn ends_are_there(inputs: &Inputs, checker: &mut Checker<'_>) {
    let of_two = inputs.iter().filter(|(side, _)| *side != Side::Webhooks);
    if of_two.into_iter().all(|(_, input)| input.as_ref().is_some_and(|input| !maps(input, Field::ValidTo))) {
        let message = "`open_after_end` looks at the end of the validity, but neither file nor ledger maps `valid_to`";
        checker.absent("match/open_after_end", message, "map it under the columns of one of them");
    }
}

/// Where one of the two sides puts its rows into periods and the other one does not, what only the first one states
/// would be left to periods of long ago.
fn times_are_everywhere(inputs: &Inputs, checker: &mut Checker<'_>) {
    let timed = |wanted: Side| {
        let input = inputs.iter().find(|(side, _)| *side == wanted).and_then(|(_, input)| input.as_ref());
        input.map(|input| maps(input, Field::OccurredAt))
    };
    let (with, without) = match (timed(Side::File), timed(Side::Ledger)) {
        (Some(true), Some(false)) => (Side::File, Side::Ledger),
        (Some(false), Some(true)) => (Side::Ledger, Side::File),
        _ => return,
    };
    let message = format!(
        "the job compares how things stand, and the input `{with}` maps `occurred_at`, but `{without}` does not: what \
         stands in `{with}` alone would be left to the period of its time"
    );
    let help = "take `occurred_at` out, so that each period looks at all rows";
    checker.absent(&format!("inputs/{with}/columns/occurred_at"), message, help);
}
