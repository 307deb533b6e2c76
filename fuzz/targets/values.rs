//! Values as text: what is written is read back as the same value.
#![no_main]

use carnet_kernel::{Decimal, Id, JsonText, text, time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    if let Ok(json) = JsonText::parse(input) {
        assert_eq!(JsonText::parse(json.as_str()).ok(), Some(json));
    }
    if let Ok(decimal) = Decimal::parse(input, 18, 6) {
        let mut out = String::new();
        decimal.write(&mut out);
        assert_eq!(Decimal::parse(&out, 18, 6).ok(), Some(decimal));
    }
    if let Ok(id) = input.parse::<Id>() {
        assert_eq!(id.to_string().parse::<Id>().ok(), Some(id));
        assert_eq!(Id::parse_uuid(&id.to_uuid_text()).ok(), Some(id));
    }
    if let Ok(days) = time::parse_date(input) {
        let mut out = String::new();
        time::write_date(days, &mut out);
        assert_eq!(time::parse_date(&out).ok(), Some(days));
    }
    if let Ok(micros) = time::parse_time(input) {
        let mut out = String::new();
        time::write_time(micros, &mut out);
        assert_eq!(time::parse_time(&out).ok(), Some(micros));
    }
    if let Ok(micros) = time::parse_date_time(input) {
        let out = time::format_date_time(micros);
        assert_eq!(time::parse_date_time(&out).ok(), Some(micros));
    }
    if let Ok(micros) = time::parse_duration(input) {
        let mut out = String::new();
        time::write_duration(micros, &mut out);
        assert_eq!(time::parse_duration(&out).ok(), Some(micros));
    }
    // Folding composes before it folds, not after, so it need not settle: `ß` before a combining mark
    // folds to `ss` before it, which composes the next time.
    if input.is_ascii() {
        assert_eq!(text::fold(input), input.to_ascii_lowercase());
    } else {
        text::fold(input);
    }
});
