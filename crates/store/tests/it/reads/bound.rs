//! Answers that would be larger than one answer may be: refused on both databases before they are
//! whole, and nobody else is the worse for it.

use super::cases::{blank, everything};
use super::place::Place;
use super::world::id;
use carnet_expr::{CompareOp, Predicate};
use carnet_kernel::{ByteSize, Code, TenantKey, Value};
use carnet_model::{Resource, Source};
use carnet_store::{Error, Include, Query};

const DEFINITION: &str = r"
carnet: 1
resources:
  shelves:
    fields:
      name: { type: text, max: 20 }
    many:
      books: { of: books, by: shelf }
  books:
    fields:
      shelf: { type: ref, to: shelves }
      text: { type: text }
";

/// What the answers of these tests may take.
const LIMIT: ByteSize = ByteSize(1 << 20);

/// How many bytes the text of each book has.
const TEXT: usize = 10_000;

struct Shelf {
    place: Place,
}

impl Shelf {
    fn both(hint: &str) -> Vec<Self> {
        let sources = [Source::application("shelves.yaml", DEFINITION)];
        let places = Place::both_with(hint, &sources, |config| config.answer_limit = LIMIT);
        let filled = places.into_iter().map(|place| {
            let shelf = Self { place };
            let shelves = shelf.resource("shelves");
            shelf
                .place
                .insert(TenantKey::DEFAULT, shelves, vec![blank(shelves, 0)]);
            for start in (0..200).step_by(50) {
                let books = (start..start + 50).map(|number| shelf.book(number, TEXT));
                let resource = shelf.resource("books");
                shelf
                    .place
                    .insert(TenantKey::DEFAULT, resource, books.collect());
            }
            shelf
        });
        filled.collect()
    }

    fn resource(&self, name: &str) -> &Resource {
        self.place.view.resource_named(name).unwrap()
    }

    fn book(&self, number: usize, length: usize) -> carnet_store::Record {
        let books = self.resource("books");
        let mut record = blank(books, number + 1);
        let field = |name: &str| books.field_named(name).unwrap();
        record.set(field("shelfId"), Value::Id(id(5, 0)));
        record.set(field("text"), Value::Text("x".repeat(length)));
        record
    }

    fn query(&self, name: &str, limit: u32) -> Query {
        let mut query = everything(self.resource(name));
        query.window.limit = limit;
        query
    }

    fn with(&self, mut query: Query, name: &str, relation: &str, inner: Query) -> Query {
        let relation = self.resource(name).relation_named(relation).unwrap();
        query.includes.push(Include {
            relation,
            query: inner,
        });
        query
    }

    fn list(&self, query: &Query) -> Result<usize, Error> {
        let listing = self.place.list(TenantKey::DEFAULT, query)?;
        assert!(listing.json.len() as u64 <= LIMIT.0);
        Ok(listing.rows)
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(&self, outcome: Result<T, Error>, parameter: &str) {
        let dialect = self.place.store.dialect();
        let error = outcome.unwrap_err();
        let refusal = error.refusal(&self.place.view);
        assert_eq!(refusal.code, Code::AnswerTooLarge, "{dialect:?}: {error}");
        assert_eq!(refusal.details[0].field, parameter, "{dialect:?}");
        assert_eq!(refusal.details[0].rule, "max");
        assert!(refusal.message.contains("1048576"), "{}", refusal.message);
        // What was cut off reaches nobody.
        assert_eq!(self.list(&self.query("shelves", 5)).unwrap(), 1);
    }
}

#[test]
fn a_list_ends_where_the_limit_is() {
    for shelf in Shelf::both("bound list") {
        assert_eq!(shelf.list(&shelf.query("books", 100)).unwrap(), 100);
        for limit in [110, 150, 200] {
            shelf.refused(shelf.list(&shelf.query("books", limit)), "limit");
        }
    }
}

#[test]
fn related_records_count_too() {
    for shelf in Shelf::both("bound related") {
        // A list that is too long for the answer, and one that the database does not hand over.
        for (books, fits) in [(90, true), (120, false), (200, false)] {
            let query = shelf.query("shelves", 5);
            let query = shelf.with(query, "shelves", "books", shelf.query("books", books));
            let (list, found) = (
                shelf.list(&query),
                shelf.place.find(TenantKey::DEFAULT, &query),
            );
            if fits {
                assert_eq!(list.unwrap(), 1);
                assert!(found.unwrap().is_some());
            } else {
                shelf.refused(list, "include");
                shelf.refused(found, "include");
            }
        }
        // Every book with its shelf and all the books of that.
        for (rows, inner) in [(20, 20), (200, 200), (1, 200)] {
            let books = shelf.query("books", inner);
            let of_shelf = shelf.with(shelf.query("shelves", 1), "shelves", "books", books);
            let query = shelf.with(shelf.query("books", rows), "books", "shelf", of_shelf);
            shelf.refused(shelf.list(&query), "include");
        }
    }
}

#[test]
fn a_record_of_its_own_size_is_refused_by_itself() {
    for shelf in Shelf::both("bound record") {
        let books = shelf.resource("books");
        let mut query = shelf.query("books", 1);
        for (number, length, fits) in [
            (300, 1_000_000, true),
            (301, 1_100_000, false),
            (302, 3_000_000, false),
        ] {
            shelf
                .place
                .insert(TenantKey::DEFAULT, books, vec![shelf.book(number, length)]);
            query.predicate =
                Predicate::compare(books.key, CompareOp::Eq, Value::Id(id(5, number + 1)));
            query.fields = everything(books).fields;
            let found = shelf.place.find(TenantKey::DEFAULT, &query);
            if fits {
                assert!(found.unwrap().is_some());
            } else {
                shelf.refused(found, "fields");
            }
            // Without its text it can be read.
            query.fields = vec![books.key];
            let found = shelf.place.find(TenantKey::DEFAULT, &query);
            assert!(found.unwrap().is_some());
        }
    }
}

#[test]
fn what_is_asked_for_may_be_larger_than_the_answer() {
    for shelf in Shelf::both("bound asked") {
        let books = shelf.resource("books");
        let text = books.field_named("text").unwrap();
        let mut query = shelf.query("books", 5);
        let long = Value::Text("y".repeat(4_000_000));
        query.predicate = Predicate::compare(text, CompareOp::Eq, long);
        assert_eq!(shelf.list(&query).unwrap(), 0);
    }
}
