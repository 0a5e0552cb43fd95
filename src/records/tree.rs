//! The members of a record's JSON object, as the dotted published names nest them.

use std::ops::Range;

use super::schema::{Attribute, Published};
use super::values::{Held, Values};

/// A member of the JSON object, in published order.
#[derive(Debug)]
pub(super) struct Node {
    name: &'static str,
    /// `"name":`
    key: Vec<u8>,
    what: NodeKind,
}

#[derive(Debug)]
enum NodeKind {
    Leaf(Attribute),
    Object(Vec<Node>),
}

/// The tree of members that dotted names make. Those of one object stand side by side.
pub(super) fn nodes<'p>(fields: impl Iterator<Item = &'p Published>) -> Vec<Node> {
    let mut root = Vec::new();
    for field in fields {
        let mut members = &mut root;
        let mut names = field.attribute.name().split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                members.push(Node::new(name, NodeKind::Leaf(field.attribute)));
                break;
            }
            if members.last().is_none_or(|last| last.name != name) {
                members.push(Node::new(name, NodeKind::Object(Vec::new())));
            }
            match members.last_mut().map(|last| &mut last.what) {
                Some(NodeKind::Object(below)) => members = below,
                _ => break,
            }
        }
    }
    root
}

impl Node {
    fn new(name: &'static str, what: NodeKind) -> Self {
        Self { name, key: format!("\"{name}\":").into_bytes(), what }
    }

    fn is_present(&self, values: &Values<'_>) -> bool {
        match &self.what {
            NodeKind::Leaf(attribute) => !values[*attribute as usize].is_absent(),
            NodeKind::Object(below) => below.iter().any(|node| node.is_present(values)),
        }
    }
}

/// One object with those members that the row has.
pub(super) fn object(
    nodes: &[Node],
    values: &Values<'_>,
    held: &Held,
    marks: &mut [Range<usize>; 2],
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut first = true;
    for node in nodes.iter().filter(|node| node.is_present(values)) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(&node.key);
        match &node.what {
            NodeKind::Object(below) => object(below, values, held, marks, out),
            NodeKind::Leaf(attribute) => {
                let from = out.len();
                values[*attribute as usize].write(held, out);
                match attribute {
                    Attribute::UserId => marks[0] = from..out.len(),
                    Attribute::TransactionId => marks[1] = from..out.len(),
                    _ => {}
                }
            }
        }
    }
    out.push(b'}');
}
