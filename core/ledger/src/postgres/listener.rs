//! Hearing from other hubs: one connection that waits for `NOTIFY` and rings the bells of this process.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::CONNECT;
use crate::sql::{Bells, Woken};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// One connection that listens.
pub(crate) struct Listener {
    connect: PgConnectOptions,
    channel: String,
    /// This opening: its own bells were rung when it committed.
    instance: String,
    inner: PgListener,
}

impl Listener {
    pub(super) async fn start(
        connect: PgConnectOptions,
        channel: String,
        instance: Uuid,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            inner: listen(&connect, &channel).await?,
            connect,
            channel,
            instance: instance.to_string(),
        })
    }

    /// Listens until it is dropped. A connection that breaks is made again; what was told meanwhile nobody knows, so
    /// every bell rings then.
    pub(crate) async fn run(mut self, bells: Arc<Bells>) {
        loop {
            let Err(error) = self.hear(&bells).await;
            warn!(%error, "the connection that listens to other hubs broke");
            while let Err(error) = self.restart().await {
                debug!(%error, "the connection that listens to other hubs does not come about");
                tokio::time::sleep(PAUSE).await;
            }
            info!("the connection that listens to other hubs is back");
            bells.ring(Woken::ALL);
        }
    }

    async fn restart(&mut self) -> Result<(), sqlx::Error> {
        self.inner = listen(&self.connect, &self.channel).await?;
        Ok(())
    }

    async fn hear(&mut self, bells: &Bells) -> Result<Infallible, sqlx::Error> {
        loop {
            let Some(told) = self.inner.try_recv().await? else {
                return Err(sqlx::Error::Io(io::ErrorKind::ConnectionAborted.into()));
            };
            match told.payload().split_once(' ') {
                Some((instance, _)) if instance == self.instance => {}
                Some((_, letters)) => bells.ring(Woken::of_letters(letters)),
                None => bells.ring(Woken::ALL),
            }
        }
    }
}

async fn listen(connect: &PgConnectOptions, channel: &str) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(CONNECT)
        .connect_lazy_with(connect.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}
