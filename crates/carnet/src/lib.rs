#![doc = include_str!("../README.md")]

mod embedded;
mod platform;
pub mod prelude;

pub use embedded::{Embedded, embedded};
pub use platform::{Builder, Platform};

/// What [`embed!`] and [`allocator!`] expand to.
#[doc(hidden)]
pub use {mimalloc, rust_embed};

/// A folder built into the binary; the path begins at the folder of the application's `Cargo.toml`.
///
/// ```
/// let folder = carnet::embed!("../../examples/hello/definitions");
/// assert!(folder.files().iter().any(|(path, _)| path == "hello.yaml"));
/// ```
#[macro_export]
macro_rules! embed {
    ($folder:tt) => {{
        #[derive($crate::rust_embed::RustEmbed)]
        #[crate_path = "::carnet::rust_embed"]
        #[folder = $folder]
        struct Folder;

        $crate::embedded::<Folder>()
    }};
}

/// Makes mimalloc the allocator of a binary: measured faster than the system's for a server that
/// answers many small requests. Stands once, in the binary's `main.rs`.
#[macro_export]
macro_rules! allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::mimalloc::MiMalloc = $crate::mimalloc::MiMalloc;
    };
}
