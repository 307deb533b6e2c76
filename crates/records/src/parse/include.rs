//! `include=category,sections.data` to a tree of relations. A path may come back to a resource, but
//! a to-many relation follows only itself again (`children.children`): on any other way back
//! every record would bring all its siblings once more, and a short address the whole table squared.

use super::key::{Groups, split_list};
use super::{Faults, IncludeRequest, shorten, unknown_relation};
use carnet_kernel::Code;
use carnet_model::{ModelView, RelationKind, Resource};

/// The most relations of one request, at all depths together.
const MAX_INCLUDES: usize = 32;
/// The deepest nesting.
const MAX_DEPTH: usize = 8;

pub(super) fn parse(
    view: &ModelView,
    resource: &Resource,
    groups: &Groups<'_>,
    faults: &mut Faults,
) -> Vec<IncludeRequest> {
    let mut tree = Vec::new();
    let mut count = 0;
    for value in groups.values("include") {
        for path in split_list(value) {
            if path.contains(['(', ')']) {
                let message = "options of an included relation come with a later release";
                faults.push(Code::InvalidParameter, "include", "syntax", message);
                return tree;
            }
            add(view, resource, &path, &mut tree, &mut count, faults);
            if count > MAX_INCLUDES {
                let message = format!("a request includes at most {MAX_INCLUDES} relations");
                faults.push(Code::InvalidParameter, "include", "max", message);
                return tree;
            }
        }
    }
    tree
}

fn add(
    view: &ModelView,
    resource: &Resource,
    path: &str,
    tree: &mut Vec<IncludeRequest>,
    count: &mut usize,
    faults: &mut Faults,
) {
    let mut level = tree;
    let mut at = resource;
    let mut many = Vec::new();
    let mut last = None;
    for (depth, name) in path.split('.').enumerate() {
        if depth == MAX_DEPTH {
            let message = format!(
                "`{}` nests deeper than {MAX_DEPTH} relations",
                shorten(path)
            );
            faults.push(Code::InvalidParameter, "include", "depth", message);
            return;
        }
        let Some(relation) = at.relation_named(name) else {
            faults.push(
                Code::UnknownField,
                "include",
                "unknown",
                unknown_relation(at, name),
            );
            return;
        };
        let step = (at.index, relation);
        if matches!(at.relation(relation).kind, RelationKind::ToMany { .. }) {
            if many.contains(&step) && last != Some(step) {
                let message = format!(
                    "`{name}` stands twice in `{}`; each time would multiply the records",
                    shorten(path)
                );
                faults.push(Code::InvalidParameter, "include", "repeated", message);
                return;
            }
            many.push(step);
        }
        last = Some(step);
        let place = match level
            .iter()
            .position(|include| include.relation == relation)
        {
            Some(place) => place,
            None => {
                *count += 1;
                level.push(IncludeRequest {
                    relation,
                    includes: Vec::new(),
                });
                level.len() - 1
            }
        };
        at = view.resource(at.relation(relation).target);
        level = &mut level[place].includes;
    }
}
