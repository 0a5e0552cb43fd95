//! A strict reader of Prometheus' text format 0.0.4, written from its description and not from any writer:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use std::collections::{BTreeMap, BTreeSet};

/// Name and labels → value.
pub(crate) type Series = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// Every series of the text.
///
/// # Panics
/// When anything in it is not as the format has it.
#[track_caller]
pub(crate) fn read(text: &str) -> Series {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line ends as every line does");
    let (mut series, mut families) = (Series::new(), BTreeSet::new());
    // The family that the lines are about: name, whether it has a help, its type.
    let mut now: Option<(String, bool, Option<String>)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help has a text");
            assert!(!help.is_empty() && is_name(name), "{line}");
            assert!(families.insert(name.to_owned()), "{name} comes twice");
            now = Some((name.to_owned(), true, None));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type is named");
            assert!(["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind), "{line}");
            let (of, has_help, known) = now.as_mut().expect("a help stands before the type");
            assert!(of == name && *has_help && known.is_none(), "{line}");
            *known = Some(kind.to_owned());
        } else {
            assert!(!line.starts_with('#'), "a comment: {line}");
            let (name, labels, value) = sample(line);
            let (of, _, kind) = now.as_ref().unwrap_or_else(|| panic!("a sample of no family: {line}"));
            assert!(*of == name && kind.is_some(), "a sample of another family: {line}");
            assert!(series.insert((name, labels), value).is_none(), "comes twice: {line}");
        }
    }
    series
}

fn is_name(text: &str) -> bool {
    let good = |(place, char): (usize, char)| {
        char.is_ascii_alphabetic() || "_:".contains(char) || (place > 0 && char.is_ascii_digit())
    };
    !text.is_empty() && text.chars().enumerate().all(good)
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let name = &line[..end];
    assert!(is_name(name), "{line}");
    let (labels, rest) = match line[end..].strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (BTreeMap::new(), &line[end..]),
    };
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no space before the value: {line}"));
    assert!(!value.contains(' '), "a time stamp: {line}");
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}

fn labels<'l>(mut rest: &'l str, line: &str) -> (BTreeMap<String, String>, &'l str) {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return (labels, after);
        }
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(name) && !name.contains(':'), "{line}");
        let (value, after) = value(after, line);
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} twice: {line}");
        rest = after.strip_prefix(',').unwrap_or(after);
        assert!(after.starts_with([',', '}']), "{line}");
    }
}

fn value<'l>(text: &'l str, line: &str) -> (String, &'l str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return (value, &text[place + 1..]),
            '\\' => match chars.next().map(|(_, char)| char) {
                Some('n') => value.push('\n'),
                Some(char @ ('\\' | '"')) => value.push(char),
                _ => panic!("an escape that there is not: {line}"),
            },
            char => value.push(char),
        }
    }
    panic!("a value without an end: {line}")
}

/// The value of one series; its labels as `name=value`, in any order.
#[track_caller]
pub(crate) fn value_of(series: &Series, name: &str, labels: &[&str]) -> f64 {
    let wanted = labels.iter().map(|label| label.split_once('=').unwrap());
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let found = series.get(&(name.to_owned(), wanted));
    *found.unwrap_or_else(|| panic!("no {name} {labels:?} in {series:#?}"))
}

/// The names of all families that have a value.
pub(crate) fn names(series: &Series) -> BTreeSet<&str> {
    series.keys().map(|(name, _)| name.as_str()).collect()
}
