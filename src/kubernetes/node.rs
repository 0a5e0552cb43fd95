//! A manifest as a tree that keeps its keys in the order in which people read them, and its text.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// One value of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Text(String),
    Number(u64),
    Flag(bool),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Node {
    /// The same map with one more entry at its end.
    #[must_use]
    pub(super) fn and(self, key: &str, value: impl Into<Self>) -> Self {
        let Self::Map(mut entries) = self else { return self };
        entries.push((key.to_owned(), value.into()));
        Self::Map(entries)
    }

    /// What stands at these keys, one inside the other.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| match node {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        })
    }
}

/// A map of a manifest: `map! { "kind" => "Service", … }`.
macro_rules! map {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::kubernetes::node::Node::Map(vec![
            $((String::from($key), $crate::kubernetes::node::Node::from($value))),*
        ])
    };
}
pub(super) use map;

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Node {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Node {
    fn from(items: [T; N]) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// Lines of a comment are no longer.
const COMMENT_COLUMNS: usize = 110;

/// Paragraphs as a comment, an empty line of it between them.
pub(super) fn comment(paragraphs: &[String]) -> String {
    let mut text = String::new();
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            text.push_str("#\n");
        }
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > COMMENT_COLUMNS {
                text.push_str(&line);
                text.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A file of one or several documents below a comment.
pub(super) fn file(paragraphs: &[String], documents: &[Node]) -> String {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let texts: Vec<String> = documents
        .iter()
        .map(|document| {
            serde_saphyr::to_string_with_options(document, options.clone())
                .expect("a tree of texts, numbers and flags has a text")
        })
        .collect();
    comment(paragraphs) + &texts.join("---\n")
}
