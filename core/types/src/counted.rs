//! How many of something there are, in words.

use std::fmt::Display;

/// `1 snapshot`, `12 snapshots`: for words whose plural ends in s.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str) -> String {
    if count == N::from(1) {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let said = [0_u64, 1, 2].map(|count| counted(count, "run"));
        assert_eq!(said, ["0 runs", "1 run", "2 runs"]);
        assert_eq!(counted(1_usize, "attempt"), "1 attempt");
    }
}
