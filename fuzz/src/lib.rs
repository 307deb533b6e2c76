//! What the targets share: one definition that uses the whole language.

use carnet_model::{ModelView, Source, compile};
use std::sync::{Arc, LazyLock};

/// The definition that queries and bodies are read against.
pub const DEFINITION: &str = include_str!("../definition.yaml");

/// Its view.
///
/// # Panics
///
/// When the definition of this folder does not compile.
pub static VIEW: LazyLock<ModelView> = LazyLock::new(|| {
    let source = Source::application("definition.yaml", DEFINITION);
    match compile(&[source]) {
        Ok(compiled) => ModelView::new(Arc::new(compiled.model)),
        Err(problems) => panic!("{problems:#?}"),
    }
});
