//! Good definitions and what they become.

use crate::{compile, shop, shown};
use carnet_model::{
    FieldType, Index, Model, RelationKind, Resource, Role, Storage, Tenancy, Unique, compile_stored,
};

fn named<'m>(model: &'m Model, name: &str) -> &'m Resource {
    model.resource_named(name).expect(name)
}

/// A resource as one line per part.
fn summary(resource: &Resource) -> String {
    let name = |field| resource.field(field).name.as_str();
    let mut out = format!("{} {} {}\n", resource.name, resource.table, resource.title);
    for field in &resource.fields {
        out += &format!(
            "  {} {} {}{}{}{}\n",
            field.name,
            field.column,
            field.kind.word(),
            field
                .companion
                .as_ref()
                .map(|one| format!(" +{one}"))
                .unwrap_or_default(),
            if field.optional { " optional" } else { "" },
            field
                .default_json()
                .map(|one| format!(" = {one}"))
                .unwrap_or_default(),
        );
    }
    for Unique {
        name: title,
        fields,
    } in &resource.uniques
    {
        let fields: Vec<&str> = fields.iter().map(|field| name(*field)).collect();
        out += &format!("  unique {title} {}\n", fields.join(" "));
    }
    for Index {
        name: title,
        columns,
    } in &resource.indexes
    {
        let columns: Vec<&str> = columns.iter().map(|column| name(column.field)).collect();
        out += &format!("  index {title} {}\n", columns.join(" "));
    }
    for relation in &resource.relations {
        let way = match relation.kind {
            RelationKind::ToOne { .. } => "one",
            RelationKind::ToMany { .. } => "many",
        };
        out += &format!("  {way} {} {}\n", relation.name, relation.target.0);
    }
    out
}

#[test]
fn the_shop_compiles() {
    let compiled = shop();
    insta::assert_snapshot!(shown(&compiled.warnings), @"");
    insta::assert_snapshot!(summary(named(&compiled.model, "products")), @"");
    insta::assert_snapshot!(summary(named(&compiled.model, "productDataSources")), @"");
    insta::assert_snapshot!(summary(named(&compiled.model, "settings")), @"");
    insta::assert_snapshot!(summary(named(&compiled.model, "journal")), @"");
    assert!(!compiled.model.by_name.contains_key("users"));
}

#[test]
fn a_stored_definition_compiles_to_the_same_model() {
    let model = shop().model;
    let again = compile_stored(&model.definition)
        .unwrap_or_else(|errors| panic!("{}\n{}", shown(&errors), model.definition.as_str()));
    assert_eq!(again.definition, model.definition);
    assert_eq!(again.hash, model.hash);
    for (left, right) in model.resources.iter().zip(&again.resources) {
        assert_eq!(format!("{left:?}").len(), format!("{right:?}").len());
        assert_eq!(summary(left), summary(right));
    }
}
