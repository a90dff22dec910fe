//! The trait that a plugin implements, and the macro that makes a component of it.

use crate::{Delivery, Event, Failure, Host, Imports, Receipt, Tip};

/// A plugin. Implement what its manifest exports; the defaults stand for what it does not.
pub trait Plugin {
    /// Delivers one message.
    ///
    /// # Errors
    /// [`Failure`] says whether it is worth trying again.
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let (_, _) = (host, delivery);
        Err(Failure::rejected("plugin.load", "this plugin does not deliver"))
    }

    /// Gives advice about one event; nothing when it knows nothing.
    fn advise(host: &impl Host, event: &Event) -> Vec<Tip> {
        let (_, _) = (host, event);
        Vec::new()
    }
}

/// Calls a plugin with the real host.
#[doc(hidden)]
pub fn deliver<P: Plugin>(delivery: &Delivery) -> Result<Receipt, Failure> {
    P::deliver(&Imports, delivery)
}

/// Calls a plugin with the real host.
#[doc(hidden)]
pub fn advise<P: Plugin>(event: &Event) -> Vec<Tip> {
    P::advise(&Imports, event)
}

/// Makes a component of a [`Plugin`]: exports its functions, and puts `plugin.toml`, which lies beside `Cargo.toml`,
/// into the custom section where the hub looks for it. Expands to nothing when not built for WebAssembly.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const MANIFEST_BYTES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"));

            #[used]
            #[unsafe(link_section = "ironcore:manifest")]
            static MANIFEST: [u8; MANIFEST_BYTES.len()] =
                *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"));

            struct Component;

            impl $crate::bindings::exports::ironcore::plugin::deliver::Guest for Component {
                fn deliver(delivery: $crate::Delivery) -> Result<$crate::Receipt, $crate::Failure> {
                    $crate::rt::deliver::<$plugin>(&delivery)
                }
            }

            impl $crate::bindings::exports::ironcore::plugin::advise::Guest for Component {
                fn advise(event: $crate::Event) -> Vec<$crate::Tip> {
                    $crate::rt::advise::<$plugin>(&event)
                }
            }

    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}
