//! Embeds the templates anew when one is added or removed.

fn main() {
    println!("cargo:rerun-if-changed=../../templates");
}
