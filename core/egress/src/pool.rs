//! Idle SMTP connections, a pool for each server, address and credential, and how many may be open at a time.
//!
//! A connection is lent out for one mail and comes back only by [`Lease::give_back`]: one that was dropped midway
//! never does. Speaking the protocol is [`crate::smtp`]'s part.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use ironcore_types::Moment;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::EgressError;
use crate::failure::Failure;
use crate::server::{SmtpServer, SmtpTls};

/// Servers commonly hang up after a minute or more; a connection this fresh is worth a try.
const MAX_IDLE: Duration = Duration::from_secs(45);
/// Connections to one server, address and credential. Servers commonly allow 20 to 50 from one client.
const MAX_OPEN: usize = 8;

/// What must be the same for a connection to be used again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    host: String,
    address: IpAddr,
    port: u16,
    tls: SmtpTls,
    /// Of the login and the authority, so that a changed password or authority starts anew.
    credential: [u8; 32],
}

impl PoolKey {
    pub(crate) fn new(server: &SmtpServer, address: IpAddr, password: Option<&str>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        let user = server
            .auth
            .as_ref()
            .map(|a| format!("{:?} {}", a.mechanism, a.user));
        for part in [user.as_deref(), password, server.ca_pem.as_deref()] {
            let part = part.unwrap_or_default();
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut credential = [0; 32];
        credential.copy_from_slice(context.finish().as_ref());
        Self {
            host: server.host.clone(),
            address,
            port: server.port,
            tls: server.tls,
            credential,
        }
    }
}

struct Pool {
    tls: TlsParameters,
    open: Arc<Semaphore>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Moment)>>,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Moment)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_stale(&self, now: Moment) {
        self.idle().retain(|(_, since)| now.since(*since) < MAX_IDLE);
    }

    fn unused(&self) -> bool {
        self.open.available_permits() == MAX_OPEN && self.idle().is_empty()
    }
}

/// All pools of a hub.
#[derive(Default)]
pub(crate) struct Pools {
    pools: Mutex<HashMap<PoolKey, Arc<Pool>>>,
}

impl Pools {
    fn pools(&self) -> MutexGuard<'_, HashMap<PoolKey, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to hold one connection, once one is free, and how to secure it.
    pub(crate) async fn lease(
        &self,
        key: PoolKey,
        tls: impl FnOnce() -> Result<TlsParameters, EgressError>,
    ) -> Result<(Lease, TlsParameters), Failure> {
        let known = self.pools().get(&key).cloned();
        let pool = match known {
            Some(pool) => pool,
            None => {
                let pool = Pool {
                    tls: tls()?,
                    open: Arc::new(Semaphore::new(MAX_OPEN)),
                    idle: Mutex::default(),
                };
                Arc::clone(self.pools().entry(key).or_insert_with(|| Arc::new(pool)))
            }
        };
        let permit = Arc::clone(&pool.open).acquire_owned().await;
        let permit = permit.map_err(|_| Failure::lane("the hub is stopping"))?;
        let tls = pool.tls.clone();
        Ok((
            Lease {
                pool,
                _permit: permit,
            },
            tls,
        ))
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self, now: Moment) {
        self.pools().retain(|_, pool| {
            pool.drop_stale(now);
            // One that is lent out right now has another owner than this map.
            Arc::strong_count(pool) > 1 || !pool.unused()
        });
    }

    /// Takes leave of all servers, for at most two seconds.
    pub(crate) async fn close(&self) {
        let pools: Vec<_> = self.pools().drain().map(|(_, pool)| pool).collect();
        let idle: Vec<_> = pools
            .iter()
            .flat_map(|pool| std::mem::take(&mut *pool.idle()))
            .collect();
        let leaving = futures::future::join_all(idle.into_iter().map(|(mut connection, _)| async move {
            if let Err(error) = connection.quit().await {
                tracing::debug!(%error, "a mail server did not say goodbye");
            }
        }));
        if tokio::time::timeout(Duration::from_secs(2), leaving)
            .await
            .is_err()
        {
            tracing::debug!("some mail servers did not say goodbye in time");
        }
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools")
            .field("pools", &self.pools().len())
            .finish()
    }
}

/// The right to hold one connection.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// The connection that was used last, if it is fresh enough.
    pub(crate) fn take_idle(&mut self, now: Moment) -> Option<AsyncSmtpConnection> {
        self.pool.drop_stale(now);
        self.pool.idle().pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection that is ready for the next mail.
    pub(crate) fn give_back(&mut self, connection: AsyncSmtpConnection, now: Moment) {
        self.pool.idle().push((connection, now));
    }
}
