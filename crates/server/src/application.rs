//! What is served: built-in or given definitions and seeds, read and compiled. Not the database.

use crate::config::{Config, Loaded};
use crate::error::Failure;
use carnet_model::{Compiled, Diagnostic, Model, Severity, Source, compile as compile_sources};
use carnet_records::logic::{Logics, Registry};
use carnet_records::seed::{self, SeedFile, SeedSet};
use std::path::{Path, PathBuf};

/// An application on the platform: a name with what is built into its binary.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Shown in the log and as the title of the API.
    pub name: String,
    /// The application's version.
    pub version: String,
    /// Its definition files; none for the generic binary.
    pub definitions: Vec<Source>,
    /// Its seed files.
    pub seeds: Vec<SeedFile>,
    /// Its logic, hooks and components.
    pub logic: Registry,
}

/// Holds the code of `application` against its model.
pub fn compile_logic(model: &Model, application: &Application) -> Result<Logics, Failure> {
    application
        .logic
        .compile(model, &[1])
        .map_err(Failure::Logic)
}

/// Compiles the definitions that `config` names, else those built in, together with what the
/// platform ships.
pub fn compile(loaded: &Loaded, application: &Application) -> Result<Compiled, Failure> {
    compile_config(&loaded.config, application)
}

fn compile_config(config: &Config, application: &Application) -> Result<Compiled, Failure> {
    let mut sources = match &config.definitions {
        Some(path) => read_definitions(path)?,
        None => application.definitions.clone(),
    };
    if sources.is_empty() {
        return Err(Failure::NoDefinition);
    }
    sources.extend(carnet_records::definitions());
    compile_sources(&sources).map_err(Failure::Definition)
}

/// The seeds that `config` names, else those built in; given definitions come without the
/// built-in seeds.
pub fn read_seeds(
    config: &Config,
    application: &Application,
    model: &Model,
) -> Result<SeedSet, Failure> {
    let files = match (&config.seeds, &config.definitions) {
        (Some(folder), _) => seed_files(folder)?,
        (None, Some(_)) => Vec::new(),
        (None, None) => application.seeds.clone(),
    };
    seed::read(model, files).map_err(Failure::Seeds)
}

/// Reads one definition file, or all of a folder and its folders, in the order of their paths.
pub fn read_definitions(path: &Path) -> Result<Vec<Source>, Failure> {
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, &mut files)?;
        files.retain(|file| has_ending(file, &["yaml", "yml", "json"]));
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    let mut sources = Vec::new();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for file in files {
        let bytes = read(&file)?;
        match Source::from_bytes(file.display().to_string(), bytes) {
            Ok(source) => sources.push(source),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    if diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
    {
        return Err(Failure::Definition(diagnostics));
    }
    Ok(sources)
}

fn seed_files(folder: &Path) -> Result<Vec<SeedFile>, Failure> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.retain(|file| has_ending(file, &["yaml", "yml", "json", "csv"]));
    files
        .iter()
        .map(|file| {
            let name = file
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            Ok(SeedFile {
                name,
                bytes: read(file)?,
            })
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::File {
        path: folder.display().to_string(),
        error,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::File {
        path: path.display().to_string(),
        error,
    })
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| {
        endings
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}
