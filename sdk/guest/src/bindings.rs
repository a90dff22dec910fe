//! What wit-bindgen makes of `sdk/wit/v0.1`. The WIT files hold the documentation.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated; calls across the component boundary are unsafe by nature"
)]

wit_bindgen::generate!({
    path: "../wit/v0.1",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "ironcore_plugin::bindings",
    additional_derives: [PartialEq],
});
