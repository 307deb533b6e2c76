//! Seed files to rows with labels. Pure: whoever calls reads the files.

use carnet_kernel::{json, suggest};
use carnet_model::{FieldType, Model, Resource, ResourceIndex, Source, read_document};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// One file of a seeds folder.
#[derive(Clone, Debug)]
pub struct SeedFile {
    /// Its name: `07-products.yaml`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// All seeds of a deployment, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct SeedSet {
    pub(super) files: Vec<(ResourceIndex, Vec<Row>)>,
}

impl SeedSet {
    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.files.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One record to be.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) label: String,
    /// `products.yaml, line 12`
    pub(super) place: String,
    /// Fields in the API's shape; a reference is still `{"$ref": label}`.
    pub(super) fields: Map<String, Value>,
}

impl Row {
    /// The label that the value of a field refers to. In a json field `{"$ref": …}` is data.
    pub(super) fn reference<'v>(
        resource: &Resource,
        name: &str,
        value: &'v Value,
    ) -> Option<&'v str> {
        let field = resource.field(resource.field_named(name)?);
        field.kind.id_form()?;
        let object = value.as_object()?;
        if object.len() == 1 {
            object.get("$ref")?.as_str()
        } else {
            None
        }
    }
}

/// Reads the files in the order of their names, or tells everything that is wrong with them.
pub fn read(model: &Model, mut files: Vec<SeedFile>) -> Result<SeedSet, Vec<String>> {
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let mut faults = Vec::new();
    let mut set = SeedSet::default();
    for file in files {
        match resource_of(model, &file.name) {
            Ok(resource) => {
                let rows = rows(resource, &file, &mut faults);
                set.files.push((resource.index, rows));
            }
            Err(why) => faults.push(format!("{}: {why}", file.name)),
        }
    }
    check_labels(model, &set, &mut faults);
    if faults.is_empty() {
        Ok(set)
    } else {
        Err(faults)
    }
}

/// The resource that a file name names: `07-products.yaml`.
fn resource_of<'m>(model: &'m Model, name: &str) -> Result<&'m Resource, String> {
    let form = "the name of a seed file is `NN-<resource>.yaml`, `.json` or `.csv`";
    let (stem, _) = name.rsplit_once('.').ok_or(form)?;
    let (number, resource) = stem.split_once('-').ok_or(form)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form.to_owned());
    }
    let Some(found) = model.resource_named(resource) else {
        let names = model
            .resources
            .iter()
            .map(|resource| resource.name.as_str());
        return Err(format!(
            "there is no resource `{resource}`{}",
            suggest::hint(resource, names)
        ));
    };
    if found.standard.is_none() {
        return Err(format!("records of `{resource}` cannot be written"));
    }
    Ok(found)
}

fn rows(resource: &Resource, file: &SeedFile, faults: &mut Vec<String>) -> Vec<Row> {
    let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "csv" => csv_rows(resource, file, faults),
        "yaml" | "yml" | "json" => document_rows(file, faults),
        _ => {
            faults.push(format!(
                "{}: a seed file ends with `.yaml`, `.json` or `.csv`",
                file.name
            ));
            Vec::new()
        }
    }
}

fn document_rows(file: &SeedFile, faults: &mut Vec<String>) -> Vec<Row> {
    let source = match Source::from_bytes(file.name.clone(), file.bytes.clone()) {
        Ok(source) => source,
        Err(diagnostic) => {
            faults.push(diagnostic.render(false));
            return Vec::new();
        }
    };
    let document = match read_document(&source) {
        Ok(document) => document,
        Err(diagnostics) => {
            faults.extend(
                diagnostics
                    .iter()
                    .map(|diagnostic| diagnostic.render(false)),
            );
            return Vec::new();
        }
    };
    let Value::Array(members) = document.value else {
        faults.push(format!("{}: it must be a list of records", file.name));
        return Vec::new();
    };
    let lines = document.lines.into_iter();
    members
        .into_iter()
        .zip(lines)
        .filter_map(|(member, line)| {
            let place = format!("{}, line {line}", file.name);
            let Value::Object(mut fields) = member else {
                faults.push(format!("{place}: a record is a map of fields"));
                return None;
            };
            match fields.shift_remove("$label") {
                Some(Value::String(label)) if !label.is_empty() => Some(Row {
                    label,
                    place,
                    fields,
                }),
                _ => {
                    faults.push(format!(
                        "{place}: `$label` is missing; it names the record for other seeds"
                    ));
                    None
                }
            }
        })
        .collect()
}

fn csv_rows(resource: &Resource, file: &SeedFile, faults: &mut Vec<String>) -> Vec<Row> {
    // Spreadsheets put a byte order mark before the first header.
    let bytes = file.bytes.as_slice();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => {
            faults.push(format!("{}: {error}", file.name));
            return Vec::new();
        }
    };
    let mut names = HashSet::new();
    for name in headers.iter().filter(|name| !names.insert(*name)) {
        faults.push(format!("{}: the column `{name}` stands twice", file.name));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(format!("{}: {error}", file.name));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let place = format!("{}, line {line}", file.name);
        let mut label = String::new();
        let mut fields = Map::new();
        for (name, cell) in headers
            .iter()
            .zip(record.iter())
            .filter(|(_, cell)| !cell.is_empty())
        {
            if name == "$label" {
                cell.clone_into(&mut label);
                continue;
            }
            match cell_value(resource, name, cell) {
                Ok(value) => {
                    fields.insert(name.to_owned(), value);
                }
                Err(why) => faults.push(format!("{place}: `{name}`: {why}")),
            }
        }
        if label.is_empty() {
            faults.push(format!(
                "{place}: `$label` is missing; it names the record for other seeds"
            ));
        } else {
            rows.push(Row {
                label,
                place,
                fields,
            });
        }
    }
    rows
}

/// A cell in the shape that a body has for this field; an unknown field is found later.
fn cell_value(resource: &Resource, name: &str, cell: &str) -> Result<Value, String> {
    let kind = resource
        .field_named(name)
        .map(|index| &resource.field(index).kind);
    if let Some(label) = cell.strip_prefix("$ref:")
        && kind.is_some_and(|kind| kind.id_form().is_some())
    {
        return Ok(serde_json::json!({ "$ref": label }));
    }
    match kind {
        Some(FieldType::Integer { .. } | FieldType::Float { .. } | FieldType::Boolean) => {
            json::parse(cell).map_err(|error| error.to_string())
        }
        Some(kind) if kind.is_json() => json::parse(cell).map_err(|error| error.to_string()),
        _ => Ok(Value::String(cell.to_owned())),
    }
}

fn check_labels(model: &Model, set: &SeedSet, faults: &mut Vec<String>) {
    let mut places: HashMap<&str, &str> = HashMap::new();
    for row in set.files.iter().flat_map(|(_, rows)| rows) {
        if let Some(first) = places.insert(&row.label, &row.place) {
            faults.push(format!(
                "{}: the label `{}` stands already in {first}",
                row.place, row.label
            ));
        }
    }
    let rows = set
        .files
        .iter()
        .flat_map(|(index, rows)| rows.iter().map(|row| (model.resource(*index), row)));
    for (resource, row) in rows {
        for (name, value) in &row.fields {
            let label = Row::reference(resource, name, value);
            if let Some(label) = label.filter(|label| !places.contains_key(label)) {
                let hint = suggest::hint(label, places.keys().copied());
                faults.push(format!(
                    "{}: `{name}` refers to the label `{label}`, which no seed has{hint}",
                    row.place
                ));
            }
        }
    }
}
