//! Reading columns into the vocabulary, with errors that name the column; and numbers for SQLite, which has no unsigned.

use std::str::FromStr;

use ironcore_types::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::{LedgerError, Result};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Typed access to the columns of a row by name.
pub(crate) trait Columns {
    fn opt_num(&self, column: &'static str) -> Result<Option<i64>>;
    fn num(&self, column: &'static str) -> Result<i64>;
    fn text(&self, column: &'static str) -> Result<String>;
    fn opt_text(&self, column: &'static str) -> Result<Option<String>>;
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>>;

    fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.num(column)? != 0)
    }

    fn count(&self, column: &'static str) -> Result<u64> {
        u64::try_from(self.num(column)?).map_err(|e| LedgerError::row(column, e))
    }

    fn small(&self, column: &'static str) -> Result<u32> {
        u32::try_from(self.num(column)?).map_err(|e| LedgerError::row(column, e))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.num(column).map(Timestamp::from_micros)
    }

    fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.opt_num(column)?.map(Timestamp::from_micros))
    }

    fn word<T: FromStr<Err: Into<BoxError>>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?
            .parse()
            .map_err(|e: T::Err| LedgerError::row(column, e))
    }

    fn opt_word<T: FromStr<Err: Into<BoxError>>>(&self, column: &'static str) -> Result<Option<T>> {
        self.opt_text(column)?
            .map(|text| text.parse().map_err(|e: T::Err| LedgerError::row(column, e)))
            .transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|e| LedgerError::row(column, e))
    }

    fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text = self.opt_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| LedgerError::row(column, e)))
            .transpose()
    }
}

impl Columns for SqliteRow {
    fn opt_num(&self, column: &'static str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }

    fn num(&self, column: &'static str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }

    fn text(&self, column: &'static str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn opt_text(&self, column: &'static str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        Ok(self.try_get(column)?)
    }
}

/// A value as it is stored in a JSON column.
pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| LedgerError::row(what, e))
}

/// A list of words as a JSON array, for `IN (SELECT value FROM json_each(?))`: one statement for any number of them.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String> {
    to_json("a list of words", &words.into_iter().collect::<Vec<_>>())
}

/// A count for SQLite; what does not fit is as good as endless.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A time for SQLite.
pub(crate) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}
