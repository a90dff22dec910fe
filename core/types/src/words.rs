//! How closed lists of words are described in the OpenAPI document. The derive of `utoipa` does not see names that a
//! macro puts in, and would list the Rust names.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// A text that is one of `words`.
pub(crate) fn schema(description: &str, words: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words.collect::<Vec<_>>()))
        .into()
}

/// Describes `$type`, which has `ALL` and `as_str`.
macro_rules! described {
    ($type:ident, $description:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::words::schema($description, Self::ALL.iter().map(|word| word.as_str()))
            }
        }

        impl utoipa::ToSchema for $type {}
    };
}

/// Describes `$type`, which is written as a text.
macro_rules! text {
    ($type:ident, $description:expr, $example:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some($description))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $type {}
    };
}

pub(crate) use described;
pub(crate) use text;
