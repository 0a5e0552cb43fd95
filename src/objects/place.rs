//! Where objects are: `s3://bucket/prefix`.

use std::fmt;

/// A bucket and what the keys in it begin with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub bucket: String,
    /// Empty, or without a slash at its beginning; where it names a folder it ends with one.
    pub prefix: String,
}

/// A text that names no place in S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("`{0}` is no place in S3; expected one such as s3://bucket/prefix/")]
    Scheme(String),
    #[error(
        "`{0}` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/"
    )]
    Bucket(String),
    #[error("`{0}` has an empty part, `.` or `..` in its prefix; expected one such as s3://bucket/prefix/")]
    Prefix(String),
}

impl Place {
    /// Reads `s3://bucket/prefix/`; the prefix may be missing.
    ///
    /// # Errors
    /// When it is written otherwise. A text without `s3://` may hold a secret of another store, so only its beginning
    /// is shown.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let shown = || crate::text::cut(&crate::text::visible(text), 120).into_owned();
        let Some(rest) = text.strip_prefix("s3://") else {
            let scheme = text.split_once("://").map_or_else(shown, |(scheme, _)| format!("{scheme}://…"));
            return Err(PlaceError::Scheme(scheme));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // "Bucket naming rules" of S3: 3-63 characters, letters and digits at both ends, no two dots in a row.
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let named = (3..=63).contains(&bucket.len())
            && bucket.chars().all(inner)
            && bucket.starts_with(edge)
            && bucket.ends_with(edge)
            && !bucket.contains("..");
        if !named {
            return Err(PlaceError::Bucket(shown()));
        }
        let parts = prefix.strip_suffix('/').unwrap_or(prefix);
        let odd = |part: &str| matches!(part, "" | "." | "..") || part.chars().any(crate::text::is_hidden);
        if !parts.is_empty() && parts.split('/').any(odd) || prefix == "/" {
            return Err(PlaceError::Prefix(shown()));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The same place with its prefix as a folder.
    #[must_use]
    pub fn folder(mut self) -> Self {
        if !self.prefix.is_empty() && !self.prefix.ends_with('/') {
            self.prefix.push('/');
        }
        self
    }

    /// The object of this key below the place, which is a folder.
    #[must_use]
    pub fn join(&self, key: &str) -> Self {
        Self { bucket: self.bucket.clone(), prefix: format!("{}{key}", self.prefix) }
    }

    /// As an object's key.
    pub fn key(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, crate::text::visible(&self.prefix))
    }
}
