//! YAML with places: a small tree in which every key and value knows its line and column.
//!
//! Written on the parser's events, since ready-made trees let a duplicate key overwrite the
//! first one in silence and unfold aliases without a bound.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::problem::{Finding, Place};

/// More nodes than this, aliases unfolded, is no configuration but an attack.
pub const MAX_NODES: usize = 20_000;
/// Deeper nesting than this likewise.
pub const MAX_DEPTH: usize = 40;

/// One value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// In the order of the file; no key twice.
    Map(Vec<Entry>),
    List(Vec<Node>),
    /// The text as written, escapes resolved. Only `plain` text can be null, a boolean or a number.
    Scalar {
        text: String,
        plain: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub at: Place,
    pub node: Node,
}

impl Node {
    /// The entry of a map by its key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Value::List(_) | Value::Scalar { .. } => None,
        }
    }

    /// Nothing was written here (`key:`, `~`, `null`).
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    fn count(&self) -> usize {
        1 + match &self.value {
            Value::Map(entries) => entries.iter().map(|entry| 1 + entry.node.count()).sum(),
            Value::List(nodes) => nodes.iter().map(Self::count).sum(),
            Value::Scalar { .. } => 0,
        }
    }
}

/// The one document of `text`, or none when it cannot be read, and what is wrong with it.
pub fn parse(text: &str) -> (Option<Node>, Vec<Finding>) {
    let mut builder =
        Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, findings: Vec::new() };
    match builder.document() {
        Ok(node) => (Some(node), builder.findings),
        Err(fatal) => {
            builder.findings.push(explain(fatal, text));
            (None, builder.findings)
        }
    }
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    findings: Vec<Finding>,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Finding> {
        match self.parser.next_event() {
            Some(event) => event.map_err(|error| not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Finding> {
        let node = loop {
            match self.next()? {
                (Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => {
                    return Err(Finding::anywhere("the file is empty"));
                }
                (event, span) => break self.node(event, span, 0)?,
            }
        };
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(node),
                (Event::DocumentStart(_), span) => {
                    return Err(Finding::at(place(span.start), "a second document begins here; expected one a file"));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Finding> {
        let at = place(span.start);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Finding::at(at, format!("more than {MAX_NODES} values, aliases unfolded")));
        }
        if depth > MAX_DEPTH {
            return Err(Finding::at(at, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let (anchor, value) = match event {
            Event::Alias(id) => return self.alias(id, at),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                (anchor, Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                (anchor, self.map(depth)?)
            }
            _ => return Err(Finding::at(at, "not valid YAML: a value was expected here")),
        };
        let node = Node { at, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// A copy of what the anchor stands for, counted as if it were written out.
    fn alias(&mut self, id: usize, at: Place) -> Result<Node, Finding> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Finding::at(at, "an alias inside the value that it stands for"));
        };
        self.nodes += node.count();
        if self.nodes > MAX_NODES {
            return Err(Finding::at(at, format!("more than {MAX_NODES} values, aliases unfolded")));
        }
        Ok(node.clone())
    }

    fn list(&mut self, depth: usize) -> Result<Value, Finding> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(nodes)),
                (event, span) => nodes.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Finding> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            let Value::Scalar { text, .. } = key.value else {
                self.findings.push(Finding::at(key.at, "a list or a group as a key; expected a word"));
                continue;
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let message = format!(
                    "duplicate key `{text}`; it stands already at line {}, column {}",
                    first.at.line, first.at.column
                );
                self.findings.push(Finding::at(key.at, message));
                continue;
            }
            entries.push(Entry { key: text, at: key.at, node });
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: Place) {
        if tag.is_some() {
            self.findings.push(Finding::at(at, "a YAML tag; expected none").help("put text in quotes instead"));
        }
    }
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

fn not_yaml(error: &ScanError) -> Finding {
    Finding::at(place(*error.marker()), format!("not valid YAML: {}", error.info()))
}

/// The parser's words for a tab do not mention it.
fn explain(finding: Finding, text: &str) -> Finding {
    let Some(at) = finding.place else { return finding };
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    match indent.find('\t') {
        Some(offset) => Finding::at(
            Place { line: at.line, column: offset + 1 },
            "a tab in the indentation; YAML is indented with spaces",
        ),
        None => finding,
    }
}
