//! The files of a new project. Pure.

use super::{File, fill, names};

/// Where the dependency `carnet` comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The folder of the crate `carnet`.
    Path(String),
    /// The address of a git repository.
    Git(String),
}

impl Origin {
    /// The dependency as a manifest writes it.
    fn dependency(&self, features: &str) -> String {
        let (key, value) = match self {
            Self::Path(path) => ("path", path),
            Self::Git(url) => ("git", url),
        };
        let value = toml::Value::String(value.clone());
        format!("{{ {key} = {value}{features} }}")
    }
}

/// Each path with its template.
const TEMPLATES: [(&str, &str); 11] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", include_str!("template/gitignore.txt")),
    ("build.rs", include_str!("template/build.rs.txt")),
    (
        "definitions/carnet.yaml",
        include_str!("template/carnet.yaml.txt"),
    ),
    (
        "definitions/notes.yaml",
        include_str!("template/notes.yaml.txt"),
    ),
    ("src/main.rs", include_str!("template/main.rs.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/logic/mod.rs", include_str!("template/logic.rs.txt")),
    (
        "src/logic/notes_create.rs",
        include_str!("template/notes_create.rs.txt"),
    ),
    ("tests/notes.rs", include_str!("template/notes_test.rs.txt")),
];

/// The files of a project of this name, which was found good.
pub(crate) fn files(name: &str, carnet: &Origin) -> Vec<File> {
    let library = names::library(name);
    let service = names::service(name);
    let dependency = carnet.dependency("");
    let testing = carnet.dependency(", features = [\"testing\"]");
    let gaps = [
        ("name", name),
        ("library", library.as_str()),
        ("service", service.as_str()),
        ("rust", env!("CARGO_PKG_RUST_VERSION")),
        ("carnet", dependency.as_str()),
        ("carnet_testing", testing.as_str()),
    ];
    TEMPLATES
        .iter()
        .map(|(path, template)| File {
            path: (*path).to_owned(),
            text: fill(template, &gaps),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::{Source, compile};

    fn text(files: &[File], path: &str) -> String {
        let file = files.iter().find(|file| file.path == path);
        file.unwrap().text.clone()
    }

    #[test]
    fn every_gap_is_filled() {
        for file in files("my-shop", &Origin::Path("/carnet".to_owned())) {
            assert!(!file.text.contains("{{"), "{}: {}", file.path, file.text);
            assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"));
        }
    }

    #[test]
    fn manifests_take_every_path_and_address() {
        let odd = "/a \"quoted\" \\ path".to_owned();
        let manifest = text(&files("shop", &Origin::Path(odd.clone())), "Cargo.toml");
        let table: toml::Table = manifest.parse().unwrap();
        assert_eq!(
            table["dependencies"]["carnet"]["path"].as_str(),
            Some(odd.as_str())
        );
        let url = "https://example.org/carnet.git";
        let manifest = text(&files("shop", &Origin::Git(url.to_owned())), "Cargo.toml");
        let table: toml::Table = manifest.parse().unwrap();
        let carnet = &table["dev-dependencies"]["carnet"];
        assert_eq!(carnet["git"].as_str(), Some(url));
        assert_eq!(carnet["features"][0].as_str(), Some("testing"));
    }

    #[test]
    fn the_definitions_compile_without_a_warning() {
        let mut sources = carnet_records::definitions();
        for file in files("my-shop", &Origin::Path(String::new())) {
            if file.path.starts_with("definitions/") {
                sources.push(Source::application(file.path, file.text));
            }
        }
        let compiled = compile(&sources).unwrap();
        assert_eq!(compiled.warnings, []);
        let notes = compiled.model.resource_named("notes").unwrap();
        assert_eq!(notes.service, "myShop");
    }
}
