//! What code round operations says that it refuses with, among the answers of these operations.

use crate::logic::Logics;
use crate::routes::prefix;
use carnet_kernel::Code;
use carnet_model::{ActionOn, ModelView, Operation, Resource};
use carnet_web::openapi::{Fragment, add_responses};

/// Where operations are, and by which methods.
const PLACES: [(Operation, &str, &str); 7] = [
    (Operation::List, "", "get"),
    (Operation::List, "/query", "post"),
    (Operation::Create, "", "post"),
    (Operation::Read, "/{id}", "get"),
    (Operation::Update, "/{id}", "put"),
    (Operation::Patch, "/{id}", "patch"),
    (Operation::Delete, "/{id}", "delete"),
];

pub(super) fn add(view: &ModelView, logics: &Logics, fragment: &mut Fragment) {
    let version = view.version().0;
    for resource in view.shown_resources() {
        for (operation, tail, method) in PLACES {
            let described = logics.describe(version, resource.index, operation);
            put(view, resource, (tail, method), &described.codes, fragment);
        }
        for action in &resource.actions {
            let Some(index) = resource.action_named(&action.name) else {
                continue;
            };
            let described = logics.describe_action(version, resource.index, index);
            let tail = match action.on {
                ActionOn::Collection => format!("/{}", action.name),
                ActionOn::Record => format!("/{{id}}/{}", action.name),
            };
            let place = (tail.as_str(), action.method.as_str());
            put(view, resource, place, &described.codes, fragment);
        }
    }
}

fn put(
    view: &ModelView,
    resource: &Resource,
    (tail, method): (&str, &str),
    codes: &[Code],
    fragment: &mut Fragment,
) {
    let path = format!("{}/{}{tail}", prefix(view.version()), resource.name);
    let operation = fragment
        .paths
        .get_mut(&path)
        .and_then(|item| item.get_mut(method));
    let responses = operation
        .and_then(|operation| operation.get_mut("responses"))
        .and_then(|responses| responses.as_object_mut());
    if let Some(responses) = responses {
        add_responses(responses, codes);
    }
}
