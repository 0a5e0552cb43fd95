//! `rules` of a fraud marker: each one kind, its fields mapped on the side that it looks at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::super::spec_rules::{FraudRuleSpec, OutlierSpec, ReturnsSpec, VelocitySpec};
use super::super::{FraudRule, Grouping, Input};
use super::{delta, minor};
use crate::config::Checker;
use crate::frames::{Field, FieldType, Side};

/// A purchase is held against others as if in one book: beyond this, `times` is a slip of the pen.
const MOST_TIMES: u64 = 1_000_000;

/// The rules of a list at `at`; none when one of them is wrong. A `deny` of several fields is a rule for each.
///
/// That `side` is an input of the job is not asked here; an input that is wrong itself is none.
pub fn rules(
    at: &str,
    specs: &[FraudRuleSpec],
    side: Side,
    inputs: &[(Side, Option<Input>)],
    checker: &mut Checker<'_>,
) -> Option<Vec<FraudRule>> {
    let mut rules = Vec::new();
    let mut complete = true;
    for (index, spec) in specs.iter().enumerate() {
        let mut one = OneRule { at: format!("{at}/{index}"), side, inputs, checker };
        match one.rules(spec) {
            Some(found) => rules.extend(found),
            None => complete = false,
        }
    }
    complete.then_some(rules)
}

/// The item of the list that is being checked.
struct OneRule<'o, 't> {
    at: String,
    side: Side,
    inputs: &'o [(Side, Option<Input>)],
    checker: &'o mut Checker<'t>,
}

impl OneRule<'_, '_> {
    fn rules(&mut self, spec: &FraudRuleSpec) -> Option<Vec<FraudRule>> {
        let FraudRuleSpec { velocity, returns_above_purchases, shared_card, outlier, deny } = spec;
        let written: Vec<&str> = [
            ("velocity", velocity.is_some()),
            ("returns_above_purchases", returns_above_purchases.is_some()),
            ("shared_card", shared_card.is_some()),
            ("outlier", outlier.is_some()),
            ("deny", deny.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, is_written)| is_written.then_some(key))
        .collect();
        if let [first, second, ..] = written.as_slice() {
            let message = format!("both `{first}` and `{second}` in one rule; expected one of them");
            self.checker.problem_with_help(&self.at, message, "begin each rule with a hyphen of its own");
            return None;
        }
        match (velocity, returns_above_purchases, shared_card, outlier, deny) {
            (Some(velocity), ..) => self.velocity(velocity).map(|rule| vec![rule]),
            (_, Some(returns), ..) => self.returns(returns).map(|rule| vec![rule]),
            (_, _, Some(shared), ..) => {
                let needed = [Field::CardFirstSix, Field::CardLastFour, Field::User];
                self.mapped("shared_card", &needed).then(|| vec![FraudRule::SharedCard { users: shared.users }])
            }
            (_, _, _, Some(outlier), _) => self.outlier(outlier).map(|rule| vec![rule]),
            (.., Some(deny)) => self.deny(deny),
            _ => {
                let help = "expected one of `velocity`, `returns_above_purchases`, `shared_card`, `outlier`, `deny`";
                self.checker.absent(&self.at, "a rule without a kind", help);
                None
            }
        }
    }

    fn velocity(&mut self, spec: &VelocitySpec) -> Option<FraudRule> {
        let at = format!("{}/velocity", self.at);
        let mapped = self.grouped("velocity", spec.by, &[Field::Amount, Field::OccurredAt]);
        let within = self.within(&format!("{at}/within"), &spec.within);
        let sum_minor = self.amounts(&format!("{at}/sum"), &spec.sum);
        if spec.count.is_none() && spec.sum.is_empty() {
            self.checker.absent(&at, "neither `count` nor `sum`", "expected one of them, or both");
            return None;
        }
        mapped.then_some(FraudRule::Velocity { by: spec.by, within: within?, count: spec.count, sum_minor: sum_minor? })
    }

    fn returns(&mut self, spec: &ReturnsSpec) -> Option<FraudRule> {
        let mapped = self.grouped("returns_above_purchases", spec.by, &[Field::Amount]);
        let beyond_minor = self.amounts(&format!("{}/returns_above_purchases/beyond", self.at), &spec.beyond)?;
        mapped.then_some(FraudRule::ReturnsAbovePurchases { by: spec.by, beyond_minor })
    }

