//! Tells cargo that the embedded migrations are sources too.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
