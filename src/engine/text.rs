//! Pieces of SQL that all engines read alike.

/// A text literal.
pub(super) fn literal(text: &str) -> String {
    let mut sql = String::with_capacity(text.len() + 2);
    sql.push('\'');
    for character in text.chars() {
        match character {
            '\\' => sql.push_str("\\\\"),
            '\'' => sql.push_str("\\'"),
            '\n' => sql.push_str("\\n"),
            '\r' => sql.push_str("\\r"),
            other => sql.push(other),
        }
    }
    sql.push('\'');
    sql
}

/// `'a', 'b'`
pub(super) fn literals<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    texts.into_iter().map(literal).collect::<Vec<_>>().join(", ")
}

/// Whether all of the text fits the pattern; null where the text is. `\z`, since `$` also stands before a last line end,
/// of which Java knows several.
pub(super) fn fits(text: &str, pattern: &str) -> String {
    format!("({text} RLIKE {})", literal(&format!("^({pattern})\\z")))
}

/// True only where it is true: a null counts as false.
pub(super) fn surely(condition: &str) -> String {
    format!("COALESCE({condition}, FALSE)")
}

/// Joined with AND; true where there is none.
pub(super) fn all_of(conditions: &[String]) -> String {
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join("\n      AND ") }
}

/// Joined with OR; false where there is none.
pub(super) fn any_of(conditions: &[String]) -> String {
    if conditions.is_empty() { "FALSE".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

pub(super) const NO_TEXT: &str = "CAST(NULL AS STRING)";
pub(super) const NO_NUMBER: &str = "CAST(NULL AS BIGINT)";
