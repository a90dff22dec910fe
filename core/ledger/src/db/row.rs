//! Rows of either database: reading columns into the vocabulary, with errors that name the column.

use std::str::FromStr;

use ironcore_types::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _};

use crate::error::{LedgerError, Result};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A row; columns are read by name.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn opt_num(&self, column: &'static str) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => postgres_number(row, column),
        }
    }

    pub(crate) fn num(&self, column: &'static str) -> Result<i64> {
        self.opt_num(column)?
            .ok_or_else(|| LedgerError::row(column, "nothing, where a number must be"))
    }

    pub(crate) fn opt_text(&self, column: &'static str) -> Result<Option<String>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.opt_text(column)?
            .ok_or_else(|| LedgerError::row(column, "nothing, where text must be"))
    }

    pub(crate) fn opt_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        self.opt_bytes(column)?
            .ok_or_else(|| LedgerError::row(column, "nothing, where bytes must be"))
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.num(column)? != 0)
    }

    pub(crate) fn count(&self, column: &'static str) -> Result<u64> {
        u64::try_from(self.num(column)?).map_err(|e| LedgerError::row(column, e))
    }

    pub(crate) fn small(&self, column: &'static str) -> Result<u32> {
        u32::try_from(self.num(column)?).map_err(|e| LedgerError::row(column, e))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.num(column).map(Timestamp::from_micros)
    }

    pub(crate) fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.opt_num(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn word<T: FromStr<Err: Into<BoxError>>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?
            .parse()
            .map_err(|e: T::Err| LedgerError::row(column, e))
    }

    pub(crate) fn opt_word<T: FromStr<Err: Into<BoxError>>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>> {
        self.opt_text(column)?
            .map(|text| text.parse().map_err(|e: T::Err| LedgerError::row(column, e)))
            .transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|e| LedgerError::row(column, e))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text = self.opt_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| LedgerError::row(column, e)))
            .transpose()
    }
}

/// Columns are BIGINT, but expressions are narrower or yes and no.
fn postgres_number(row: &PgRow, name: &'static str) -> Result<Option<i64>> {
    let column = row.try_column(name)?;
    Ok(match column.type_info().name() {
        "BOOL" => row.try_get::<Option<bool>, _>(name)?.map(i64::from),
        "INT4" => row.try_get::<Option<i32>, _>(name)?.map(i64::from),
        _ => row.try_get(name)?,
    })
}

/// A value as it is stored in a JSON column.
pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| LedgerError::row(what, e))
}

/// What is not there when it cannot be understood: somebody else's row (written by another version, say) must stop
/// nothing but what it is about.
pub(crate) fn readable<T>(what: &str, read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(LedgerError::Row { what: column, source }) => {
            tracing::error!(%source, column, "{what} is left out, for its row cannot be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
