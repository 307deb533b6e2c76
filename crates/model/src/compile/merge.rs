//! Several files to one set of declarations: which shipped sets are taken, what `extend` adds,
//! which names meet. Not what the declarations mean.

use crate::declared::{Document, ExtendDecl, Grammar, ResourceDecl};
use crate::report::Report;
use crate::syntax::{Name, Span};
use crate::{Origin, Source, Storage, Version, words};
use carnet_kernel::ApiVersion;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The declarations that make one definition, sorted by name.
pub(super) struct Merged {
    pub(super) resources: Vec<ResourceDecl>,
    /// The versions of the API, the oldest first; never empty.
    pub(super) versions: Vec<Version>,
    /// Names of shipped resources that were not taken, with the sets that bring them.
    pub(super) untaken: BTreeMap<String, &'static str>,
    /// Whether every file could be read: only then is a missing name an error.
    pub(super) complete: bool,
}

/// A stored definition, which is whole by itself.
pub(super) fn stored(document: Document) -> Merged {
    let mut resources = document.resources;
    resources.sort_by(|left, right| left.name.text.cmp(&right.name.text));
    Merged {
        resources,
        versions: or_first(document.versions.map(|(_, versions)| versions)),
        untaken: BTreeMap::new(),
        complete: true,
    }
}

/// Merges the documents of `files`.
pub(super) fn merge(
    documents: Vec<Document>,
    files: &[&Source],
    complete: bool,
    report: &mut Report,
) -> Merged {
    let root = root_file(files);
    let taken = taken_sets(&documents, files, root, report);
    let versions = versions(&documents, root, report);
    let default_service = documents
        .iter()
        .find(|document| Some(document.file) == root)
        .and_then(|document| document.service.as_ref())
        .map_or("app", |name| name.text.as_str())
        .to_owned();
    let mut resources: BTreeMap<String, ResourceDecl> = BTreeMap::new();
    let mut untaken = BTreeMap::new();
    let mut extends = Vec::new();
    for document in documents {
        let shipped = match files.get(document.file as usize).map(|file| file.origin) {
            Some(Origin::Shipped { set }) => Some(set),
            _ => None,
        };
        if let Some(set) = shipped
            && !set.is_empty()
            && !taken.contains(set)
        {
            for resource in document.resources {
                untaken.insert(resource.name.text, set);
            }
            continue;
        }
        let service = match (document.service, shipped) {
            (Some(name), _) => name.text,
            (None, Some(_)) => "carnet".to_owned(),
            (None, None) => default_service.clone(),
        };
        extends.extend(document.extends);
        for mut resource in document.resources {
            resource.service = Some(service.clone());
            add(&mut resources, resource, files, report);
        }
    }
    for extend in extends {
        apply(extend, &mut resources, &untaken, complete, files, report);
    }
    Merged {
        resources: resources.into_values().collect(),
        versions,
        untaken,
        complete,
    }
}

/// A definition that names no version has the first alone.
fn or_first(versions: Option<Vec<Version>>) -> Vec<Version> {
    versions
        .filter(|versions| !versions.is_empty())
        .unwrap_or_else(|| vec![Version::new(ApiVersion::FIRST)])
}

/// The versions that the root file names.
fn versions(documents: &[Document], root: Option<u32>, report: &mut Report) -> Vec<Version> {
    let mut found = None;
    for document in documents {
        let Some((span, versions)) = &document.versions else {
            continue;
        };
        if Some(document.file) == root {
            found = Some(versions.clone());
        } else {
            report.error_hint(
                *span,
                "`versions` of the API stand in the root file only",
                "move them to `carnet.yaml` in the folder of the definition",
            );
        }
    }
    or_first(found)
}

/// The one file of the application, or its `carnet.yaml` in the folder all others are in.
fn root_file(files: &[&Source]) -> Option<u32> {
    let mut own = (0..)
        .zip(files)
        .filter(|(_, file)| file.origin == Origin::Application);
    let (first, only) = (own.clone().next()?, own.clone().nth(1).is_none());
    if only {
        return Some(first.0);
    }
    let depth = |path: &str| path.matches(['/', '\\']).count();
    let least = own.clone().map(|(_, file)| depth(&file.path)).min()?;
    own.find(|(_, file)| {
        let name = file.path.rsplit(['/', '\\']).next().unwrap_or_default();
        depth(&file.path) == least && matches!(name, "carnet.yaml" | "carnet.yml" | "carnet.json")
    })
    .map(|(file, _)| file)
}

