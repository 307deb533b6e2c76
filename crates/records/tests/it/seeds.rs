//! Seeds against databases: written once, repeatable, never over what somebody changed.

#![cfg(test)]

use crate::world::{World, code};
use carnet_kernel::{Code, Refusal};
use carnet_records::seed::{Report, SeedFile, apply, read};
use serde_json::{Value, json};

crate::on_both!(
    written_once,
    references_in_any_order,
    changed_seeds,
    overwritten,
    faults_name_their_line,
    a_run_that_was_cut_off,
    labels_that_move,
    two_runs_at_once,
    what_was_filled_is_measured,
);

async fn run(world: &World, files: &[(&str, &str)], overwrite: bool) -> Result<Report, Refusal> {
    let files = files
        .iter()
        .map(|(name, text)| SeedFile {
            name: (*name).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    let set =
        read(world.view.model(), files).unwrap_or_else(|faults| panic!("{}", faults.join("\n")));
    apply(&world.operations, &world.context, &set, overwrite).await
}

fn report(created: usize, updated: usize, unchanged: usize, kept: usize) -> Report {
    Report {
        created,
        updated,
        unchanged,
        kept,
    }
}

const CATEGORIES: (&str, &str) = (
    "01-categories.yaml",
    "- { $label: top, name: Top, unitId: { $ref: kg } }\n- { $label: sub, name: Sub, parentId: { $ref: top } }\n",
);
const PRODUCTS: (&str, &str) = (
    "02-products.csv",
    "$label,name,price,tags,categoryId\npen,Pen,1.50,\"[\"\"a\"\"]\",$ref:sub\nink,Ink,,,\n",
);
const UNITS: (&str, &str) = ("00-units.json", r#"[{"$label":"kg","code":"kg"}]"#);

async fn written_once(world: World) {
    let files = [UNITS, CATEGORIES, PRODUCTS];
    assert_eq!(run(&world, &files, false).await, Ok(report(5, 0, 0, 0)));
    let (rows, _) = world
        .list("products", "filter[name]=Pen&include=category.parent.unit")
        .await
        .unwrap();
    assert_eq!(rows[0]["category"]["parent"]["unit"]["code"], "kg");
    assert_eq!(
        (&rows[0]["price"], &rows[0]["tags"]),
        (&json!("1.50"), &json!(["a"]))
    );
    let journal = world.journal(100).await;
    let before = world.operations.store().counters();
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 5, 0)));
    assert_eq!(run(&world, &files, true).await, Ok(report(0, 0, 5, 0)));
    let after = world.operations.store().counters();
    assert_eq!(
        after.commits, before.commits,
        "a run with nothing to do writes nothing"
    );
    assert_eq!(world.journal(100).await, journal);
}

async fn references_in_any_order(world: World) {
    let files = [
        (
            "01-products.yaml",
            "- { $label: pen, name: Pen, categoryId: { $ref: sub } }\n",
        ),
        (
            "02-categories.yaml",
            "- { $label: sub, name: Sub, parentId: { $ref: top } }\n- { $label: top, name: Top }\n",
        ),
        (
            "03-tokens.yaml",
            "- { $label: a, name: a, nextId: { $ref: b } }\n- { $label: b, name: b, nextId: { $ref: a } }\n- { $label: c, name: c, nextId: { $ref: c } }\n",
        ),
    ];
    assert_eq!(run(&world, &files, false).await, Ok(report(6, 0, 0, 0)));
    let (rows, _) = world
        .list("products", "include=category.parent")
        .await
        .unwrap();
    assert_eq!(rows[0]["category"]["parent"]["name"], "Top");
    let (rows, _) = world
        .list("tokens", "include=next&sort=name")
        .await
        .unwrap();
    let next: Vec<&Value> = rows.iter().map(|row| &row["next"]["name"]).collect();
    assert_eq!(next, ["b", "a", "c"]);
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 6, 0)));
}

