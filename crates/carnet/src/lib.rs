#![doc = include_str!("../README.md")]

pub mod domain;
mod embedded;
pub mod module;
mod platform;
pub mod prelude;
pub mod routes;
#[cfg(feature = "testing")]
pub mod testing;

pub use carnet_kernel::{ByteSize, Context, Period, Principal, PrincipalKind, Secret};
pub use carnet_macros::Record;
pub use carnet_model::Operation;
pub use carnet_records::logic::{
    Body, Call, Component, Fits, Found, FromCall, Hook, IntoReply, Json, Needs, Point, Record,
    RecordField, Reply, Repo, Repository, Request, Response, Search, after, after_commit,
    after_validate, before, before_validate, late, refusing,
};
pub use embedded::{Embedded, embedded};
pub use module::{Handle, HttpAnswer, HttpClient, HttpError, Metrics, Module, Outside};
pub use platform::{Builder, Platform};
pub use routes::{Http, Problem, Routes, Stage};

/// The first API version: `/api/v1`.
#[expect(non_upper_case_globals, reason = "as it is written in addresses")]
pub const v1: u16 = 1;
/// The second API version: `/api/v2`.
#[expect(non_upper_case_globals, reason = "as it is written in addresses")]
pub const v2: u16 = 2;

/// What [`embed!`], [`allocator!`] and [`value_object!`] expand to.
#[doc(hidden)]
pub use {mimalloc, rust_embed, serde};

/// The examples of the guides, compiled and run with those of this crate.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/guide/domain.md")]
    mod domain {}

    #[doc = include_str!("../../../docs/guide/errors.md")]
    mod errors {}

    #[doc = include_str!("../../../docs/guide/logic.md")]
    mod logic {}

    #[doc = include_str!("../../../docs/guide/modules.md")]
    mod modules {}
}

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
