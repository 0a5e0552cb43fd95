//! Statements as they are written once for both databases, and the rows that come back.
//!
//! Placeholders are `$1`, `$2`, …; `link` says them to `SQLite` in its own way. What both understand is used and nothing
//! else; the few differences stand in `link`.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Database, Decode, Postgres, Row as _, Sqlite, Type};

use super::link::Connection;

/// A value of a statement. Its kind is said even where there is none: the server asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(Option<String>),
    Whole(Option<i64>),
    Flag(Option<bool>),
}

macro_rules! values {
    ($($from:ty => $kind:ident $make:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$kind(Some($make(value)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map($make))
            }
        }
    )*};
}

values! {
    &str => Text ToOwned::to_owned;
    &String => Text Clone::clone;
    String => Text std::convert::identity;
    i64 => Whole std::convert::identity;
    u32 => Whole i64::from;
    u8 => Whole i64::from;
    bool => Flag std::convert::identity;
}

/// A statement with its values, which can be done again.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) text: Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

/// A statement of this text.
pub(super) fn query(text: &'static str) -> Statement {
    Statement { text: Cow::Borrowed(text), values: Vec::new() }
}

impl Statement {
    /// One that is put together.
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// The value of the next placeholder.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// A placeholder more, and its value.
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a string cannot fail.
        let _ = write!(self.text.to_mut(), "${}", self.values.len());
        self
    }

    /// `(a, b, c)` without the parentheses.
    pub(super) fn push_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            self.push(if place == 0 { "" } else { ", " }).push_bind(value);
        }
        self
    }

    /// `VALUES (…), (…)`, a row for each.
    pub(super) fn push_values<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Cells<'_>, T),
    ) {
        self.push("VALUES ");
        for (place, row) in rows.into_iter().enumerate() {
            self.push(if place == 0 { "(" } else { ", (" });
            fill(&mut Cells { statement: self, first: true }, row);
            self.push(")");
        }
    }

    pub(super) async fn execute(&self, connection: &mut Connection) -> sqlx::Result<u64> {
        connection.execute(self).await
    }

    pub(super) async fn fetch_all(&self, connection: &mut Connection) -> sqlx::Result<Vec<Row>> {
        connection.fetch_all(self).await
    }

    /// The first row, if any.
    pub(super) async fn fetch_optional(&self, connection: &mut Connection) -> sqlx::Result<Option<Row>> {
        Ok(connection.fetch_all(self).await?.into_iter().next())
    }

    pub(super) async fn fetch_one(&self, connection: &mut Connection) -> sqlx::Result<Row> {
        self.fetch_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }
}

/// Executes one after the other: while the database works at a statement, the next one is put together.
pub(super) async fn execute_each(
    connection: &mut Connection,
    mut statements: impl Iterator<Item = Statement>,
) -> sqlx::Result<()> {
    let driver = connection.driver();
    let mut put_together = || statements.next().map(|statement| driver.ready(statement));
    let mut next = put_together();
    while let Some(ready) = next {
        let following = async { put_together() };
        let (done, following) = futures_util::future::join(connection.execute_ready(ready), following).await;
        done?;
        next = following;
    }
    Ok(())
}

/// The cells of one row of `VALUES`.
#[derive(Debug)]
pub(super) struct Cells<'s> {
    statement: &'s mut Statement,
    first: bool,
}

impl Cells<'_> {
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.statement.push(", ");
        }
        self.statement.push_bind(value);
        self
    }
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What can be read from either database.
pub(super) trait Read<'r>: Of<'r, Sqlite> + Of<'r, Postgres> {}
impl<'r, T: Of<'r, Sqlite> + Of<'r, Postgres>> Read<'r> for T {}

pub(super) trait Of<'r, D: Database>: Decode<'r, D> + Type<D> {}
impl<'r, D: Database, T: Decode<'r, D> + Type<D>> Of<'r, D> for T {}

/// A column, by name or place.
pub(super) trait At: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}
impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> At for T {}

impl Row {
    /// A column that the statement names and the tables hold in this kind.
    pub(super) fn get<'r, T: Read<'r>, I: At>(&'r self, column: I) -> T {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.get(column),
        }
    }

    pub(super) fn try_get<'r, T: Read<'r>, I: At>(&'r self, column: I) -> sqlx::Result<T> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
