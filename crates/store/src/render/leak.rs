//! Which predicates row-level security keeps from every index (PostgreSQL): those whose operator
//! or function is not leakproof. Stored shapes are chosen so that few are.

use super::text::TextTest;
use carnet_expr::{Aggregate, Operand, Path, Predicate, RelationIndex};
use carnet_kernel::Value;
use carnet_model::{Field, ModelView, Resource, Storage};

/// Whether some test of `predicate`, inner ones included, is not leakproof.
pub(super) fn leaks(view: &ModelView, resource: &Resource, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::True | Predicate::False => false,
        Predicate::And(list) | Predicate::Or(list) => {
            list.iter().any(|member| leaks(view, resource, member))
        }
        Predicate::Not(inner) | Predicate::Holds(inner) => leaks(view, resource, inner),
        // Every scalar column is of a type whose comparisons are leakproof; jsonb is not.
        Predicate::Compare { left, right, .. } => match (left, right) {
            (Operand::Value(_), Operand::Value(_)) => false,
            (Operand::Path(path), Operand::Value(value))
            | (Operand::Value(value), Operand::Path(path)) => {
                !value.is_null() && holds_json(view, resource, path)
            }
            (Operand::Path(path), Operand::Path(_)) => holds_json(view, resource, path),
            (Operand::Aggregate(aggregate), _) | (_, Operand::Aggregate(aggregate)) => {
                aggregate_leaks(view, resource, aggregate)
            }
        },
        Predicate::In { operand, list } => match operand {
            Operand::Value(_) => false,
            Operand::Aggregate(aggregate) => aggregate_leaks(view, resource, aggregate),
            Operand::Path(path) => {
                list.iter().any(|value| matches!(value, Value::Json(_)))
                    && holds_json(view, resource, path)
            }
        },
        Predicate::IsNull(Operand::Path(path)) => !path.inside.is_empty(),
        Predicate::IsNull(Operand::Aggregate(aggregate)) => {
            aggregate_leaks(view, resource, aggregate)
        }
        Predicate::IsNull(Operand::Value(_)) => false,
        Predicate::Has { .. } | Predicate::Search { .. } => true,
        Predicate::Text {
            op, pattern, path, ..
        } => TextTest::new(*op, pattern).leaky() || holds_json(view, resource, path),
        Predicate::Exists {
            steps,
            relation,
            predicate,
        } => leaks(view, related(view, resource, steps, *relation), predicate),
    }
}

/// A comparison of the number itself is of a subquery and serves no index; what the records are
/// chosen by may.
pub(super) fn aggregate_leaks(
    view: &ModelView,
    resource: &Resource,
    aggregate: &Aggregate,
) -> bool {
    let target = related(view, resource, &aggregate.steps, aggregate.relation);
    leaks(view, target, &aggregate.predicate)
}

fn related<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
    steps: &[RelationIndex],
    relation: RelationIndex,
) -> &'v Resource {
    let mut holder = resource;
    for step in steps {
        holder = view.resource(holder.relation(*step).target);
    }
    view.resource(holder.relation(relation).target)
}

fn holds_json(view: &ModelView, resource: &Resource, path: &Path) -> bool {
    let mut holder = resource;
    for step in &path.steps {
        holder = view.resource(holder.relation(*step).target);
    }
    let field: &Field = holder.field(path.field);
    field.kind.is_json() && (holder.storage == Storage::Table || !path.inside.is_empty())
}
