//! The adapter of the contract's version 0.1: its bindings, and how its calls become the host's.

mod convert;
mod imports;

use ironcore_types::Event;
use ironcore_types::event::Tip;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::call::Call;
use crate::delivery::{DeliverOutcome, Delivery};
use crate::grants::{Capability, Grants};
use crate::manifest::Manifest;

pub(crate) mod bindings {
    //! What wasmtime makes of `sdk/wit/v0.1`.

    wasmtime::component::bindgen!({
        path: "../../sdk/wit/v0.1",
        world: "plugin",
        imports: {
            "ironcore:plugin/http.send": async,
            "ironcore:plugin/mail.send": async,
            "ironcore:plugin/kv.get": async,
            "ironcore:plugin/templates.render": async,
        },
        exports: { default: async },
    });
}

use bindings::exports::ironcore::plugin::{advise, deliver};
use bindings::ironcore::plugin as interfaces;

const PACKAGE: &str = "ironcore:plugin/";

/// A plugin that is ready to be instantiated.
pub(crate) struct Ready {
    pre: InstancePre<Call>,
    deliver: Option<deliver::GuestIndices>,
    advise: Option<advise::GuestIndices>,
}

/// What an import of a component is to this version of the contract.
pub(crate) enum Import {
    /// Its words; always there.
    Words,
    /// A capability.
    Capability(Capability),
    /// Not of the contract.
    Foreign,
}

/// Looks at the name of an import, such as `ironcore:plugin/http@0.1.0`.
pub(crate) fn import(name: &str) -> Import {
    let Some(interface) = name
        .strip_prefix(PACKAGE)
        .map(|rest| rest.split('@').next().unwrap_or(rest))
    else {
        return Import::Foreign;
    };
    match interface.parse() {
        Ok(capability) => Import::Capability(capability),
        Err(_) if interface == "types" => Import::Words,
        Err(_) => Import::Foreign,
    }
}

/// Links what is granted, checks every type, and finds the exports.
pub(crate) fn prepare(
    engine: &Engine,
    component: &Component,
    manifest: &Manifest,
    grants: &Grants,
) -> wasmtime::Result<Ready> {
    let mut linker: Linker<Call> = Linker::new(engine);
    let l = &mut linker;
    crate::wasi::add_to_linker(l)?;
    interfaces::types::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?;
    for capability in grants.iter() {
        match capability {
            Capability::Http => interfaces::http::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
            Capability::Mail => interfaces::mail::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
            Capability::Inbox => interfaces::inbox::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
            Capability::Metrics => interfaces::metrics::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
            Capability::Templates => {
                interfaces::templates::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?
            }
            Capability::Kv => interfaces::kv::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
            Capability::Log => interfaces::log::add_to_linker::<_, HasSelf<Call>>(l, |call| call)?,
        }
    }
    let pre = linker.instantiate_pre(component)?;
    let deliver = manifest
        .delivers
        .then(|| deliver::GuestIndices::new(&pre))
        .transpose()?;
    let advise = manifest
        .advises
        .then(|| advise::GuestIndices::new(&pre))
        .transpose()?;
    Ok(Ready { pre, deliver, advise })
}

impl Ready {
    /// Delivers in a fresh instance.
    pub(crate) async fn deliver(
        &self,
        store: &mut Store<Call>,
        delivery: &Delivery,
    ) -> wasmtime::Result<DeliverOutcome> {
        let indices = self
            .deliver
            .as_ref()
            .ok_or_else(|| wasmtime::Error::msg("the plugin does not deliver"))?;
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let answer = guest
            .call_deliver(&mut *store, &convert::delivery(delivery))
            .await?;
        Ok(convert::outcome(answer))
    }

    /// Asks for advice in a fresh instance.
    pub(crate) async fn advise(
        &self,
        store: &mut Store<Call>,
        event: &Event,
        manifest: &Manifest,
    ) -> wasmtime::Result<Vec<Tip>> {
        let indices = self
            .advise
            .as_ref()
            .ok_or_else(|| wasmtime::Error::msg("the plugin does not advise"))?;
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let tips = guest.call_advise(&mut *store, &convert::event(event)).await?;
        Ok(convert::tips(tips, &manifest.name))
    }
}
