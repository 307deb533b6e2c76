//! What is served: built-in or given definitions and seeds, read and compiled. Not the database.

use crate::assemble::assemble;
use crate::config::{Config, Loaded, Section};
use crate::error::Failure;
use crate::module::{Module, Part};
use crate::routes::Routes;
use carnet_kernel::{ApplicationCode, ApplicationCodes};
use carnet_model::{Compiled, Diagnostic, Model, Severity, Source, compile as compile_sources};
use carnet_records::logic::{Logics, Registry};
use carnet_records::seed::{self, SeedFile, SeedSet};
use carnet_web::Layers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// The codes that its logic answers with beside the platform's.
    pub codes: Vec<&'static ApplicationCode>,
    /// Its modules; what they register is joined with its own already.
    pub modules: Vec<Part>,
    /// Its routes beside those of its resources.
    pub routes: Routes,
    /// What it placed between the stages of a request.
    pub layers: Layers,
}

impl Application {
    /// Adds a module: what it registers comes behind what there is.
    pub fn add_module<C: Send + Sync + 'static>(&mut self, module: Module<C>) {
        let (registry, routes, layers, part) = module.into_parts();
        self.logic.merge(registry);
        self.routes.extend(routes);
        self.layers.extend(layers);
        self.modules.push(part);
    }

    /// The settings of its modules.
    pub fn sections(&self) -> Vec<Section> {
        let sections = self.modules.iter().filter_map(|part| part.section.clone());
        sections.collect()
    }

    /// Its codes, checked.
    pub fn codes(&self) -> Result<ApplicationCodes, Failure> {
        ApplicationCodes::new(&self.codes).map_err(Failure::Logic)
    }
}

/// Holds the code of `application` against its model, with its modules as they are by default;
/// every mistake is told at once.
pub fn compile_logic(model: &Arc<Model>, application: &Application) -> Result<Logics, Failure> {
    assemble(&Config::default(), application, model).map(|assembled| assembled.logics)
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

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::{Code, Refusal};
    use carnet_model::{ModelView, Operation};
    use carnet_records::logic::{Call, Reply, refusing};

    const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");

    fn application(codes: &[&'static ApplicationCode]) -> Application {
        Application {
            name: "shop".to_owned(),
            definitions: vec![Source::application(
                "shop.yaml",
                "carnet: 1\nresources:\n  products:\n    fields:\n      name: { type: text, max: 20 }\n",
            )],
            codes: codes.to_vec(),
            ..Application::default()
        }
    }

    #[test]
    fn codes_that_do_not_fit_are_told_before_anything_starts() {
        const TAKEN: ApplicationCode = ApplicationCode::new("NOT_FOUND", 200, "Taken");
        let application = application(&[&LIMIT, &TAKEN, &LIMIT]);
        let compiled = compile_config(&Config::default(), &application).unwrap();
        let failure = compile_logic(&Arc::new(compiled.model), &application)
            .err()
            .unwrap();
        assert_eq!(failure.code(), carnet_kernel::Code::LogicInvalid);
        assert_eq!(failure.details().len(), 3);
    }

    #[test]
    fn codes_that_logic_names_are_registered() {
        async fn list(call: Call) -> Result<Reply, Refusal> {
            call.proceed().await
        }
        for (codes, faults) in [(&[][..], 1), (&[&LIMIT][..], 0)] {
            let mut application = application(codes);
            let list = refusing(list, [Code::from(&LIMIT), Code::Gone]);
            application
                .logic
                .logic(1, "products", Operation::List, list);
            let compiled = compile_config(&Config::default(), &application).unwrap();
            let failed = compile_logic(&Arc::new(compiled.model), &application).err();
            let told = failed.map(|failure| failure.details()).unwrap_or_default();
            assert_eq!(told.len(), faults, "{told:?}");
            assert!(told.iter().all(|fault| fault.contains("FEATURED_LIMIT")));
        }
    }

    #[test]
    fn codes_stand_in_the_document() {
        let application = application(&[&LIMIT]);
        let compiled = compile_config(&Config::default(), &application).unwrap();
        let document = crate::openapi(
            &ModelView::new(compiled.model.into()),
            &application,
            &Logics::default(),
        )
        .unwrap();
        let codes = &document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]
            ["code"]["enum"];
        let codes = codes.as_array().unwrap();
        assert!(codes.iter().any(|code| code == "FEATURED_LIMIT"));
        assert!(codes.iter().any(|code| code == "INVALID_STATE"));
    }
}
