//! What an action takes and what it gives, by the rules that bodies of records have. Pure.

use super::body::{Mode, Written, read_entries, read_object, refuse};
use super::shape::{Shape, missing};
use super::value::read_value;
use crate::parse::shorten;
use carnet_kernel::json::write_string;
use carnet_kernel::{Detail, Refusal, Value};
use carnet_model::{Action, Field, Resource, Role};
use carnet_store::shape;

/// Reads the body of an action: a JSON object with a member for each of its inputs, in declared
/// order and normal form; what the body leaves out has its default, else null. No body is an
/// object without members.
///
/// Errors: as of a body of a record, all faults at once.
pub fn read_input(action: &Action, body: &str) -> Result<String, Refusal> {
    let body = match body.trim() {
        "" => "{}",
        _ => body,
    };
    let entries = read_object(body)?;
    let mut faults = Vec::new();
    let text = normal(&action.input, &entries, &mut faults);
    refuse(faults).map_or(Ok(text), Err)
}

/// Checks an object that logic gives as the output of an action, and puts it into the same form.
/// The error names every member that does not fit.
pub fn read_output(fields: &[Field], object: &str) -> Result<String, Vec<Detail>> {
    let entries = read_object(object).map_err(|refusal| refusal.details)?;
    let mut faults = Vec::new();
    let text = normal(fields, &entries, &mut faults);
    if faults.is_empty() {
        Ok(text)
    } else {
        Err(faults)
    }
}

/// What keeps an object from being a record of `resource` as clients see it: it has every field that
/// is shown, each of its type, and beside them related records alone. Rules of values are not looked
/// at, because a record may be older than they are.
pub fn record_faults(resource: &Resource, object: &str) -> Vec<Detail> {
    const TYPES: [&str; 7] = [
        "type",
        "format",
        "range",
        "characters",
        "scale",
        "precision",
        "enum",
    ];
    let entries = match read_object(object) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.details,
    };
    let mut faults = Vec::new();
    for (_, field) in resource.shown_fields() {
        let Some((name, raw)) = entries.iter().find(|(name, _)| *name == field.name) else {
            faults.push(Detail::new(&field.name, "required", "it is required"));
            continue;
        };
        let raw = raw.get().trim();
        if raw != "null" {
            let mut found = Vec::new();
            read_value(&field.kind, raw, name, &mut found);
            faults.extend(found.into_iter().filter(|one| TYPES.contains(&&*one.rule)));
        } else if field.role == Role::Declared && !field.optional {
            faults.push(Detail::new(name, "required", "it must not be null"));
        }
    }
    for (name, _) in &entries {
        if resource.field_named(name).is_none() && resource.relation_named(name).is_none() {
            faults.push(Shape::from(resource).unknown(name, shorten(name)));
        }
    }
    faults
}

fn normal(
    fields: &[Field],
    entries: &[(String, Box<serde_json::value::RawValue>)],
    faults: &mut Vec<Detail>,
) -> String {
    let input = read_entries(fields, entries, Mode::Whole, "", faults);
    missing(fields.iter(), entries, "", faults);
    let mut given: Vec<Option<Value>> = vec![None; fields.len()];
    for (index, written) in input.fields {
        if let Written::Value(value) = written {
            given[usize::from(index.0)] = Some(value);
        }
    }
    let mut out = String::from("{");
    for (field, given) in fields.iter().zip(given) {
        if out.len() > 1 {
            out.push(',');
        }
        write_string(&field.name, &mut out);
        out.push(':');
        let value = given.or_else(|| field.default.clone());
        shape::write_value(&field.kind, &value.unwrap_or(Value::Null), &mut out);
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{resource, told};
    use carnet_model::ActionOutput;

    fn action(name: &str) -> &'static Action {
        let products = resource("products");
        products.action(products.action_named(name).expect(name))
    }

    #[track_caller]
    fn check(name: &str, body: &str, expected: Result<&str, &str>) {
        let found = read_input(action(name), body).map_err(|refusal| told(&refusal));
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn inputs_are_whole_and_in_order() {
        check(
            "feature",
            "",
            Ok(r#"{"isFeatured":true,"reason":null,"categoryId":null,"fee":null}"#),
        );
        check(
            "feature",
            r#"{"fee":1.5,"isFeatured":false,"reason":"new"}"#,
            Ok(r#"{"isFeatured":false,"reason":"new","categoryId":null,"fee":"1.50"}"#),
        );
        check("recount", " {} ", Ok("{}"));
    }

    #[test]
    fn every_fault_of_an_input_is_told() {
        check(
            "feature",
            r#"{"isFeatured":"yes","reason":"","fee":"x","category":"y","raeson":"z"}"#,
            Err(
                "VALIDATION_FAILED\nisFeatured: type: it must be true or false, not a text\nreason: min: it must have at least 1 character, not 0\nfee: type: it must be a decimal such as `12.50`\ncategory: unknown: there is no field `category` (write the reference as `categoryId`)\nraeson: unknown: there is no field `raeson` (did you mean `reason`?)",
            ),
        );
        check(
            "importAll",
            r#"{"until":null}"#,
            Err(
                "VALIDATION_FAILED\nuntil: required: it must not be null\nsource: required: it is required",
            ),
        );
        check(
            "recount",
            r#"{"x":1}"#,
            Err("UNKNOWN_FIELD\nx: unknown: there is no field `x`"),
        );
    }

    #[test]
    fn records_are_known_by_their_fields() {
        let products = resource("products");
        let faults = |object: &str| -> Vec<String> {
            let faults = record_faults(products, object).into_iter();
            faults
                .map(|fault| format!("{}: {}", fault.field, fault.rule))
                .collect()
        };
        let names: Vec<&str> = products
            .shown_fields()
            .map(|(_, field)| field.name.as_str())
            .collect();
        let nothing = faults("{}");
        assert_eq!(nothing.len(), names.len());
        assert!(
            nothing.contains(&"name: required".to_owned()),
            "{nothing:?}"
        );
        let odd = faults(r#"{"id":"no","name":"","version":"1","createdBy":null,"nmae":1}"#);
        for expected in ["id: format", "version: type", "nmae: unknown"] {
            assert!(odd.contains(&expected.to_owned()), "{odd:?}");
        }
        // An older record may break a rule of today, and nobody may have made it.
        for passes in ["name: min", "name: required", "createdBy: required"] {
            assert!(!odd.contains(&passes.to_owned()), "{odd:?}");
        }
        assert_eq!(faults("[]"), ["body: json"]);
    }

    #[test]
    fn outputs_are_held_to_what_is_declared() {
        let ActionOutput::Fields(fields) = &action("importAll").output else {
            panic!("no fields")
        };
        assert_eq!(
            read_output(fields, r#"{"note":null,"made":3}"#).as_deref(),
            Ok(r#"{"made":3,"note":null}"#)
        );
        let faults = read_output(fields, r#"{"made":"3","more":1}"#).unwrap_err();
        let rules: Vec<&str> = faults.iter().map(|fault| fault.rule.as_ref()).collect();
        assert_eq!(rules, ["type", "unknown"]);
    }
}
