//! `#[derive(Record)]`: names, searches, and what does not fit.

use carnet::domain::{Currency, Date, Email};
use carnet::{Fits, Platform, Record, Repo};
use carnet_kernel::{Decimal, Id, Refusal};
use carnet_model::{Model, Source};
use serde::Deserialize;

#[derive(Deserialize, Record)]
#[record("products", by(category_id, is_featured), by(name))]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its shape matters")]
struct Product {
    id: Id,
    name: String,
    price: Option<Decimal>,
    category_id: Option<Id>,
    #[serde(rename = "isFeatured")]
    featured: bool,
    #[serde(skip)]
    kept: u8,
}

#[derive(Deserialize, Record)]
#[record("products")]
#[expect(dead_code, reason = "only its shape matters")]
struct Wrong {
    name: i64,
    price: Decimal,
    colour: String,
}

fn model() -> Model {
    let text = "
carnet: 1
resources:
  categories: { fields: { name: { type: text } } }
  products:
    fields:
      name: { type: text, max: 40, unique: true }
      price: { type: decimal, precision: 9, scale: 2, optional: true }
      category: { type: ref, to: categories, optional: true }
      isFeatured: { type: boolean, default: false }
  orders:
    fields:
      until: { type: date, optional: true }
      email: { type: email }
      currency: { type: enum, values: [EUR, CHF] }
      colour: { type: enum, values: [red] }
";
    let source = Source::application("carnet.yaml", text);
    carnet_model::compile(&[source]).unwrap().model
}

fn faults<T: Record>() -> Vec<String> {
    let model = model();
    let resource = model.resource_named(T::RESOURCE).unwrap();
    let faults = T::fields().into_iter().filter_map(|field| {
        let Some(index) = resource.field_named(field.name) else {
            return Some(format!("{}: not there", field.name));
        };
        let wrong = (field.fits)(resource.field(index)).err()?;
        Some(format!("{}: {wrong}", field.name))
    });
    faults.collect()
}

#[test]
fn a_struct_that_fits() {
    assert_eq!(Product::RESOURCE, "products");
    let names: Vec<&str> = Product::fields().iter().map(|field| field.name).collect();
    assert_eq!(names, ["id", "name", "price", "categoryId", "isFeatured"]);
    assert_eq!(faults::<Product>(), Vec::<String>::new());
    let searches: [&[&str]; 2] = [&["categoryId", "isFeatured"], &["name"]];
    assert_eq!(Product::searches(), searches);
}

#[test]
fn a_struct_that_does_not_fit() {
    assert_eq!(
        faults::<Wrong>(),
        [
            "name: it is text, not an integer",
            "price: it may be null; make it an `Option`",
            "colour: not there",
        ]
    );
}

#[derive(Deserialize, Record)]
#[record("orders")]
#[expect(dead_code, reason = "only its shape matters")]
struct Order {
    until: Option<Date>,
    email: Email,
    currency: Currency,
}

#[derive(Deserialize, Record)]
#[record("orders")]
#[expect(dead_code, reason = "only its shape matters")]
struct WrongOrder {
    until: Date,
    email: Date,
    currency: Email,
    colour: Currency,
}

#[test]
fn values_of_the_domain_stand_for_their_fields() {
    assert_eq!(faults::<Order>(), Vec::<String>::new());
    assert_eq!(
        faults::<WrongOrder>(),
        [
            "until: it may be null; make it an `Option`",
            "email: it is email, not a date",
            "currency: it is enum, not an e-mail address",
            "colour: `red` is no currency",
        ]
    );
}

#[test]
fn logic_takes_it_as_an_argument() {
    async fn create(call: carnet::Call, products: Repo<Product>) -> Result<carnet::Reply, Refusal> {
        let found = products.find().filter("name", "eq", "pen").first().await?;
        drop(found.map(|product| product.name));
        call.proceed().await
    }
    drop(Platform::builder().logic(carnet::v1, "products", carnet::Operation::Create, create));
    assert!(<Option<String> as Fits>::fits(&model().resources[0].fields[0]).is_ok());
}
