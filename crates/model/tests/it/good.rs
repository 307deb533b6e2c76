//! Good definitions and what they become.

use crate::{compile, shop, shown};
use carnet_model::{Index, Model, RelationKind, Resource, Source, Unique, compile_stored};

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
            RelationKind::Through { .. } => "through",
        };
        out += &format!("  {way} {} {}\n", relation.name, relation.target.0);
    }
    out
}

#[test]
fn the_shop_compiles() {
    let compiled = shop();
    insta::assert_snapshot!(shown(&compiled.warnings), @"");
    insta::assert_snapshot!(summary(named(&compiled.model, "products")), @r#"
products products Product
  id id id
  name name text +name_key
  sku sku text optional
  price price decimal optional
  status status enum = "draft"
  categoryId category_id ref
  metadata metadata json = {}
  isFeatured is_featured boolean = false
  unitId unit_id ref optional
  version version integer
  createdAt created_at dateTime
  updatedAt updated_at dateTime
  createdBy created_by principal optional
  updatedBy updated_by principal optional
  unique products__category_id__name categoryId name
  unique products__sku sku
  index products__price__index price
  index products__status__created_at_d590e683__index status createdAt
  index products__unit_id__index unitId
  one category 0
  one unit 6
  many dataSources 3
"#);
    insta::assert_snapshot!(summary(named(&compiled.model, "productDataSources")), @r#"
productDataSources product_data_sources Product data source
  id id id
  productId product_id ref
  kind kind enum
  tags tags list = ["a","b"]
  weight weight float = 1.0
  count count integer = 0
  day day date = "2026-01-31"
  at at dateTime = "2026-01-31T11:00:00.000000Z"
  from from time = "05:00:00"
  every every duration = "P1DT2H"
  mail mail email +mail_key
  site site url = "https://example.com/"
  label label i18n = {"de":"Laden","en":"Shop"}
  key key uuid = "0190163d-8694-739b-aea5-966c26f8ad91"
  ticket ticket ulid optional
  limit limit decimal = "0.1000"
  shape shape json = {"a":1.5}
  version version integer
  createdAt created_at dateTime
  updatedAt updated_at dateTime
  createdBy created_by principal optional
  updatedBy updated_by principal optional
  unique product_data_sources__mail mail
  index product_data_sources__product_id__index productId
  one product 4
"#);
    insta::assert_snapshot!(summary(named(&compiled.model, "settings")), @r#"
settings carnet_settings Setting
  id id id
  key key text
  value value json optional
  theme x_theme enum = "light"
  logoId x_logo_id ref optional
  version version integer
  createdAt created_at dateTime
  updatedAt updated_at dateTime
  createdBy created_by principal optional
  updatedBy updated_by principal optional
  unique carnet_settings__key key
  index carnet_settings__x_logo_id__index logoId
  index carnet_settings__x_theme__index theme
  one logo 4
"#);
    insta::assert_snapshot!(summary(named(&compiled.model, "journal")), @r#"
journal carnet_journal Journal row
  sequence sequence integer
  resource resource text
  record record ulid optional
  actor actor principal optional
  body body json optional
  at at dateTime
"#);
    assert!(!compiled.model.by_name.contains_key("users"));
}

/// Section 5 of the design, without what comes later.
#[test]
fn the_example_of_the_design_compiles() {
    let text = r#"
carnet: 1
service: catalog
use: [settings]                                           # shipped resources, as their features arrive
resources:
  products:
    title: Product
    fields:
      name:      { type: text, min: 1, max: 255, caseless: true }
      sku:       { type: text, max: 64, unique: true, optional: true }   # within the tenant
      price:     { type: decimal, precision: 12, scale: 2, min: 0, optional: true }
      status:    { type: enum, values: [draft, published, archived], default: draft }
      category:  { type: ref, to: categories, onDelete: restrict }       # API categoryId, include=category
      metadata:  { type: json, default: {} }
      isFeatured: { type: boolean, default: false }
    many:       { dataSources: { of: productDataSources, by: product } }
    unique:     [[category, name]]
    indexes:    [[status, createdAt], { on: [name], using: btree }]
    concurrency: optimistic        # If-Match required (428)
    operations: [list, create, read, update, patch, delete, batch]
  categories: { fields: { name: { type: text, max: 80 } } }
  productDataSources: { fields: { product: { type: ref, to: products, onDelete: cascade } } }
"#;
    let compiled = compile(&[("carnet.yaml", text)]);
    let compiled = compiled.unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    assert_eq!(shown(&compiled.warnings), "");
    assert_eq!(compiled.model.resources.len(), 6);
}

#[test]
fn long_names_are_cut_and_hashed() {
    let text = "carnet: 1
resources:
  aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPqRsTuV:
    fields:
      aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPqRsTuV: { type: text, max: 9, caseless: true }
      index: { type: integer, unique: true }
      order: integer
    indexes: [[order, index], [order, -index], [-order, index]]
";
    let compiled = compile(&[("carnet.yaml", text)]);
    let model = compiled
        .unwrap_or_else(|errors| panic!("{}", shown(&errors)))
        .model;
    insta::assert_snapshot!(summary(&model.resources[0]), @r#"
aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPqRsTuV a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de_fg_hi_j_45c67695 A bc de fg hi jk lm no pq rs tu vw xy za bc de fg hi jk lm no pq rs tu v
  id id id
  aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPqRsTuV a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de_fg_hi_j_45c67695 text +a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de_fg_hi_j_fc626524
  index index integer
  order order integer
  version version integer
  createdAt created_at dateTime
  updatedAt updated_at dateTime
  createdBy created_by principal optional
  updatedBy updated_by principal optional
  unique a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de_fg_hi_j_91090919 index
  index a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de__627a4276__index order index
  index a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de__aa09a5b2__index order index
  index a_bc_de_fg_hi_jk_lm_no_pq_rs_tu_vw_xy_za_bc_de__d98de507__index order index
"#);
}

#[test]
fn many_to_many_goes_through_a_link() {
    let text = r"
carnet: 1
resources:
  products:
    fields: { name: { type: text } }
    many:
      tags: { of: tags, through: productTags }
      parts: { of: products, through: assemblies, by: whole }
      wholes: { of: products, through: assemblies, by: part, to: whole }
  tags:
    fields: { name: { type: text } }
    many:
      products: { of: products, through: productTags }
  productTags:
    fields:
      product: { type: ref, to: products, onDelete: cascade }
      tag: { type: ref, to: tags, onDelete: cascade }
    unique: [[product, tag]]
  assemblies:
    fields:
      whole: { type: ref, to: products, onDelete: cascade }
      part: { type: ref, to: products }
      amount: { type: integer, default: 1 }
    unique: [[part, whole]]
";
    let compiled = carnet_model::compile(&[Source::application("a.yaml", text)]).unwrap();
    let model = &compiled.model;
    let leads = |resource: &str, relation: &str| {
        let resource = named(model, resource);
        let relation = resource.relation(resource.relation_named(relation).unwrap());
        let RelationKind::Through { link, by, to } = relation.kind else {
            panic!("{relation:?}");
        };
        let link = model.resource(link);
        let target = &model.resource(relation.target).name;
        let (by, to) = (&link.field(by).declared, &link.field(to).declared);
        format!("{} {by} -> {to} {target}", link.name)
    };
    assert_eq!(leads("products", "tags"), "productTags product -> tag tags");
    assert_eq!(
        leads("tags", "products"),
        "productTags tag -> product products"
    );
    assert_eq!(
        leads("products", "parts"),
        "assemblies whole -> part products"
    );
    assert_eq!(
        leads("products", "wholes"),
        "assemblies part -> whole products"
    );
    let again = compile_stored(&model.definition).unwrap();
    assert_eq!(again.hash, model.hash);
}