    fn outlier(&mut self, spec: &OutlierSpec) -> Option<FraudRule> {
        let mapped = self.mapped("outlier", &[Field::User, Field::Amount, Field::OccurredAt]);
        let plain = spec.times.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let times = Decimal::from_str_exact(&spec.times).ok().filter(|_| plain);
        let Some(times) = times.filter(|times| *times > Decimal::ONE && *times <= Decimal::from(MOST_TIMES)) else {
            let message = format!("`{}` is no number of times; expected one above 1, such as 10 or 2.5", spec.times);
            self.checker.problem(&format!("{}/outlier/times", self.at), message);
            return None;
        };
        mapped.then_some(FraudRule::Outlier { times: times.normalize(), history: spec.history })
    }

    fn deny(&mut self, fields: &BTreeMap<Field, Vec<String>>) -> Option<Vec<FraudRule>> {
        let at = format!("{}/deny", self.at);
        if fields.is_empty() {
            self.checker.absent(&at, "nothing is denied", "expected a field and its values, such as {user: [u-77]}");
            return None;
        }
        let mut complete = true;
        for (field, values) in fields {
            complete &=
                self.mapped("deny", &[*field]) & self.deniable(&format!("{at}/{}", field.name()), *field, values);
        }
        let rules = fields.iter().map(|(field, values)| FraudRule::Deny { field: *field, values: values.clone() });
        complete.then(|| rules.collect())
    }

    fn deniable(&mut self, path: &str, field: Field, values: &[String]) -> bool {
        let name = field.name();
        if field.kind() != FieldType::Text {
            let message = format!("`{name}` is no text; a deny list holds texts of fields such as `user`, `merchant`");
            self.checker.problem(path, message);
            return false;
        }
        if field == Field::CardLastFour {
            let help = "deny the user, or the card's first six digits";
            self.checker.problem_with_help(path, "the last four digits alone are those of many cards", help);
            return false;
        }
        if values.is_empty() {
            self.checker.problem(path, "no value is listed, so nothing would be denied");
            return false;
        }
        let mut seen = BTreeSet::new();
        for (index, value) in values.iter().enumerate() {
            let folded = value.trim().to_lowercase();
            if folded.is_empty() {
                self.checker.problem(&format!("{path}/{index}"), "an empty value; expected a text");
                return false;
            }
            if !seen.insert(folded) {
                let message = format!("`{}` is listed twice, letter case aside", value.trim());
                self.checker.problem(&format!("{path}/{index}"), message);
                return false;
            }
        }
        true
    }

    /// A window is told in words of whole seconds, and no file states times more finely than it means them.
    fn within(&mut self, path: &str, text: &str) -> Option<TimeDelta> {
        let within = delta(path, text, self.checker)?;
        if within < TimeDelta::seconds(1) || within.subsec_nanos() != 0 {
            self.checker.problem(path, format!("`{text}` is no window; expected whole seconds, at least 1s"));
            return None;
        }
        Some(within)
    }

    fn amounts(&mut self, path: &str, written: &BTreeMap<String, String>) -> Option<BTreeMap<String, i64>> {
        let mut amounts_minor = BTreeMap::new();
        for (currency, text) in written {
            let path = format!("{path}/{currency}");
            if let Some(minor) = self.checker.keep(&path, minor(currency, text)) {
                amounts_minor.insert(currency.clone(), minor);
            }
        }
        (amounts_minor.len() == written.len()).then_some(amounts_minor)
    }

    fn grouped(&mut self, rule: &str, by: Grouping, more: &[Field]) -> bool {
        let needed: Vec<Field> = by.fields().iter().chain(more).copied().collect();
        self.mapped(rule, &needed)
    }

    /// A side that is wrong itself is given the benefit of the doubt.
    fn mapped(&mut self, rule: &str, needed: &[Field]) -> bool {
        let input = self.inputs.iter().find(|(side, _)| *side == self.side);
        let Some((side, Some(input))) = input else { return true };
        let missing: Vec<Field> =
            needed.iter().copied().filter(|field| !input.mapping.fields.contains_key(field)).collect();
        for field in &missing {
            let message = format!("`{rule}` needs `{}`, which the input `{side}` does not map", field.name());
            let help = format!("map it under inputs.{side}.columns, or take the rule out");
            self.checker.absent(&format!("{}/{rule}", self.at), message, help);
        }
        missing.is_empty()
    }
}
