//! Checks a YAML tree against the JSON Schema of a written form and collects every deviation:
//! unknown and missing keys, wrong kinds of values, words that are not in a list.
//!
//! Knows the part of JSON Schema that schemars writes for plain structs and enums.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};

use super::problem::{Finding, Place};
use super::yaml::{Entry, Node, Value};
use super::{did_you_mean, quoted};
use crate::text;

/// The tree as JSON, and what is wrong with it.
///
/// What is wrong is left out of the JSON, and a mistyped word is read as the one that was probably
/// meant (in the tree too), so that the meaning of the rest can still be checked. None: too little
/// is left for that.
pub fn check(schema: &Json, root: &mut Node) -> (Option<Json>, Vec<Finding>) {
    let mut walker = Walker { schema, findings: Vec::new(), meant: Vec::new() };
    let whole = Spot { path: String::new(), owner: Place::START };
    let value = walker.value(schema, root, &whole);
    let Walker { findings, meant, .. } = walker;
    if !meant.is_empty() {
        rename(root, &meant);
    }
    (value, findings)
}

/// Gives mistyped keys their right names.
fn rename(node: &mut Node, meant: &[(Place, String)]) {
    match &mut node.value {
        Value::Map(entries) => {
            for entry in entries {
                if let Some((_, key)) = meant.iter().find(|(place, _)| *place == entry.at) {
                    entry.key.clone_from(key);
                }
                rename(&mut entry.node, meant);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rename(item, meant)),
        Value::Scalar { .. } => {}
    }
}

struct Walker<'s> {
    schema: &'s Json,
    findings: Vec<Finding>,
    /// Places of mistyped keys, and the keys that were probably meant.
    meant: Vec<(Place, String)>,
}

/// Where the walk is: the dotted path for people, and the place of the key that leads here.
struct Spot {
    path: String,
    owner: Place,
}

impl Spot {
    fn below(&self, key: &str, owner: Place) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, owner }
    }

    fn of(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in {}", self.path) }
    }

    fn name(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) }
    }
}

impl<'s> Walker<'s> {
    fn value(&mut self, schema: &'s Json, node: &Node, spot: &Spot) -> Option<Json> {
        let mut alternatives = Vec::new();
        let secret = self.alternatives(schema, &mut alternatives);
        if secret && !self.is_secret_reference(node, spot) {
            return None;
        }
        match &node.value {
            Value::Map(entries) => self.map(&alternatives, entries, node, spot),
            Value::List(items) => self.list(&alternatives, items, node, spot),
            Value::Scalar { text, plain } => self.scalar(&alternatives, text, *plain, node, spot),
        }
    }

    /// Whether a secret is told by where it stands. What is written instead may be the secret
    /// itself, even as a key: it is not repeated.
    fn is_secret_reference(&mut self, node: &Node, spot: &Spot) -> bool {
        const KEYS: [&str; 2] = ["env", "file"];
        let help = "write {env: NAME} or {file: PATH}";
        let Value::Map(entries) = &node.value else {
            if node.is_null() {
                return true;
            }
            let message = format!("{} is written out; a secret never stands in this file", spot.name());
            self.findings.push(Finding::at(node.at, message).help(help));
            return false;
        };
        let odd = entries.iter().find(|entry| super::closest(&entry.key, KEYS).is_none());
        if let Some(entry) = odd {
            let message = format!("{} has a key that is neither `env` nor `file`", spot.name());
            self.findings.push(Finding::at(entry.at, message).help(help));
        } else if entries.len() > 1 {
            let message = format!("{} has both `env` and `file`; expected one of them", spot.name());
            self.findings.push(Finding::at(spot.owner, message));
        }
        odd.is_none() && entries.len() <= 1
    }

