//! The body of a write: faults with their places or typed values, never a panic.
#![no_main]

use carnet_fuzz::VIEW;
use carnet_kernel::{JsonText, Value};
use carnet_records::validate::{Mode, Written, read_body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for resource in &VIEW.resources {
        for mode in [Mode::Whole, Mode::Patch] {
            let Ok(input) = read_body(resource, text, mode) else {
                continue;
            };
            for (_, written) in &input.fields {
                if let Written::Value(Value::Json(json)) | Written::Merge(json) = written {
                    let again = JsonText::parse(json.as_str()).expect("canonical text is JSON");
                    assert_eq!(&again, json, "canonical text is canonical");
                }
            }
        }
    }
});
