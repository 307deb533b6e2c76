//! The definitions this crate ships: the journal for reading, and the sets an application takes
//! by `use`.

use carnet_model::{Origin, Source};

/// `journal` (always there) and the set `settings` (`settings`, `platformSettings`).
pub fn definitions() -> Vec<Source> {
    let shipped = |set, path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
        origin: Origin::Shipped { set },
    };
    vec![
        shipped(
            "",
            "carnet/journal.yaml",
            include_str!("../definitions/journal.yaml"),
        ),
        shipped(
            "settings",
            "carnet/settings.yaml",
            include_str!("../definitions/settings.yaml"),
        ),
    ]
}
