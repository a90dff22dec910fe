//! Verbs of the inbox: every event of a scope, and what its users make of it.

use ironcore_types::{EventId, Timestamp, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{
    Acknowledged, InboxEntry, InboxFilter, InboxItem, InboxPage, Mute, NewMute, Page, Scope, UnreadCounts,
};

impl Ledger {
    /// A page of the inbox of `user`, newest first: every event of the scope that passes the filter, whatever was
    /// delivered outside. What the user mutes is there, but never unread.
    pub async fn inbox(
        &self,
        scope: &Scope,
        user: &UserId,
        filter: &InboxFilter,
        page: &Page,
    ) -> Result<InboxPage> {
        self.sql
            .inbox(scope.clone(), user.clone(), filter.clone(), page.clone())
            .await
    }

    /// One line of the inbox of `user`, by the place of its event.
    pub async fn inbox_item(&self, scope: &Scope, user: &UserId, seq: i64) -> Result<Option<InboxItem>> {
        self.sql.inbox_item(scope.clone(), user.clone(), seq).await
    }

    /// How many entries of the scope `user` has not read and does not mute.
    pub async fn inbox_unread(&self, scope: &Scope, user: &UserId) -> Result<UnreadCounts> {
        self.sql.inbox_unread(scope.clone(), user.clone()).await
    }

    /// How a plugin shows an event.
    pub async fn entry_of(&self, event: EventId) -> Result<Option<InboxEntry>> {
        self.sql.entry_of(event).await
    }

    /// Marks events as read (or not) for `user`, by their places. Events outside the scope are left alone. Returns how
    /// many changed.
    pub async fn mark_read(&self, scope: &Scope, user: &UserId, seqs: &[i64], read: bool) -> Result<u64> {
        self.sql
            .mark_read(scope.clone(), user.clone(), seqs.to_vec(), read)
            .await
    }

    /// Marks every event of the scope up to `seq` as read for `user`. Returns how many changed.
    pub async fn mark_all_read(&self, scope: &Scope, user: &UserId, seq: i64) -> Result<u64> {
        self.sql.mark_all_read(scope.clone(), user.clone(), seq).await
    }

    /// `user` takes an event of the scope on, for everybody who sees it; for `user` it is read then. Incidents of the
    /// scope that it joined and that last are acknowledged with it, and so is what else joined them. The first counts: the
    /// answer says who that was, and whether it is so since now. None when there is no such entry.
    pub async fn acknowledge(
        &self,
        scope: &Scope,
        user: &UserId,
        seq: i64,
    ) -> Result<Option<(Acknowledged, bool)>> {
        self.sql.acknowledge_event(scope.clone(), user.clone(), seq).await
    }

    /// What `user` mutes, oldest first.
    pub async fn mutes(&self, user: &UserId) -> Result<Vec<Mute>> {
        self.sql.mutes(user.clone()).await
    }

    /// Mutes something for `user`; what is muted so already has the rule that it had. Conflict when there are
    /// [`INBOX_MUTES`](crate::INBOX_MUTES) rules. A rule that would mute everything is the caller's to refuse.
    pub async fn mute(&self, user: &UserId, rule: &NewMute) -> Result<Mute> {
        self.sql.mute(user.clone(), rule.clone()).await
    }

    /// Takes a rule of `user` back; false when there is none of that number.
    pub async fn unmute(&self, user: &UserId, number: i64) -> Result<bool> {
        self.sql.unmute(user.clone(), number).await
    }

    /// Takes the oldest entries out of the inbox that are of a time before `before`, with all that users made of them; the
    /// events themselves stay. Each call takes a part of them; 0 when there are no more.
    pub async fn forget_inbox(&self, before: Timestamp) -> Result<u64> {
        self.sql.forget_inbox(before).await
    }
}
