//! Names as filters give them: exact, or a regular expression between slashes.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a compiled expression may take, bytes.
const COMPILED: usize = 64 << 10;
/// The longest pattern, bytes.
const LONGEST: usize = 256;

/// A name, or a regular expression between slashes that a part of the name must match.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct NamePattern {
    text: String,
    regex: Option<Regex>,
}

crate::words::text!(
    NamePattern,
    "A name, or a regular expression between slashes that a part of the name must match.",
    "/^db-/"
);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name and no regular expression: {why}")]
pub struct InvalidPattern {
    text: String,
    why: String,
}

impl NamePattern {
    /// Whether the name is meant.
    pub fn matches(&self, name: &str) -> bool {
        match &self.regex {
            Some(regex) => regex.is_match(name),
            None => self.text == name,
        }
    }

    /// The one name it means, when it is no expression.
    pub fn exact(&self) -> Option<&str> {
        self.regex.is_none().then_some(self.text.as_str())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for NamePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |why: String| InvalidPattern {
            text: text.to_owned(),
            why,
        };
        if text.is_empty() || text.len() > LONGEST {
            return Err(invalid(format!("it must have 1 to {LONGEST} bytes")));
        }
        let inner = text
            .strip_prefix('/')
            .map(|rest| rest.strip_suffix('/').filter(|inner| !inner.is_empty()));
        let regex = match inner {
            None => None,
            Some(None) => return Err(invalid("an expression stands between two slashes".to_owned())),
            Some(Some(inner)) => {
                let built = RegexBuilder::new(inner).size_limit(COMPILED).build();
                Some(built.map_err(|error| invalid(error.to_string()))?)
            }
        };
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }
}

impl TryFrom<String> for NamePattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.text
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().expect("a pattern")
    }

    #[test]
    fn names_are_exact_and_expressions_stand_between_slashes() {
        assert!(pattern("db").matches("db") && !pattern("db").matches("db-1"));
        assert!(pattern("/^db-/").matches("db-1") && !pattern("/^db-/").matches("a-db-1"));
        assert!(pattern("/b/").matches("abc"));
        assert_eq!(pattern("db").exact(), Some("db"));
        assert_eq!(pattern("/db/").exact(), None);
        // A dot in a name is a dot.
        assert!(!pattern("a.b").matches("axb") && pattern("/^a.b$/").matches("axb"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for text in ["", "/", "//", "/a", "/(/", "/(a{1000}){1000}/", &"x".repeat(257)] {
            let error = text.parse::<NamePattern>().expect_err(text);
            assert!(error.to_string().contains("is no name"), "{error}");
        }
    }
}
