//! Values that statements are run with. Neither database has unsigned numbers, and PostgreSQL has no zero character.

use std::borrow::Cow;

use ironcore_types::Timestamp;
use sqlx::postgres::Postgres;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// A value of a placeholder; yes and no are 1 and 0.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    /// For `IN LIST($n)`: one statement for any number of them.
    Words(Vec<String>),
    /// As [`Words`](Self::Words).
    Numbers(Vec<i64>),
}

impl Value {
    /// As one argument on SQLite, where lists are JSON.
    pub(super) fn bind_sqlite(
        self,
        query: Query<'static, Sqlite, SqliteArguments>,
    ) -> Query<'static, Sqlite, SqliteArguments> {
        match self {
            Self::Number(value) => query.bind(value),
            Self::Text(value) => query.bind(value),
            Self::Bytes(value) => query.bind(value),
            Self::Words(list) => query.bind(json(&list)),
            Self::Numbers(list) => query.bind(json(&list)),
        }
    }

    /// As one argument on PostgreSQL.
    pub(super) fn bind_postgres(
        self,
        query: Query<'static, Postgres, sqlx::postgres::PgArguments>,
    ) -> Query<'static, Postgres, sqlx::postgres::PgArguments> {
        match self {
            Self::Number(value) => query.bind(value),
            Self::Text(value) => query.bind(value.map(storable)),
            Self::Bytes(value) => query.bind(value),
            Self::Words(list) => query.bind(list.into_iter().map(storable).collect::<Vec<_>>()),
            Self::Numbers(list) => query.bind(list),
        }
    }
}

fn json<T: serde::Serialize>(list: &T) -> String {
    serde_json::json!(list).to_string()
}

/// PostgreSQL's text holds every character but U+0000. Where it comes from (what a destination answered, a path) it
/// means nothing, and a message or task must not fail for it.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

/// The words of a list.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Words(words.into_iter().map(str::to_owned).collect())
}

/// A count as the databases know it; what does not fit is as good as endless.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A time as the databases know it.
pub(crate) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Number(Some(i64::from(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::Number(value.map(i64::from))
            }
        }
    )+};
}
numbers!(i64, u32, u16, bool);

macro_rules! texts {
    ($($type:ty),+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Text(Some(value.into()))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::Text(value.map(Into::into))
            }
        }
    )+};
}
texts!(String, &str, Cow<'_, str>);

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
