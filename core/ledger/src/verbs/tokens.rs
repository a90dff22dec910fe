//! Verbs of API tokens. The ledger knows the SHA-256 of a secret, never the secret.

use ironcore_types::{Rights, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Actor, NewToken, Token, Withheld};

impl Ledger {
    /// Makes a token and tells `auth.token-created`. `conflict` when the name or the hash is taken (a revoked token
    /// keeps its name), `request.invalid` for a member without a project.
    pub async fn create_token(&self, by: Option<&Actor>, new: NewToken) -> Result<Token> {
        self.sql.create_token(by.cloned(), new).await
    }

    /// The token whose secret has this SHA-256, unless it is revoked or has expired, and what it may do: what its role
    /// allows, as far as its owner may do that too. Notes that it is used.
    pub async fn token_by_hash(&self, secret_sha256: [u8; 32]) -> Result<Option<(Token, Rights)>> {
        self.sql.token_by_hash(secret_sha256).await
    }

    /// Whether the secret with this SHA-256 is that of a token that was taken back.
    pub async fn is_revoked(&self, secret_sha256: [u8; 32]) -> Result<bool> {
        self.sql.is_revoked(secret_sha256).await
    }

    /// What the role of a token allows and its owner may not do there, so that the token may not either.
    pub async fn withheld(&self, token: &Token) -> Result<Withheld> {
        self.sql.withheld(token.clone()).await
    }

    /// All tokens, revoked ones included, by name.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        self.sql.tokens().await
    }

    /// Takes a token back, for good.
    pub async fn revoke_token(&self, by: Option<&Actor>, user: &UserId) -> Result<()> {
        self.sql.revoke_token(by.cloned(), user.clone()).await
    }
}
