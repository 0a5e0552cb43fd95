//! Collects what is wrong with the meaning of a file whose shape is right, with places looked up by path.

use std::time::Duration;

use chrono_tz::Tz;

use super::problem::{Finding, Place};
use super::yaml::{Node, Value};
use super::{Document, closest, quantity};

/// Findings so far, and the tree to find their places in.
#[derive(Debug)]
pub struct Checker<'t> {
    root: &'t Node,
    findings: Vec<Finding>,
    /// Parts of the file were left out since their shape is wrong.
    gaps: bool,
}

impl<'t> Checker<'t> {
    /// Goes on from the findings of the document's shape.
    pub fn new<T>(document: &'t Document<T>) -> Self {
        let gaps = !document.findings.is_empty();
        Self { root: &document.root, findings: document.findings.clone(), gaps }
    }

    pub fn finish(self) -> Vec<Finding> {
        self.findings
    }

    /// `path`: keys and list indexes joined by `/`; what is not written is told at its nearest parent.
    pub fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.findings.push(Finding::at(self.place(path), message));
    }

    pub fn problem_with_help(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.findings.push(Finding::at(self.place(path), message).help(help));
    }

    /// As [`Self::problem_with_help`], of something that is not there. Not told where parts of the
    /// file were left out: it may well be there, in a part that is told already.
    pub fn absent(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        if !self.gaps {
            self.problem_with_help(path, message, help);
        }
    }

    /// The value's place for text and lists, the key's for a group and for what is not there.
    fn place(&self, path: &str) -> Place {
        let mut node = self.root;
        let mut at = Place::START;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            if let Some(entry) = node.entry(segment) {
                node = &entry.node;
                at = match node.value {
                    Value::Map(_) => entry.at,
                    Value::List(_) | Value::Scalar { .. } => node.at,
                };
            } else if let (Value::List(nodes), Ok(index)) = (&node.value, segment.parse::<usize>())
                && let Some(item) = nodes.get(index)
            {
                node = item;
                at = item.at;
            } else {
                return at;
            }
        }
        at
    }

    /// Keeps the value, or its error as a problem at `path`.
    pub fn keep<T, E: std::fmt::Display>(&mut self, path: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(path, error.to_string());
                None
            }
        }
    }

    /// An IANA time zone by name.
    pub fn zone(&mut self, path: &str, name: &str) -> Option<Tz> {
        if let Ok(zone) = name.parse::<Tz>() {
            return Some(zone);
        }
        let help = match closest(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
            // Three letters are too few to guess from: EDT is not EET.
            Some(nearest) if name.len() > 4 => format!("did you mean `{nearest}`?"),
            _ => "expected an IANA name such as `UTC` or `America/New_York`".to_owned(),
        };
        self.problem_with_help(path, format!("unknown time zone `{name}`"), help);
        None
    }

    pub fn duration(&mut self, path: &str, text: &str) -> Option<Duration> {
        self.keep(path, quantity::duration(text))
    }
}
