//! What a job does: it compares, or it sends in one of three ways.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::super::spec::{InputSpec, InputsSpec, JobSpec};
use super::super::spec_match::MatchSpec;
use super::super::{Grain, Input, Matching, Reconciliation, Splits, Work};
use super::input::OfJob;
use super::{Context, Inputs, dataset, delta, effects, input, matching, month, sending};
use crate::config::Checker;
use crate::frames::Side;
use crate::period::duration_words;

/// The list of each day is read in every run.
const MOST_CARRIED: u32 = 92;

/// A month: the longest that a provider's answer to an audit, or a late file, is usually waited for.
const USUALLY_CARRIED: u32 = 31;

pub(super) fn work(spec: &JobSpec, zone: Option<Tz>, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Work> {
    let way = one_way(spec, checker)?;
    let sending = match (way, &spec.upload, &spec.incoming, &spec.historical) {
        ("upload", Some(upload), ..) => sending::upload(upload, context, checker),
        ("incoming", _, Some(incoming), _) => sending::incoming(incoming, context, checker),
        ("historical", .., Some(historical)) => sending::historical(historical, context, checker),
        _ => {
            let (inputs, matching) = both(spec, checker)?;
            return reconciliation(spec, zone, (inputs, matching), context, checker).map(Box::new).map(Work::Reconcile);
        }
    };
    sending.map(Box::new).map(Work::Send)
}

/// The one key that says what the job does; what stands beside it must belong to it.
fn one_way(spec: &JobSpec, checker: &mut Checker<'_>) -> Option<&'static str> {
    let compares = [
        ("inputs", spec.inputs.is_some()),
        ("match", spec.matching.is_some()),
        ("grace", spec.grace.is_some()),
        ("settles_within", spec.settles_within.is_some()),
        ("carry", spec.carry.is_some()),
        ("effects", spec.effects.is_some()),
        ("month_end", spec.month_end.is_some()),
    ];
    let sends = [
        ("upload", spec.upload.is_some()),
        ("incoming", spec.incoming.is_some()),
        ("historical", spec.historical.is_some()),
    ];
    let written = |keys: &[(&'static str, bool)]| -> Vec<&'static str> {
        keys.iter().filter(|(_, written)| *written).map(|(key, _)| *key).collect()
    };
    match (written(&sends).as_slice(), written(&compares).as_slice()) {
        ([], []) => {
            let help = "expected `inputs` and `match`, or one of `upload`, `incoming`, `historical`";
            checker.absent("", "the job does nothing", help);
            None
        }
        ([], _) => Some("match"),
        ([way], []) => Some(way),
        ([way], beside) => {
            for key in beside {
                let message = format!("`{key}` belongs to a job that compares, and this one sends (`{way}`)");
                checker.problem_with_help(key, message, "give each a job file of its own");
            }
            // The rest of what sends is looked at all the same.
            Some(way)
        }
        ([first, others @ ..], _) => {
            for other in others {
                let message = format!("both `{first}` and `{other}`; expected one of them");
                checker.problem_with_help(other, message, "give each a job file of its own");
            }
            None
        }
    }
}

/// What compares has both.
fn both<'s>(spec: &'s JobSpec, checker: &mut Checker<'_>) -> Option<(&'s InputsSpec, &'s MatchSpec)> {
    for (key, written) in [("inputs", spec.inputs.is_some()), ("match", spec.matching.is_some())] {
        if !written {
            checker.absent("", format!("missing key `{key}`"), "a job that compares has `inputs` and `match`");
        }
    }
    Some((spec.inputs.as_ref()?, spec.matching.as_ref()?))
}

fn reconciliation(
    spec: &JobSpec,
    zone: Option<Tz>,
    (written, matched): (&InputsSpec, &MatchSpec),
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Reconciliation> {
    let key = matching::key(matched);
    // A zone that is none is told where the schedule is checked.
    let scheduled = spec.schedule.as_ref().and_then(|schedule| schedule.timezone.as_ref()?.parse().ok());
    let of = OfJob { grain: spec.period.grain, zone, wait_zone: scheduled.or(zone), key };
    let inputs = inputs(written, of, context, checker);
    let matching = matching::matching(matched, &inputs, checker);
    let grace = match &spec.grace {
        Some(text) => delta("grace", text, checker),
        None => Some(TimeDelta::zero()),
    };
    let effects = match &spec.effects {
        Some(written) => effects::effects(written, key, &inputs, context, checker).map(Some),
        None => Some(None),
    };
    let month_end = match &spec.month_end {
        Some(written) => month::month_end(written, spec.period.grain, &inputs, context, checker).map(Some),
        None => Some(None),
    };
    let compares_states = matching.as_ref().is_some_and(Matching::compares_states);
    let carry = carry(spec, compares_states, checker);
    if let (Some(matching), Some(_)) = (&matching, &spec.month_end)
        && matching.splits == Splits::Balance
    {
        let message = "`balance` sums the rows of an account, and the close of a month goes by its transactions";
        checker.problem_with_help("match/splits", message, "give each a job file of its own");
    }
    let settles_within = match &spec.settles_within {
        Some(text) => settles_within(text, spec.period.grain, (&inputs, carry), checker).map(Some),
        None => Some(None),
    };
    Some(Reconciliation {
        inputs: inputs.into_iter().map(|(_, input)| input).collect::<Option<_>>()?,
        matching: matching?,
        grace: grace?,
        settles_within: settles_within?,
        carry: carry?,
        effects: effects?,
        month_end: month_end?,
    })
}

/// How long an authorisation may stay open: only where the file would tell that it has settled, and no longer than open
/// items are carried, since nobody would see it then.
fn settles_within(
    text: &str,
    grain: Grain,
    (inputs, carry): (&Inputs, Option<u32>),
    checker: &mut Checker<'_>,
) -> Option<TimeDelta> {
    let within = delta("settles_within", text, checker)?;
    let file = inputs.iter().find(|(side, _)| *side == Side::File).map(|(_, input)| input);
    // A file that is wrong itself is told of already.
    let tells = |file: &Option<Input>| file.as_ref().is_none_or(Input::holds_settled_only);
    if !file.is_some_and(tells) {
        let message = "nothing says that the input `file` holds settled transactions only";
        let help =
            "expected a `file` that the provider gives as a file of settled rewards, or of a month; leave it out";
        checker.problem_with_help("settles_within", message, help);
        return None;
    }
    let days = within.num_days() + i64::from(within > TimeDelta::days(within.num_days()));
    if grain == Grain::Day && days > 1 && i64::from(carry?) < days {
        let message = format!("open items are not carried for {}", duration_words(within));
        checker.problem_with_help("settles_within", message, format!("set `carry` to {days} or more"));
        return None;
    }
    Some(within)
}

/// A month closes by its own files: what stays open in it is the receivable's.
/// What compares how things stand has nothing to carry: each period says all of it anew.
fn carry(spec: &JobSpec, compares_states: bool, checker: &mut Checker<'_>) -> Option<u32> {
    match (spec.period.grain, spec.carry) {
        (_, Some(periods)) if compares_states && periods > 0 => {
            let message =
                "open items are carried where rows say what has happened, and this job compares how things stand";
            checker.problem_with_help("carry", message, "leave it out: each period says all of it anew");
            None
        }
        (Grain::Day, None) if compares_states => Some(0),
        (Grain::Day, Some(periods)) if periods > MOST_CARRIED => {
            let help = format!("expected at most {MOST_CARRIED}: the list of each day is read in every run");
            checker.problem_with_help("carry", format!("{periods} days are too many"), help);
            None
        }
        (Grain::Month, Some(periods)) if periods > 0 => {
            let message = "open items are carried from day to day, and this job's period is a month";
            checker.problem_with_help("carry", message, "leave it out");
            None
        }
        (Grain::Day, periods) => Some(periods.unwrap_or(USUALLY_CARRIED)),
        (Grain::Month, _) => Some(0),
    }
}

fn inputs(spec: &InputsSpec, of: OfJob, context: Context<'_>, checker: &mut Checker<'_>) -> Inputs {
    let written: [(Side, Option<&InputSpec>); 3] = [
        (Side::File, spec.file.as_ref()),
        (Side::Ledger, spec.ledger.as_ref()),
        (Side::Webhooks, spec.webhooks.as_ref()),
    ];
    let inputs = written
        .into_iter()
        .filter_map(|(side, input)| input.map(|input| (side, input::input(side, input, of, context, checker))))
        .collect::<Inputs>();
    if inputs.len() < 2 {
        let found = match inputs.first() {
            Some((side, _)) => format!("only the input `{side}`"),
            None => "no input".to_owned(),
        };
        checker.absent("inputs", found, "expected two or three of `file`, `ledger`, `webhooks`");
    }
    let sources: Vec<_> = inputs.iter().filter_map(|(side, input)| Some((*side, &input.as_ref()?.source))).collect();
    // An input that is wrong itself is told of already.
    let complete = sources.len() == inputs.len();
    if complete {
        dataset::brought(&sources, checker);
    }
    inputs
}