/// The sets named by `use`, checked.
fn taken_sets(
    documents: &[Document],
    files: &[&Source],
    root: Option<u32>,
    report: &mut Report,
) -> BTreeSet<String> {
    let known: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| match file.origin {
            Origin::Shipped { set } if !set.is_empty() => Some(set),
            _ => None,
        })
        .collect();
    let mut taken = BTreeSet::new();
    for document in documents {
        if let Some(span) = document.use_key
            && Some(document.file) != root
        {
            report.error_hint(
                span,
                "`use` stands in the root file only",
                "move it to `carnet.yaml` in the folder of the definition",
            );
        }
        for name in &document.uses {
            if known.contains(name.text.as_str()) {
                taken.insert(name.text.clone());
            } else if words::SETS_LATER.contains(&name.text.as_str()) {
                report.error_hint(
                    name.span,
                    format!("the set `{}` comes with a later release", name.text),
                    "leave it out until then",
                );
            } else {
                report.error_near(
                    name.span,
                    format!("unknown set `{}`", name.text),
                    &name.text,
                    known.iter().copied(),
                );
            }
        }
    }
    taken
}

fn place(span: Span, files: &[&Source]) -> String {
    let path = files
        .get(span.file as usize)
        .map_or("", |file| file.path.as_str());
    format!("{path}:{}", span.line)
}

fn add(
    resources: &mut BTreeMap<String, ResourceDecl>,
    resource: ResourceDecl,
    files: &[&Source],
    report: &mut Report,
) {
    let Some(first) = resources.remove(&resource.name.text) else {
        resources.insert(resource.name.text.clone(), resource);
        return;
    };
    // What is shipped stays, and its author is not the one to be told.
    let (there, here) = if resource.grammar == Grammar::Shipped {
        (resource, first.name)
    } else {
        (first, resource.name)
    };
    clash(&there, &here, files, report);
    resources.insert(there.name.text.clone(), there);
}

/// Reports that `here` takes the name of the resource `there`.
fn clash(there: &ResourceDecl, here: &Name, files: &[&Source], report: &mut Report) {
    if there.grammar == Grammar::Shipped {
        if words::RESERVED_RESOURCES.contains(&here.text.as_str()) {
            return;
        }
        report.error_hint(
            here.span,
            format!("the resource `{}` is shipped by the platform", here.text),
            "choose another name, or add to it with `extend`",
        );
    } else {
        report.error_hint(
            here.span,
            format!("the resource `{}` is declared twice", here.text),
            format!(
                "the first declaration is in {}",
                place(there.name.span, files)
            ),
        );
    }
}

fn apply(
    extend: ExtendDecl,
    resources: &mut BTreeMap<String, ResourceDecl>,
    untaken: &BTreeMap<String, &'static str>,
    complete: bool,
    files: &[&Source],
    report: &mut Report,
) {
    let Name { text, span } = &extend.name;
    let Some(resource) = resources.get_mut(text) else {
        if let Some(set) = untaken.get(text) {
            report.error_hint(
                *span,
                format!("the resource `{text}` is shipped, but not taken"),
                format!("add `use: [{set}]` to the root file"),
            );
        } else if complete {
            let known = resources
                .values()
                .filter(|known| known.grammar == Grammar::Shipped)
                .map(|known| known.name.text.as_str());
            let message = format!("there is no shipped resource `{text}` to extend");
            report.error_near(*span, message, text, known);
        }
        return;
    };
    if resource.grammar != Grammar::Shipped {
        report.error_hint(
            *span,
            format!("the resource `{text}` is the application's own"),
            format!(
                "add to it where it is declared: {}",
                place(resource.name.span, files)
            ),
        );
        return;
    }
    if resource.storage == Storage::Platform {
        report.error(
            *span,
            format!("the resource `{text}` is a table of the platform and cannot be extended"),
        );
        return;
    }
    let known: HashMap<String, Span> = resource
        .fields
        .iter()
        .map(|field| (field.name.text.clone(), field.name.span))
        .collect();
    for field in extend.fields {
        match known.get(&field.name.text) {
            Some(known) => report.error_hint(
                field.name.span,
                format!("`{text}` already has a field `{}`", field.name.text),
                format!("it is declared in {}", place(*known, files)),
            ),
            None => resource.fields.push(field),
        }
    }
    let known: HashMap<String, Span> = resource
        .many
        .iter()
        .map(|relation| (relation.name.text.clone(), relation.name.span))
        .collect();
    for relation in extend.many {
        match known.get(&relation.name.text) {
            Some(known) => report.error_hint(
                relation.name.span,
                format!("`{text}` already has a relation `{}`", relation.name.text),
                format!("it is declared in {}", place(*known, files)),
            ),
            None => resource.many.push(relation),
        }
    }
    resource.uniques.extend(extend.uniques);
    resource.indexes.extend(extend.indexes);
    resource.search.fields.extend(extend.search.fields);
    resource.search.weights.extend(extend.search.weights);
}
