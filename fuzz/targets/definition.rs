//! A definition file: a diagnostic or a model, never a panic; what compiles can be stored and read.
#![no_main]

use carnet_model::{Source, compile, compile_stored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = if text.starts_with('{') {
        "definition.json"
    } else {
        "definition.yaml"
    };
    if let Ok(compiled) = compile(&[Source::application(path, text)]) {
        let stored = compiled.model.definition.clone();
        let again = compile_stored(&stored).expect("a stored definition compiles");
        assert_eq!(again.definition, stored, "storing changes nothing");
    }
});
