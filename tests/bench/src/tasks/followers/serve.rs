//! The API in this process, over real connections: what the binary does, without its terminal.

use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_api::wire::{Fault, HubBackup, MakeHubBackup, PluginList, SigningKind, StoredHubArchive};
use ironcore_api::{
    ApiError, ApiParts, ApiState, HubBackups, Kept, Limits, PluginCatalog, SecretKeeper, SecretValue, Trials,
    new_secret,
};
use ironcore_egress::{Egress, EgressOptions, Secrets};
use ironcore_engine::{SigningSeed, Stores};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewToken, Role};
use ironcore_notify::TemplateError;
use ironcore_notify::links::LinkKey;
use ironcore_notify::trial::{Preview, Tested, Tried};
use ironcore_types::event::ErrorData;
use ironcore_types::objects::{Group, Handler};
use ironcore_types::{ProjectName, Seams, Timestamp, UserId};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Front;
use crate::place::user;

/// No plugins, no secrets, no copies of the hub and no trials: what is measured asks for none of them.
#[derive(Debug)]
struct Nothing;

impl PluginCatalog for Nothing {
    fn list(&self) -> PluginList {
        PluginList {
            plugins: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn check(&self, _: &Group) -> Vec<Fault> {
        Vec::new()
    }
}

impl SecretKeeper for Nothing {
    fn list(&self) -> Result<Vec<Kept>, ErrorData> {
        Ok(Vec::new())
    }

    fn set(&self, _: &str, _: SecretValue, _: Timestamp, _: &UserId) -> Result<bool, ErrorData> {
        Ok(false)
    }

    fn generate(&self, _: SigningKind) -> Result<SecretValue, ErrorData> {
        Ok(SecretValue(String::new()))
    }

    fn remove(&self, _: &str) -> Result<bool, ErrorData> {
        Ok(false)
    }

    fn seal_for(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, ErrorData> {
        Ok(Vec::new())
    }

    fn open_for(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, ErrorData> {
        Ok(None)
    }
}

impl HubBackups for Nothing {
    fn ask(&self, _: MakeHubBackup, _: &UserId) -> Result<String, ApiError> {
        Ok(String::new())
    }

    fn runs(&self) -> watch::Receiver<Vec<HubBackup>> {
        watch::channel(Vec::new()).1
    }

    fn archives(&self) -> Result<Vec<StoredHubArchive>, ErrorData> {
        Ok(Vec::new())
    }
}

impl Trials for Nothing {
    fn test(&self, _: Tried) -> BoxFuture<'_, Tested> {
        futures::future::pending().boxed()
    }

    fn preview(
        &self,
        _: Tried,
        _: Option<(String, String)>,
    ) -> BoxFuture<'_, Result<Preview, TemplateError>> {
        futures::future::pending().boxed()
    }

    fn lane(&self, _: Option<&ProjectName>, _: &Handler) -> String {
        String::new()
    }

    fn template_faults(&self) -> Vec<TemplateError> {
        Vec::new()
    }
}

/// A way out that nobody takes.
fn nowhere(seams: &Seams) -> Result<Egress> {
    let folder = tempfile::tempdir()?;
    let secrets = Secrets::open(&folder.path().join("secrets"), &folder.path().join("key"))?;
    Ok(Egress::new(EgressOptions::default(), secrets, seams.clone())?)
}

/// An API that answers until it is stopped.
pub(super) struct Served {
    pub(super) front: Front,
    stop: CancellationToken,
    serving: JoinSet<std::io::Result<()>>,
}

impl Served {
    pub(super) async fn start(ledger: &Ledger, seams: &Seams) -> Result<Self> {
        let stop = CancellationToken::new();
        let stores = Stores::new(ledger.clone(), SigningSeed([7; 32]), None, seams.clone());
        let router = ironcore_api::router(ApiState::new(ApiParts {
            ledger: ledger.clone(),
            stores,
            plugins: Arc::new(Nothing),
            backups: Arc::new(Nothing),
            secrets: Arc::new(Nothing),
            trials: Arc::new(Nothing),
            seams: seams.clone(),
            node: "hub-0".parse()?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shutdown: stop.clone(),
            links: LinkKey::derived(b"bench"),
            secure: false,
            certificate: None,
            oidc: ironcore_api::Oidc::new(Vec::new(), nowhere(seams)?, seams.clone()),
            demand: ironcore_api::Demand::default(),
            setup: None,
            limits: Limits::default(),
        }));
        let (token, secret_sha256) = new_secret()?;
        let new = NewToken {
            user: user()?,
            role: Role::Admin.into(),
            project: None,
            secret_sha256,
            comment: None,
            expires: None,
            actor: None,
        };
        ledger.create_token(None, new).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut serving = JoinSet::new();
        serving.spawn(ironcore_api::serve(listener, router, stop.clone()));
        Ok(Self {
            front: Front { url, token },
            stop,
            serving,
        })
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            ended??;
        }
        Ok(())
    }
}