async fn changed_seeds(world: World) {
    run(&world, &[UNITS, CATEGORIES, PRODUCTS], false)
        .await
        .unwrap();
    let (rows, _) = world.list("products", "sort=name").await.unwrap();
    let ink = rows[0]["id"].as_str().unwrap();
    world
        .patch("products", ink, r#"{"stock":5}"#, None)
        .await
        .unwrap();
    let changed = (
        "02-products.csv",
        "$label,name,price,tags,categoryId\npen,Pen,2.00,,$ref:sub\nink,Ink,9.00,,\nnib,Nib,,,\n",
    );
    let files = [UNITS, CATEGORIES, changed];
    assert_eq!(run(&world, &files, false).await, Ok(report(1, 1, 3, 1)));
    let (rows, _) = world.list("products", "sort=name").await.unwrap();
    let short: Vec<[&Value; 4]> = rows
        .iter()
        .map(|row| [&row["name"], &row["price"], &row["stock"], &row["version"]])
        .collect();
    assert_eq!(
        json!(short),
        json!([
            ["Ink", null, 5, 2],
            ["Nib", null, 0, 1],
            ["Pen", "2.00", 0, 2]
        ])
    );
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 5, 1)));
    // What somebody deleted stays away.
    let pen = rows[2]["id"].as_str().unwrap();
    world.delete("products", pen, None).await.unwrap();
    let again = (
        "02-products.csv",
        "$label,name,price\npen,Pen,3.00\nink,Ink,9.00\nnib,Nib,\n",
    );
    assert_eq!(
        run(&world, &[UNITS, CATEGORIES, again], false).await,
        Ok(report(0, 0, 4, 2))
    );
}

async fn overwritten(world: World) {
    run(&world, &[UNITS, CATEGORIES, PRODUCTS], false)
        .await
        .unwrap();
    let (rows, _) = world.list("products", "filter[name]=Pen").await.unwrap();
    let pen = rows[0]["id"].as_str().unwrap();
    world
        .patch("products", pen, r#"{"stock":5}"#, None)
        .await
        .unwrap();
    let changed = (
        "02-products.csv",
        "$label,name,price\npen,Pen,2.00\nink,Ink,\n",
    );
    let files = [UNITS, CATEGORIES, changed];
    assert_eq!(run(&world, &files, true).await, Ok(report(0, 1, 4, 0)));
    let pen = world.read("products", pen, "").await.unwrap();
    assert_eq!(
        (&pen["stock"], &pen["price"], &pen["version"]),
        (&json!(0), &json!("2.00"), &json!(3))
    );
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 5, 0)));
}

