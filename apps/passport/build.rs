//! Lets cargo notice files that are added to or taken from the embedded folders.

fn main() {
    println!("cargo::rerun-if-changed=definitions");
    println!("cargo::rerun-if-changed=seeds");
}
