//! Verbs of signing in, and of what is written down of changes.

use std::net::IpAddr;
use std::time::Duration;

use ironcore_types::{ProjectName, RoleName, Timestamp, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Actor, AuditFilter, AuditPage, Change, LockPolicy, Login, NewLogin};

impl Ledger {
    /// Until when nobody may sign in by this name, whether there is such a user or not.
    pub async fn locked_until(&self, user: &UserId) -> Result<Option<Timestamp>> {
        self.sql.locked_until(user.clone()).await
    }

    /// An attempt to sign in failed: tells `auth.login-failed`, and `auth.locked-out` when it was one too many. Says until
    /// when the name is locked, if it is.
    pub async fn login_failed(
        &self,
        user: &UserId,
        address: Option<IpAddr>,
        policy: LockPolicy,
    ) -> Result<Option<Timestamp>> {
        self.sql.login_failed(user.clone(), address, policy).await
    }

    /// Somebody has shown the password, and goes on to the second factor with the secret of this SHA-256, for so long.
    pub async fn begin_step(&self, user: &UserId, sha256: [u8; 32], lasts: Duration) -> Result<()> {
        self.sql.begin_step(user.clone(), sha256, lasts).await
    }

    /// Who goes on with the secret of this SHA-256, as long as it is good.
    pub async fn step_user(&self, sha256: [u8; 32]) -> Result<Option<UserId>> {
        self.sql.step_user(sha256).await
    }

    /// Somebody has proved who it is. It begins with the user's strongest grant. `fenced` when the code of the second
    /// factor, the recovery code or the step to it was used before, `not-found` when the user may do nothing here.
    pub async fn create_login(&self, new: NewLogin) -> Result<Login> {
        self.sql.create_login(new).await
    }

    /// Who uses the secret with this SHA-256, as long as it is good. Notes that it is used.
    pub async fn login_by_hash(&self, secret_sha256: [u8; 32]) -> Result<Option<Login>> {
        self.sql.login_by_hash(secret_sha256).await
    }

    /// Goes on with another of the user's grants. False when it has no such grant.
    pub async fn switch_login(
        &self,
        secret_sha256: [u8; 32],
        role: &RoleName,
        project: Option<&ProjectName>,
    ) -> Result<bool> {
        self.sql
            .switch_login(secret_sha256, role.clone(), project.cloned())
            .await
    }

    /// Signs out. False when that was so before.
    pub async fn end_login(&self, secret_sha256: [u8; 32]) -> Result<bool> {
        self.sql.end_login(secret_sha256).await
    }

    /// What a user is signed in with, the newest first.
    pub async fn logins(&self, user: &UserId) -> Result<Vec<Login>> {
        self.sql.logins(user.clone()).await
    }

    /// Forgets some of what is over; to be called until it says 0.
    pub async fn forget_logins(&self) -> Result<u64> {
        self.sql.forget_logins().await
    }

    /// Writes down a change of what is not in the ledger.
    pub async fn record_change(&self, by: &Actor, change: Change) -> Result<()> {
        self.sql.record_change(by.clone(), change).await
    }

    /// A page of changes, the newest first.
    pub async fn audit(&self, filter: AuditFilter, limit: u32) -> Result<AuditPage> {
        self.sql.audit_page(filter, limit).await
    }

    /// Forgets some changes that are older than [`AUDIT_KEPT`](crate::AUDIT_KEPT); to be called until it says 0.
    pub async fn forget_audit(&self) -> Result<u64> {
        self.sql.forget_audit().await
    }
}
