//! The objects of a bucket that an input consists of.

use std::fmt;

use crate::objects::Place;

/// What stands for the period in a prefix or pattern.
pub const PLACEHOLDERS: [&str; 3] = ["yymmdd", "yymm", "period"];

/// The objects of an input: those below the prefixes whose names, without the prefix, are of the pattern. `{yymmdd}`,
/// `{yymm}` and `{period}` stand for the period in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// In the order in which they count: the first one that has a name has its newest bytes. Each is a folder.
    pub places: Vec<Place>,
    /// A name or glob, without a slash at its beginning.
    pub pattern: String,
}

impl Objects {
    /// Whether each period has names of its own.
    pub fn is_of_period(&self) -> bool {
        let text = |text: &str| PLACEHOLDERS.iter().any(|word| text.contains(&format!("{{{word}}}")));
        text(&self.pattern) || self.places.iter().any(|place| text(&place.prefix))
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.places.iter().map(|place| place.join(&self.pattern).to_string()).collect();
        write!(f, "{}", places.join(" or "))
    }
}
