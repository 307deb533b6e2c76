//! Embeds the pages of `docs/errors`, so that a code explains itself without the repository.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let folder =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../docs/errors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages: Vec<PathBuf> = fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    pages.sort();
    let mut code = String::from("const PAGES: &[(&str, &str)] = &[\n");
    for page in pages {
        let stem = page
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        if stem != "README" && page.extension().is_some_and(|ending| ending == "md") {
            println!("cargo::rerun-if-changed={}", page.display());
            let _written = writeln!(
                code,
                "    ({stem:?}, include_str!({:?})),",
                page.display().to_string()
            );
        }
    }
    code.push_str("];\n");
    let target = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("error_pages.rs");
    if let Err(error) = fs::write(&target, code) {
        println!("cargo::error=cannot write {}: {error}", target.display());
    }
}
