//! Verbs of users, roles and grants. The ledger keeps hashes of passwords and sealed second factors; it checks neither.

use ironcore_types::{ProjectName, Rights, RoleName, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Actor, Credentials, Elsewhere, Grant, NewUser, RoleRow, User, UserChange};

impl Ledger {
    /// Makes a user with these roles, each on a project or on the whole hub. `conflict` when there is one of that name.
    pub async fn create_user(
        &self,
        by: Option<&Actor>,
        new: NewUser,
        grants: Vec<(RoleName, Option<ProjectName>)>,
    ) -> Result<User> {
        self.sql.create_user(by.cloned(), new, grants).await
    }

    /// Whether there is a user who may say who may do what on the whole hub.
    pub async fn is_set_up(&self) -> Result<bool> {
        self.sql.is_set_up().await
    }

    /// Makes the first such user. `conflict` when there is one.
    pub async fn set_up(&self, by: &Actor, new: NewUser) -> Result<User> {
        self.sql.set_up(by.clone(), new).await
    }

    /// An identity provider has sent somebody: makes the user where that is wanted, and fits the roles that came with groups.
    /// `not-found` when there is no such user, `conflict` when it is somebody else at its provider.
    pub async fn sign_in_elsewhere(&self, by: &Actor, who: Elsewhere) -> Result<()> {
        self.sql.sign_in_elsewhere(by.clone(), who).await
    }

    /// Changes a user. Another password, or that it may not sign in any more, ends what it is signed in with.
    /// `conflict` when nobody would be left who may say who may do what.
    pub async fn change_user(&self, by: &Actor, user: &UserId, change: UserChange) -> Result<User> {
        self.sql.change_user(by.clone(), user.clone(), change).await
    }

    /// Removes a user with its grants, and revokes its tokens.
    pub async fn remove_user(&self, by: &Actor, user: &UserId) -> Result<()> {
        self.sql.remove_user(by.clone(), user.clone()).await
    }

    /// All users with their grants, by name.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.sql.users(None).await
    }

    /// A user with its grants.
    pub async fn user(&self, user: &UserId) -> Result<Option<User>> {
        Ok(self.sql.users(Some(user.clone())).await?.pop())
    }

    /// What is asked of who signs in by this name.
    pub async fn credentials(&self, user: &UserId) -> Result<Option<Credentials>> {
        self.sql.credentials(user.clone()).await
    }

    /// Keeps a sealed second factor, which is not asked for before [`confirm_factor`](Self::confirm_factor). `conflict`
    /// when the user has one.
    pub async fn propose_factor(&self, by: &Actor, user: &UserId, sealed: Vec<u8>) -> Result<()> {
        self.sql.propose_factor(by.clone(), user.clone(), sealed).await
    }

    /// The user has shown the code of this time step: from now on one is asked for, or one of the recovery codes with
    /// these SHA-256, each of which is good once.
    pub async fn confirm_factor(
        &self,
        by: &Actor,
        user: &UserId,
        step: i64,
        recovery: Vec<[u8; 32]>,
    ) -> Result<()> {
        self.sql
            .confirm_factor(by.clone(), user.clone(), step, recovery)
            .await
    }

    /// Takes the second factor away, and ends what the user is signed in with. Of who has none nothing is taken.
    pub async fn remove_factor(&self, by: &Actor, user: &UserId) -> Result<()> {
        self.sql.remove_factor(by.clone(), user.clone()).await
    }

    /// Whether the user has the recovery code with this SHA-256 (still).
    pub async fn has_recovery_code(&self, user: &UserId, sha256: [u8; 32]) -> Result<bool> {
        self.sql.has_recovery_code(user.clone(), sha256).await
    }

    /// Makes a role, or changes it; tells `config.role-created` of a new one. `conflict` for those that every hub has.
    pub async fn put_role(
        &self,
        by: &Actor,
        name: &RoleName,
        rights: Rights,
        comment: Option<String>,
    ) -> Result<RoleRow> {
        self.sql.put_role(by.clone(), name.clone(), rights, comment).await
    }

    /// Removes a role that nobody has.
    pub async fn remove_role(&self, by: &Actor, name: &RoleName) -> Result<()> {
        self.sql.remove_role(by.clone(), name.clone()).await
    }

    /// All roles: those that every hub has first.
    pub async fn roles(&self) -> Result<Vec<RoleRow>> {
        self.sql.roles().await
    }

    /// Gives a user a role on a project, or on the whole hub, and tells `config.permission-granted`.
    pub async fn make_grant(
        &self,
        by: Option<&Actor>,
        user: &UserId,
        role: &RoleName,
        project: Option<&ProjectName>,
    ) -> Result<Grant> {
        self.sql
            .make_grant(by.cloned(), user.clone(), role.clone(), project.cloned())
            .await
    }

    /// Takes a role away, and ends what the user is signed in with by it.
    pub async fn take_grant(
        &self,
        by: &Actor,
        user: &UserId,
        role: &RoleName,
        project: Option<&ProjectName>,
    ) -> Result<()> {
        self.sql
            .take_grant(by.clone(), user.clone(), role.clone(), project.cloned())
            .await
    }
}
