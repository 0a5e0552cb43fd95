//! A preset, checked by what an input of a job is checked by.

use super::super::preset::Preset;
use super::super::spec_preset::PresetSpec;
use super::{input, mapping};
use crate::config::Checker;

/// The preset; none when the checker holds a problem.
pub(in crate::job) fn preset(spec: &PresetSpec, checker: &mut Checker<'_>) -> Option<Preset> {
    for (key, text) in [("description", &spec.description), ("source", &spec.source)] {
        if text.trim().is_empty() {
            checker.problem(key, format!("`{key}` is empty"));
        }
    }
    let format = input::format_of("", &spec.format, checker);
    let fields = mapping::columns("", &spec.columns, checker);
    let selects = mapping::selection("", &spec.only, |field| spec.columns.contains_key(&field), checker);
    let revisions = mapping::revisions("", spec.revisions.as_ref(), checker);
    let sign = mapping::sign("", spec.sign, fields.as_ref(), checker);
    selects?;
    Some(Preset {
        description: spec.description.trim().to_owned(),
        source: spec.source.trim().to_owned(),
        format: format?,
        fields: fields?,
        sign: sign?,
        statuses: mapping::statuses(&spec.statuses),
        only: spec.only.clone(),
        known_columns: spec.known_columns.clone(),
        revisions: revisions?,
    })
}
