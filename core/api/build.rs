//! Checks that the dashboard was built: its files are embedded into this crate.

fn main() {
    let page = std::path::Path::new("../dashboard/dist/index.html");
    println!("cargo::rerun-if-changed=../dashboard/dist");
    if !page.is_file() {
        println!("cargo::error=core/dashboard/dist is missing: run cargo xtask build");
    }
}
