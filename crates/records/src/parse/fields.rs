//! `fields=name,price` and `sort=-price,category.name`.

use super::key::{Groups, split_list};
use super::{Faults, resolve_path, shorten, unknown_field};
use carnet_kernel::Code;
use carnet_model::{FieldIndex, ModelView, Resource};
use carnet_store::Order;

/// The most sort keys of one request.
const MAX_KEYS: usize = 8;

/// The named fields in the resource's order, the key always among them; `None` when none are named.
pub(super) fn fields(
    resource: &Resource,
    groups: &Groups<'_>,
    faults: &mut Faults,
) -> Option<Vec<FieldIndex>> {
    let values = groups.values("fields");
    if values.is_empty() {
        return None;
    }
    let mut named = vec![resource.key];
    for name in values.iter().flat_map(|value| split_list(value)) {
        match resource.field_named(&name) {
            Some(field) if !named.contains(&field) => named.push(field),
            Some(_) => {}
            None => faults.push(
                Code::UnknownField,
                "fields",
                "unknown",
                unknown_field(resource, &name),
            ),
        }
    }
    named.sort_unstable();
    Some(named)
}

/// The sort keys, most significant first.
pub(super) fn sort(
    view: &ModelView,
    resource: &Resource,
    groups: &Groups<'_>,
    faults: &mut Faults,
) -> Vec<Order> {
    let mut keys: Vec<Order> = Vec::new();
    for text in groups
        .values("sort")
        .iter()
        .flat_map(|value| split_list(value))
    {
        let (name, descending) = match (text.strip_prefix('-'), text.split_once(':')) {
            (Some(name), None) => (name, true),
            (None, Some((name, "asc"))) => (name, false),
            (None, Some((name, "desc"))) => (name, true),
            (None, None) => (text.as_str(), false),
            _ => {
                let message = format!(
                    "`{}` is not `field`, `-field`, `field:asc` or `field:desc`",
                    shorten(&text)
                );
                faults.push(Code::InvalidParameter, "sort", "syntax", message);
                continue;
            }
        };
        let Some((path, at)) = resolve_path(view, resource, name, "sort", faults) else {
            continue;
        };
        let field = view.resource(at.resource).field(at.field);
        if !field.kind.is_ordered() {
            let message = format!(
                "`{}` is of type {}, which has no order",
                field.name,
                field.kind.word()
            );
            faults.push(Code::InvalidParameter, "sort", "type", message);
        } else if keys.iter().any(|key| key.path == path) {
            let message = format!("`{}` stands twice", shorten(name));
            faults.push(Code::InvalidParameter, "sort", "repeated", message);
        } else if keys.len() == MAX_KEYS {
            faults.push(
                Code::InvalidParameter,
                "sort",
                "max",
                format!("a list sorts by at most {MAX_KEYS} fields"),
            );
            return keys;
        } else {
            keys.push(Order { path, descending });
        }
    }
    keys
}
