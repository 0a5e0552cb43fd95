//! Dotted paths into JSON objects: a tree of what is wanted, walked by one visitor that takes the
//! wanted values as they are written (numbers keep every digit) and passes over the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Drift;
use super::objects::{Objects, Place};
use super::row::RowBuffer;

/// Most characters of an unknown key that are shown.
const SHOWN_KEY_CHARS: usize = 60;

/// The wanted paths of a mapping and those that are merely known.
#[derive(Debug)]
pub(crate) struct PathTree {
    root: Node,
    /// Report keys that are neither wanted nor known.
    checks_drift: bool,
}

#[derive(Debug, Default, Clone)]
struct Node {
    slot: Option<usize>,
    /// Everything below is known and unwanted.
    known: bool,
    children: Vec<(String, Node)>,
    /// What `*` stands for: any key that has no child of its own.
    any: Option<Box<Node>>,
}

impl PathTree {
    /// `wanted`: (slot, path). `known`: paths in which `*` stands for any one key.
    pub(crate) fn new<'a>(wanted: impl Iterator<Item = (usize, &'a str)>, known: Option<&[String]>) -> Self {
        let mut root = Node::default();
        for (slot, path) in wanted {
            root.at(path).slot = Some(slot);
        }
        for path in known.unwrap_or_default() {
            root.at(path).known = true;
        }
        root.spread();
        Self { root, checks_drift: known.is_some() }
    }

    /// What reads plain objects in the same way.
    pub(super) fn objects(&self) -> Objects {
        let mut places = Vec::new();
        self.root.add_to(&mut places);
        Objects::new(places, self.checks_drift)
    }

    /// Takes the wanted values of one JSON object into the buffer.
    ///
    /// # Errors
    /// A lowercase fragment: what is wrong and at which character of the text.
    pub(crate) fn take(&self, json: &str, row: &mut RowBuffer, drift: &mut Drift) -> Result<(), String> {
        row.clear();
        let mut path = String::new();
        let walk = Walk { node: &self.root, checks_drift: self.checks_drift, top: true, row, drift, path: &mut path };
        let mut reader = serde_json::Deserializer::from_str(json);
        walk.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| told(&error))
    }
}

/// A JSON error without the line that only the parser counts.
pub(crate) fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) if error.line() == 1 => format!("{reason} (character {})", error.column()),
        Some(reason) => reason.to_owned(),
        None => text,
    }
}

impl Node {
    fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |node, key| {
            if key == "*" {
                return node.any.get_or_insert_default();
            }
            let index = node.children.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
                node.children.push((key.to_owned(), Self::default()));
                node.children.len() - 1
            });
            &mut node.children[index].1
        })
    }

    /// What is known below `*` is known below every named key beside it.
    fn spread(&mut self) {
        if let Some(any) = &self.any {
            for (_, child) in &mut self.children {
                child.merge(any);
            }
        }
        for (_, child) in &mut self.children {
            child.spread();
        }
        if let Some(any) = &mut self.any {
            any.spread();
        }
    }

    fn merge(&mut self, other: &Self) {
        self.known |= other.known;
        for (name, child) in &other.children {
            self.at(name).merge(child);
        }
        if let Some(any) = &other.any {
            self.any.get_or_insert_default().merge(any);
        }
    }

    fn child(&self, key: &str) -> Option<&Self> {
        self.children.iter().find(|(name, _)| name == key).map(|(_, node)| node).or(self.any.as_deref())
    }

    /// Adds this node and those below it; the index of this one.
    fn add_to(&self, places: &mut Vec<Place>) -> usize {
        let index = places.len();
        let is_end = self.is_end() || self.known;
        places.push(Place { slot: self.slot, is_end, children: Vec::new(), any: None });
        let children = self.children.iter().map(|(name, child)| (name.clone(), child.add_to(places))).collect();
        let any = self.any.as_ref().map(|any| any.add_to(places));
        (places[index].children, places[index].any) = (children, any);
        index
    }

    fn is_end(&self) -> bool {
        self.children.is_empty() && self.any.is_none()
    }
}

struct Walk<'t, 'b> {
    node: &'t Node,
    checks_drift: bool,
    /// The row itself: must be an object.
    top: bool,
    row: &'b mut RowBuffer,
    drift: &'b mut Drift,
    path: &'b mut String,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.top { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl Walk<'_, '_> {
    /// The value of a wanted key, as it is written.
    fn value<E: Error>(&mut self, node: &Node, slot: usize, raw: &RawValue) -> Result<(), E> {
        let text = raw.get();
        if !self.row.meet(slot) {
            return Err(E::custom(format_args!("`{}` stands twice in one row", self.path)));
        }
        match text.as_bytes().first() {
            Some(b'"') => self.text(slot, text),
            Some(b'n') => Ok(()),
            Some(b'{') if !node.is_end() => {
                let below = Walk {
                    node,
                    checks_drift: self.checks_drift,
                    top: false,
                    row: self.row,
                    drift: self.drift,
                    path: self.path,
                };
                below.deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(E::custom)
            }
            Some(b'{' | b'[') => {
                let found = if text.starts_with('{') { "an object" } else { "a list" };
                Err(E::custom(format_args!("`{}` holds {found}; expected text, a number or null", self.path)))
            }
            _ => {
                self.row.set(slot, text);
                Ok(())
            }
        }
    }

    fn text<E: Error>(&mut self, slot: usize, quoted: &str) -> Result<(), E> {
        let inner = &quoted[1..quoted.len() - 1];
        if !inner.contains('\\') {
            self.row.set(slot, inner);
            return Ok(());
        }
        let text: String = serde_json::from_str(quoted).map_err(E::custom)?;
        if text.contains('\0') {
            return Err(E::custom(format_args!("`{}` holds a NUL character", self.path)));
        }
        self.row.set(slot, &text);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let parent = self.node;
        let length = self.path.len();
        while let Some(found) = map.next_key_seed(Key { walk: &mut self, node: parent })? {
            match found {
                Some(node) if node.slot.is_some() => {
                    let raw: &RawValue = map.next_value()?;
                    self.value(node, node.slot.expect("tested by the guard"), raw)?;
                }
                Some(node) if !node.is_end() && !node.known => map.next_value_seed(Walk {
                    node,
                    checks_drift: self.checks_drift,
                    top: false,
                    row: self.row,
                    drift: self.drift,
                    path: self.path,
                })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    // Where an object is expected and something else stands, the paths below are absent.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A key of the object at `node`: what the tree knows below it. Extends the path by the key.
struct Key<'w, 't, 'b, 'n> {
    walk: &'w mut Walk<'t, 'b>,
    node: &'n Node,
}

impl<'de, 'n> DeserializeSeed<'de> for Key<'_, '_, '_, 'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Key<'_, '_, '_, 'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let child = self.node.child(key);
        if child.is_some() || self.walk.checks_drift {
            let path = &mut *self.walk.path;
            if !path.is_empty() {
                path.push('.');
            }
            path.extend(key.chars().take(SHOWN_KEY_CHARS));
            if child.is_none() {
                self.walk.drift.add(path);
            }
        }
        Ok(child)
    }
}
