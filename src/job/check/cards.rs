//! `effects.card_…`: which breaks are repaired at the provider.

use std::collections::BTreeMap;

use super::super::CardRule;
use super::super::spec_effects::{CardSpec, EffectsSpec};
use super::Context;
use super::effects::{caution, kinds};
use crate::config::Checker;
use crate::providers::cards::{CardOperation, CardProvider};

/// What is written, by operation.
pub(super) fn written(spec: &EffectsSpec) -> Vec<(CardOperation, &CardSpec)> {
    let all = [
        (CardOperation::Create, &spec.card_create),
        (CardOperation::Modify, &spec.card_modify),
        (CardOperation::Delete, &spec.card_delete),
        (CardOperation::TopUp, &spec.card_top_up),
    ];
    all.into_iter().filter_map(|(operation, spec)| Some((operation, spec.as_ref()?))).collect()
}

/// The rules; none when one of them is wrong.
pub(super) fn rules(
    spec: &EffectsSpec,
    provider: Option<&str>,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<BTreeMap<CardOperation, CardRule>> {
    let provider = provider.and_then(|name| context.providers?.get(name));
    let mut rules = BTreeMap::new();
    let mut complete = true;
    for (operation, written) in written(spec) {
        let at = format!("effects/{}", operation.name());
        kinds(&at, &written.kinds, checker);
        if let Some(provider) = provider {
            let offered = provider.any().cards().map(CardProvider::operations).unwrap_or_default();
            if !offered.contains(&operation) {
                let names: Vec<String> = offered.iter().map(|offered| format!("`{}`", offered.name())).collect();
                let help = if names.is_empty() {
                    "nothing can be done to its cards".to_owned()
                } else {
                    format!("it offers {}", names.join(", "))
                };
                let message = format!("a provider of type `{}` offers no such call", provider.kind());
                checker.problem_with_help(&at, message, help);
                complete = false;
            }
        }
        let limits = (written.limit, &written.limit_amount);
        match caution(&at, written.approval.as_ref(), written.distinct, limits, checker) {
            Some(caution) => {
                rules.insert(operation, CardRule { kinds: written.kinds.clone(), caution });
            }
            None => complete = false,
        }
    }
    complete.then_some(rules)
}
