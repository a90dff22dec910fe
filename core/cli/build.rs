//! Says what to do when the plugins that the binary carries have not been built.

use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/plugins");
    for name in ["email", "webhook", "inbox", "remediation", "metrics"] {
        let path = folder.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", path.display());
        if !path.exists() {
            println!("cargo::error=build/plugins/{name}.wasm is missing: run cargo xtask build");
        }
    }
}