async fn faults_name_their_line(world: World) {
    let told = |file: (&'static str, &'static str)| {
        let world = world.clone();
        async move {
            let refusal = run(&world, &[file], false).await.unwrap_err();
            assert_eq!(refusal.code, Code::SeedInvalid);
            refusal.message
        }
    };
    assert_eq!(
        told((
            "01-products.yaml",
            "- { $label: a, name: a }\n- { $label: b, nam: b }\n"
        ))
        .await,
        "01-products.yaml, line 2: 2 rules are broken
  nam: there is no field `nam` (did you mean `name`?)
  name: it is required"
    );
    assert_eq!(
        told((
            "01-products.yaml",
            "- { $label: a, name: a, sku: S }\n- { $label: b, name: b, sku: S }\n"
        ))
        .await,
        "01-products.yaml, line 2: another record has the same sku\n  sku: another record has the same sku"
    );
    assert_eq!(
        told((
            "01-products.yaml",
            "- { $label: a, name: a, categoryId: 0000000000000000000000000A }\n"
        ))
        .await,
        "01-products.yaml, line 1: `categoryId` refers to a record that does not exist
  categoryId: `categoryId` refers to a record that does not exist"
    );
    assert_eq!(world.list("products", "").await.unwrap().1, Some(0));
    // Corrected, the same labels are written.
    let good = (
        "01-products.yaml",
        "- { $label: a, name: a, sku: S }\n- { $label: b, name: b }\n",
    );
    assert_eq!(run(&world, &[good], false).await, Ok(report(2, 0, 0, 0)));
    assert_eq!(
        code(world.create("products", r#"{"name":"c","sku":"S"}"#).await),
        Code::UniqueViolation
    );
}

async fn a_run_that_was_cut_off(world: World) {
    let files = [
        (
            "01-products.yaml",
            "- { $label: pen, name: Pen, categoryId: { $ref: top } }\n- { $label: ink, name: Ink }\n",
        ),
        ("02-categories.yaml", "- { $label: top, name: Top }\n"),
    ];
    run(&world, &files, false).await.unwrap();
    // As after a stop between the records and what had to wait: announced, without the reference.
    let (rows, _) = world.list("products", "filter[name]=Pen").await.unwrap();
    let pen = rows[0]["id"].as_str().unwrap();
    world.delete("products", pen, None).await.unwrap();
    let bare = carnet_records::Command::Create {
        resource: world.index("products"),
        body: r#"{"name":"Pen"}"#.to_owned(),
    };
    world.run(bare).await.unwrap();
    let (rows, _) = world.list("products", "filter[name]=Pen").await.unwrap();
    let again = crate::world::key(rows[0]["id"].as_str().unwrap());
    let params = [carnet_store::Param::Value(carnet_kernel::Value::Id(again))];
    world
        .operations
        .store()
        .system()
        .execute(&[
            ("update {home}carnet_seeds set version = 0", &[]),
            (
                "update {home}carnet_seeds set record = $1 where label = 'pen'",
                &params,
            ),
        ])
        .await
        .unwrap();
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 1, 2, 0)));
    let (rows, _) = world
        .list("products", "filter[name]=Pen&include=category")
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["category"]["name"], "Top");
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 3, 0)));
}

async fn labels_that_move(world: World) {
    let before = [("01-products.yaml", "- { $label: x, name: Pen }\n")];
    run(&world, &before, false).await.unwrap();
    let after = [
        ("01-categories.yaml", "- { $label: x, name: Top }\n"),
        (
            "02-products.yaml",
            "- { $label: y, name: Pen, categoryId: { $ref: x } }\n",
        ),
    ];
    assert_eq!(run(&world, &after, false).await, Ok(report(2, 0, 0, 0)));
    assert_eq!(run(&world, &after, false).await, Ok(report(0, 0, 2, 0)));
    let names = world.names("products", "filter[category.name]=Top", "name");
    assert_eq!(names.await, ["Pen"]);
}

async fn two_runs_at_once(world: World) {
    let files = [UNITS, CATEGORIES, PRODUCTS];
    let (one, two) = tokio::join!(run(&world, &files, false), run(&world, &files, false));
    for result in [one, two] {
        if let Err(refusal) = result {
            assert_eq!(refusal.code, Code::VersionConflict, "{}", refusal.message);
        }
    }
    // Whoever came too late finds the rest done or does it.
    run(&world, &files, false).await.unwrap();
    for (resource, count) in [("units", 1), ("categories", 2), ("products", 2)] {
        assert_eq!(world.list(resource, "").await.unwrap().1, Some(count));
    }
    assert_eq!(run(&world, &files, false).await, Ok(report(0, 0, 5, 0)));
}

/// Without statistics PostgreSQL plans nested conditions for tables of a row or two.
async fn what_was_filled_is_measured(world: World) {
    let before = world.measured("app.products").await;
    assert!(before.is_none_or(|rows| rows < 0.0), "{before:?}");
    let files = [UNITS, CATEGORIES, PRODUCTS];
    run(&world, &files, false).await.unwrap();
    for (table, rows) in [("products", 2.0), ("categories", 2.0), ("units", 1.0)] {
        let found = world.measured(&format!("app.{table}")).await;
        assert_eq!(found.unwrap_or(rows), rows, "{table}");
        assert_eq!(found.is_some(), world.is_postgres());
    }
}
