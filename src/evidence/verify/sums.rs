//! The report's sums, held against each other.

use std::collections::BTreeMap;

use super::{Checked, Mark};
use crate::breaks::BreakStatus;
use crate::evidence::{Archive, REPORT};
use crate::report::json::Summary;
use crate::text::visible;

/// Left total and lines lead to the right total, and nothing is left.
pub(super) fn statement(summary: &Summary) -> Checked {
    for bridge in &summary.statement.bridges {
        let name = || {
            let (currency, measure) = (visible(&bridge.currency), bridge.measure.name());
            format!("{} to {}, {currency} {measure}", bridge.left, bridge.right)
        };
        let lines =
            bridge.lines.iter().try_fold(bridge.left_total_minor.0, |sum, line| sum.checked_add(line.amount_minor.0));
        match lines.and_then(|sum| sum.checked_sub(bridge.right_total_minor.0)) {
            Some(0) if bridge.residual_minor.0 == 0 => {}
            Some(0) => {
                return Err(format!("{}: it adds up, and states that {} are left", name(), bridge.residual_minor.0));
            }
            Some(rest) => return Err(format!("{}: {rest} minor units are left; expected nothing", name())),
            None => return Err(format!("{}: its amounts are beyond all that can be counted", name())),
        }
    }
    let bridges = summary.statement.bridges.len();
    let comparisons = if bridges == 1 { "comparison adds" } else { "comparisons add" };
    Ok((Mark::Well, format!("{bridges} {comparisons} up")))
}

/// (currency, measure) → what is at risk by the open ones, in minor units.
type Risks = BTreeMap<(String, String), i128>;

/// Kind → how many, and their risks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals(BTreeMap<String, (u64, Risks)>);

/// Every row of `breaks.csv`, counted and summed.
pub(super) fn breaks(archive: &mut Archive, summary: &Summary) -> Checked {
    let name = format!("{REPORT}breaks.csv");
    if !archive.has(&name) {
        return Ok((
            Mark::Note,
            "the job asks for no breaks.csv: they are in the other files of the report".to_owned(),
        ));
    }
    let found = totals_of(archive, &name, summary)?;
    let stated = stated(summary);
    if found == stated {
        let count: u64 = stated.0.values().map(|(count, _)| count).sum();
        return Ok((Mark::Well, format!("{count} rows of breaks.csv, counted and summed as the summary states")));
    }
    let kinds = stated.0.keys().chain(found.0.keys());
    let differs = kinds.into_iter().find(|kind| stated.0.get(*kind) != found.0.get(*kind));
    Err(format!(
        "the rows of breaks.csv do not add up to what the summary states of {}",
        visible(differs.map_or("them", String::as_str))
    ))
}

fn stated(summary: &Summary) -> Totals {
    let kinds = summary.breaks.by_kind.iter().map(|kind| {
        let risks = kind.at_risk.iter().filter(|at| at.at_risk_minor.0 != 0);
        let risks = risks.map(|at| ((at.currency.clone(), at.measure.name().to_owned()), at.at_risk_minor.0));
        (kind.kind.name().to_owned(), (kind.count, risks.collect()))
    });
    Totals(kinds.collect())
}

fn totals_of(archive: &mut Archive, name: &str, summary: &Summary) -> Result<Totals, String> {
    let mut reader = csv::Reader::from_reader(archive.member(name)?);
    let headers = reader.headers().map_err(|error| format!("{name} cannot be read: {error}"))?.clone();
    let place = |column: &str| {
        headers.iter().position(|known| known == column).ok_or_else(|| format!("{name} has no column {column}"))
    };
    let [kind, status, currency, measure, at_risk] = ["kind", "status", "currency", "measure", "at_risk"].map(place);
    let (kind, status, currency, measure, at_risk) = (kind?, status?, currency?, measure?, at_risk?);
    let mut totals = Totals::default();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(|error| format!("{name} cannot be read: {error}"))? {
        let total = totals.0.entry(row[kind].to_owned()).or_default();
        total.0 += 1;
        let is_open = BreakStatus::ALL.into_iter().any(|known| known.name() == &row[status] && known.is_open());
        if !is_open || row[currency].is_empty() {
            continue;
        }
        let decimals = summary.currencies.get(&row[currency]);
        let minor = decimals.and_then(|decimals| minor(&row[at_risk], *decimals));
        let minor = minor.ok_or_else(|| {
            let (found, currency) = (visible(&row[at_risk]).into_owned(), visible(&row[currency]).into_owned());
            format!("{name}: `{found}` is no amount of {currency}")
        })?;
        let sum = total.1.entry((row[currency].to_owned(), row[measure].to_owned())).or_default();
        *sum =
            sum.checked_add(minor).ok_or_else(|| format!("{name}: its amounts are beyond all that can be counted"))?;
    }
    for (_, risks) in totals.0.values_mut() {
        risks.retain(|_, sum| *sum != 0);
    }
    Ok(totals)
}

/// Minor units of an amount as reports write it: digits, a point, and all decimals of the currency.
fn minor(text: &str, decimals: u8) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() != usize::from(decimals) || !is_number(whole) || !is_number(part) {
        return None;
    }
    format!("{whole}{part}").parse::<i128>().ok().map(|minor| sign * minor)
}
