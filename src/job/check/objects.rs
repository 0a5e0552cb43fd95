//! `s3` and `pattern` of an input.

use super::super::spec::InputSpec;
use super::super::{Grain, Objects};
use super::input::placeholders;
use crate::config::Checker;
use crate::objects::Place;

/// What can stand for a period of this grain.
pub(super) const fn known(grain: Grain) -> &'static [&'static str] {
    match grain {
        Grain::Day => &["yymmdd", "yymm", "period"],
        Grain::Month => &["yymm", "period"],
    }
}

/// The prefixes as written, and the pattern; `at` is the input.
pub(super) fn objects(
    at: &str,
    written: &[String],
    spec: &InputSpec,
    grain: Grain,
    checker: &mut Checker<'_>,
) -> Option<Objects> {
    let path = format!("{at}/s3");
    let mut places = Vec::new();
    for text in written {
        let place = checker.keep(&path, Place::parse(text)).map(Place::folder)?;
        placeholders(&path, &place.prefix, known(grain), checker)?;
        if places.contains(&place) {
            checker.problem(&path, format!("{place} is named twice"));
            return None;
        }
        places.push(place);
    }
    if places.is_empty() {
        checker.problem(&path, "`s3` names no prefix; expected one such as s3://bucket/upload/");
        return None;
    }
    let Some(pattern) = &spec.pattern else {
        let help = "it says which objects after the prefix, such as cardlinked-reconciliation-{yymmdd}*";
        checker.absent(&path, "missing key `pattern`", help);
        return None;
    };
    pattern_of(&format!("{at}/pattern"), pattern, grain, checker)?;
    Some(Objects { places, pattern: pattern.clone() })
}

fn pattern_of(path: &str, pattern: &str, grain: Grain, checker: &mut Checker<'_>) -> Option<()> {
    let odd = pattern.is_empty() || pattern.starts_with('/') || pattern.ends_with('/');
    if odd || pattern.split('/').any(|part| part == "..") {
        let message = format!("`{pattern}` is no name after a prefix; expected one such as ledger-{{period}}.csv");
        checker.problem(path, message);
        return None;
    }
    placeholders(path, pattern, known(grain), checker)?;
    let filled = known(grain).iter().fold(pattern.to_owned(), |text, word| text.replace(&format!("{{{word}}}"), "0"));
    if let Err(error) = glob::Pattern::new(&filled) {
        checker.problem(path, format!("`{pattern}` is no glob: {}", error.msg));
        return None;
    }
    Some(())
}
