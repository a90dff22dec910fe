//! Messages that are being sent go on being so only as long as their sender says which ones it holds: one that got lost
//! on the way to it, or whose attempt ended without a word, is handed out again.

use ironcore_types::{MessageId, SessionId};

use crate::db::{sql, words};
use crate::error::Result;
use crate::sql::Sql;
use crate::sql::tx::Tx;

impl Tx {
    async fn renew_sender(&mut self, session: SessionId, held: &[MessageId]) -> Result<bool> {
        let alive = self.renew_session(session).await?;
        if !held.is_empty() {
            let ids: Vec<String> = held.iter().map(ToString::to_string).collect();
            sql("UPDATE messages SET lease_until = $1
                 WHERE state = 'sending' AND session = $2 AND id IN LIST($3)")
            .bind(self.lease_end().as_micros())
            .bind(session.to_string())
            .bind(words(ids.iter().map(String::as_str)))
            .execute(&mut self.conn)
            .await?;
        }
        Ok(alive)
    }
}

impl Sql {
    pub(crate) async fn renew_sender(&self, session: SessionId, held: Vec<MessageId>) -> Result<bool> {
        self.write_unguarded(move |tx| Box::pin(async move { tx.renew_sender(session, &held).await }))
            .await
    }
}
