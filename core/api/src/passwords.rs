//! Passwords: argon2id, a few at a time, for each takes 19 MiB and some 30 ms of a core.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Passwords that are looked at side by side.
const AT_ONCE: usize = 2;
/// The shortest password, characters.
const SHORTEST: usize = 12;
/// The longest, bytes.
const LONGEST: usize = 512;
/// Of what nobody has: it takes as long to say that there is no such user as that the password is wrong.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$aW50ZW50aW9uYWxseSBub3QgYSByZWFsIGhhc2ggISE";

/// Makes and checks hashes of passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

fn argon() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// What is wrong with a password that somebody chose for `user`.
pub(crate) fn fault(password: &str, user: &str) -> Option<&'static str> {
    let name = user.split('@').next().unwrap_or_default().to_lowercase();
    let mut letters = password.chars();
    let first = letters.next();
    if password.chars().count() < SHORTEST {
        Some("it is too short: use 12 characters or more")
    } else if password.len() > LONGEST {
        Some("it is too long: use 512 bytes or less")
    } else if letters.all(|letter| Some(letter) == first) {
        Some("it is one character over and over")
    } else if name.len() > 3 && password.to_lowercase().contains(&name) {
        Some("it contains the user's name")
    } else {
        None
    }
}

impl Passwords {
    /// The hash of a password, as a PHC string.
    pub(crate) async fn hash(&self, password: String) -> Result<String, ApiError> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| ApiError::Internal("the machine gave no random bytes"))?;
        let _turn = self.turns.acquire().await;
        let made = tokio::task::spawn_blocking(move || {
            let hash = argon().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash: argon2::password_hash::phc::PasswordHash| hash.to_string())
        });
        made.await?
            .map_err(|_| ApiError::Internal("a password could not be hashed"))
    }

    /// Whether the password is that of the hash; of none it never is, and it takes as long to say so.
    pub(crate) async fn is(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let _turn = self.turns.acquire().await;
        let look = tokio::task::spawn_blocking(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let right = PasswordHash::new(hash)
                .is_ok_and(|hash| argon().verify_password(password.as_bytes(), &hash).is_ok());
            right && known
        });
        Ok(look.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash("correct horse battery".to_owned())
            .await
            .expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let other = passwords
            .hash("correct horse battery".to_owned())
            .await
            .expect("a hash");
        assert_ne!(hash, other, "each has a salt of its own");
        let is = async |text: &str, hash: Option<&str>| {
            let look = passwords.is(text.to_owned(), hash.map(str::to_owned));
            look.await.expect("looked at")
        };
        assert!(is("correct horse battery", Some(&hash)).await);
        assert!(!is("correct horse batterz", Some(&hash)).await);
        assert!(!is("correct horse battery", None).await);
        assert!(!is("correct horse battery", Some("no hash")).await);
        assert!(PasswordHash::new(NOBODY).is_ok(), "it takes as long");
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "",
            "short",
            "aaaaaaaaaaaaaaaa",
            "Alice-in-2026-x",
            "ä".repeat(300).as_str(),
        ] {
            assert!(fault(weak, "alice@local").is_some(), "{weak}");
        }
        assert_eq!(fault("correct horse battery", "alice@local"), None);
        assert_eq!(fault("correct horse battery", "al@local"), None);
    }
}