    /// Unfolds references and choices; tells whether a secret is among them.
    fn alternatives(&self, schema: &'s Json, found: &mut Vec<&'s Json>) -> bool {
        let mut secret = false;
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            secret |= reference.ends_with("/Secret");
            let target = reference.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
            if let Some(target) = target {
                secret |= self.alternatives(target, found);
            }
        } else if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
            for choice in choices {
                secret |= self.alternatives(choice, found);
            }
        } else {
            found.push(schema);
        }
        secret
    }

    fn map(&mut self, alternatives: &[&'s Json], entries: &[Entry], node: &Node, spot: &Spot) -> Option<Json> {
        let groups = alternatives.iter().copied().filter(|schema| allows(schema, "object")).collect::<Vec<_>>();
        let chosen = match groups.as_slice() {
            [] => return self.wrong_kind(alternatives, "a group of keys", node, spot),
            [only] => *only,
            several if tag(several).is_some() => self.tagged(several, entries, spot)?,
            [first, ..] => {
                let by_key = |entry: &Entry| groups.iter().copied().find(|group| property(group, &entry.key).is_some());
                match (entries.iter().find_map(by_key), entries.first()) {
                    (Some(group), _) => group,
                    (None, Some(entry)) => {
                        let known = groups.iter().flat_map(|group| property_names(group)).collect::<Vec<_>>();
                        self.unknown_key(entry, &known, spot);
                        return None;
                    }
                    (None, None) => first,
                }
            }
        };
        self.group(chosen, entries, spot)
    }

    /// Of several groups the one whose tag (a key that has one word in each) is written.
    fn tagged(&mut self, groups: &[&'s Json], entries: &[Entry], spot: &Spot) -> Option<&'s Json> {
        let key = tag(groups)?;
        let Some(entry) = entries.iter().find(|entry| entry.key == key) else {
            let close = entries.iter().find(|entry| super::closest(&entry.key, [key]).is_some());
            match close {
                Some(entry) => drop(self.unknown_key(entry, &[key], spot)),
                None => self.findings.push(Finding::at(spot.owner, format!("missing key `{key}`{}", spot.of()))),
            }
            return None;
        };
        let words: Vec<&str> = groups.iter().filter_map(|group| property(group, key)).flat_map(enumerated).collect();
        let below = spot.below(key, entry.at);
        let Value::Scalar { text, .. } = &entry.node.value else {
            let schema = json!({ "enum": words });
            self.wrong_kind(&[&schema], "no word", &entry.node, &below);
            return None;
        };
        let of = |word: &str| {
            groups.iter().copied().find(|group| property(group, key).is_some_and(|tag| enumerated(tag).contains(&word)))
        };
        if let Some(group) = of(text) {
            return Some(group);
        }
        // Where it is clear which one was meant, the group itself tells of the word, and the rest is looked at, too.
        if let Some(meant) = super::closest(text, words.iter().copied()) {
            return of(meant);
        }
        let message = format!("unknown value `{}` for {}", cut(text), below.name());
        self.findings.push(Finding::at(entry.node.at, message).help(did_you_mean(text, &words)));
        None
    }

    fn group(&mut self, schema: &'s Json, entries: &[Entry], spot: &Spot) -> Option<Json> {
        let known = property_names(schema);
        let mut object = Map::new();
        for entry in entries {
            let additional = schema.get("additionalProperties").filter(|additional| additional.is_object());
            let key = if property(schema, &entry.key).is_some() || additional.is_some() {
                entry.key.clone()
            } else {
                let taken = |key: &String| entries.iter().any(|entry| entry.key == *key) || object.contains_key(key);
                let Some(meant) = self.unknown_key(entry, &known, spot).filter(|key| !taken(key)) else { continue };
                self.meant.push((entry.at, meant.clone()));
                meant
            };
            let Some(value_schema) = property(schema, &key).or(additional) else { continue };
            let below = spot.below(&key, entry.at);
            if let Some(value) = self.value(value_schema, &entry.node, &below) {
                object.insert(key, value);
            } else {
                // Known to be wrong: it is not missing as well.
                object.entry(key).or_insert(Json::Null);
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let mut complete = true;
        for key in required {
            match object.get(key) {
                Some(Json::Null) => complete = false,
                Some(_) => {}
                None => {
                    complete = false;
                    self.findings.push(Finding::at(spot.owner, format!("missing key `{key}`{}", spot.of())));
                }
            }
        }
        object.retain(|_, value| !value.is_null());
        complete.then_some(Json::Object(object))
    }

    /// Gives the key that was probably meant.
    fn unknown_key(&mut self, entry: &Entry, known: &[&str], spot: &Spot) -> Option<String> {
        let message = format!("unknown key `{}`{}", entry.key, spot.of());
        self.findings.push(Finding::at(entry.at, message).help(did_you_mean(&entry.key, known)));
        super::closest(&entry.key, known.iter().copied()).map(str::to_owned)
    }

    fn list(&mut self, alternatives: &[&'s Json], items: &[Node], node: &Node, spot: &Spot) -> Option<Json> {
        let Some(schema) = alternatives.iter().copied().find(|schema| allows(schema, "array")) else {
            return self.wrong_kind(alternatives, "a list", node, spot);
        };
        let bound = |name: &str| schema.get(name).and_then(Json::as_u64);
        let length = items.len() as u64;
        let right_length = bound("minItems").is_none_or(|least| length >= least)
            && bound("maxItems").is_none_or(|most| length <= most);
        if !right_length {
            let expected = match (bound("minItems"), bound("maxItems")) {
                (Some(least), Some(most)) if least == most => format!("exactly {least}"),
                (Some(least), _) => format!("at least {least}"),
                (None, most) => format!("at most {}", most.unwrap_or_default()),
            };
            self.findings
                .push(Finding::at(node.at, format!("{} has {length} items; expected {expected}", spot.name())));
        }
        let values = items.iter().enumerate().map(|(index, item)| {
            let prefix = schema.get("prefixItems").and_then(|prefix| prefix.get(index));
            let below = Spot { path: format!("{}[{index}]", spot.path), owner: item.at };
            match prefix.or_else(|| schema.get("items").filter(|items| items.is_object())) {
                Some(item_schema) => self.value(item_schema, item, &below),
                None => None,
            }
        });
        // Every item is looked at before a wrong one spoils the list.
        let values = values.collect::<Vec<_>>();
        if right_length { values.into_iter().collect::<Option<_>>().map(Json::Array) } else { None }
    }

    fn scalar(&mut self, alternatives: &[&'s Json], text: &str, plain: bool, node: &Node, spot: &Spot) -> Option<Json> {
        if node.is_null() {
            if alternatives.iter().any(|schema| allows(schema, "null")) {
                return Some(Json::Null);
            }
            return self.wrong_kind(alternatives, "nothing", node, spot);
        }
        let words = alternatives.iter().flat_map(|schema| enumerated(schema)).collect::<Vec<_>>();
        if words.contains(&text) {
            return Some(Json::String(text.to_owned()));
        }
        let free_text = alternatives.iter().any(|schema| allows(schema, "string") && enumerated(schema).is_empty());
        let or_number = alternatives.iter().any(|schema| allows(schema, "integer"));
        if !words.is_empty() && !free_text && !or_number {
            let message = format!("unknown value `{}` for {}", cut(text), spot.name());
            self.findings.push(Finding::at(node.at, message).help(did_you_mean(text, &words)));
            return super::closest(text, words.iter().copied()).map(|meant| Json::String(meant.to_owned()));
        }
        let boolean = if plain { as_boolean(text) } else { None };
        if let Some(value) = boolean
            && alternatives.iter().any(|schema| allows(schema, "boolean"))
        {
            return Some(Json::Bool(value));
        }
        if let Some(schema) = alternatives.iter().copied().find(|schema| allows(schema, "integer"))
            && plain
            && !free_text
            && let Ok(number) = text.parse::<i128>()
        {
            return self.integer(schema, number, node, spot);
        }
        // Numbers are taken as text where text is expected, digit by digit as written.
        if free_text && boolean.is_none() {
            return Some(Json::String(text.to_owned()));
        }
        let found = match boolean {
            Some(_) if free_text => format!("`{text}`, which YAML takes for true or false unless it stands in quotes"),
            _ if plain => format!("`{}`", cut(text)),
            _ => format!("the text \"{}\"", cut(text)),
        };
        self.wrong_kind(alternatives, &found, node, spot)
    }

    fn integer(&mut self, schema: &Json, number: i128, node: &Node, spot: &Spot) -> Option<Json> {
        let (format_least, format_most) = match schema.get("format").and_then(Json::as_str) {
            Some("uint8") => (0, u8::MAX.into()),
            Some("uint16") => (0, u16::MAX.into()),
            Some("uint32") => (0, u32::MAX.into()),
            Some("uint64" | "uint") => (0, u64::MAX.into()),
            _ => (i64::MIN.into(), i64::MAX.into()),
        };
        let bound = |name: &str| schema.get(name).and_then(Json::as_i64).map(i128::from);
        let least = bound("minimum").unwrap_or(format_least).max(format_least);
        let most = bound("maximum").unwrap_or(format_most).min(format_most);
        if number < least || number > most {
            let expected = if number < least { format!("at least {least}") } else { format!("at most {most}") };
            self.findings.push(Finding::at(node.at, format!("{} is {number}; expected {expected}", spot.name())));
            return None;
        }
        match (i64::try_from(number), u64::try_from(number)) {
            (Ok(number), _) => Some(number.into()),
            (_, Ok(number)) => Some(number.into()),
            _ => None,
        }
    }

    fn wrong_kind(&mut self, alternatives: &[&Json], found: &str, node: &Node, spot: &Spot) -> Option<Json> {
        let at = if matches!(node.value, Value::Map(_)) || node.is_null() { spot.owner } else { node.at };
        let message = format!("{} is {found}; expected {}", spot.name(), expected(alternatives));
        let mut finding = Finding::at(at, message);
        if let ([only], Value::Scalar { text, .. }) = (alternatives, &node.value)
            && allows(only, "array")
            && !node.is_null()
        {
            finding = finding.help(format!("put it in brackets: [{}]", cut(text)));
        }
        self.findings.push(finding);
        None
    }
}

fn allows(schema: &Json, kind: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(one)) => one == kind,
        Some(Json::Array(several)) => several.iter().any(|one| one == kind),
        _ => kind == "string" && !enumerated(schema).is_empty(),
    }
}

fn enumerated(schema: &Json) -> Vec<&str> {
    let constant = schema.get("const").and_then(Json::as_str);
    let list = schema.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    constant.into_iter().chain(list).collect()
}

fn property<'s>(schema: &'s Json, key: &str) -> Option<&'s Json> {
    schema.get("properties")?.get(key)
}

fn property_names(schema: &Json) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
        .collect()
}

/// The key that is there in every group, with a word of its own in each.
fn tag<'s>(groups: &[&'s Json]) -> Option<&'s str> {
    let is_word = |group: &Json, key: &str| property(group, key).is_some_and(|schema| schema.get("const").is_some());
    property_names(groups.first()?).into_iter().find(|key| groups.iter().all(|group| is_word(group, key)))
}

fn as_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// What may stand here, in words.
fn expected(alternatives: &[&Json]) -> String {
    let words = alternatives.iter().flat_map(|schema| enumerated(schema)).collect::<Vec<_>>();
    let mut kinds = Vec::new();
    if !words.is_empty() {
        kinds.push(quoted(&words));
    }
    let free_text = alternatives.iter().any(|schema| allows(schema, "string") && enumerated(schema).is_empty());
    if free_text {
        kinds.push("text".to_owned());
    }
    for (kind, name) in [("integer", "a whole number"), ("boolean", "true or false"), ("array", "a list")] {
        let implied = kind == "integer" && free_text;
        if !implied && alternatives.iter().any(|schema| allows(schema, kind)) {
            kinds.push(name.to_owned());
        }
    }
    let groups = alternatives.iter().filter(|schema| allows(schema, "object")).collect::<Vec<_>>();
    if !groups.is_empty() {
        let keys = groups.iter().flat_map(|group| property_names(group)).collect::<Vec<_>>();
        kinds.push(match keys.as_slice() {
            [] => "a group of keys".to_owned(),
            keys if keys.len() > 6 => "a group of keys".to_owned(),
            keys => format!("a group with {}", quoted(keys)),
        });
    }
    kinds.join(" or ")
}

/// As much of what was written as a message shows.
fn cut(text: &str) -> Cow<'_, str> {
    text::cut(text, 60)
}
