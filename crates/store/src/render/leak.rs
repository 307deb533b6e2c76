//! Which predicates row-level security keeps from every index (PostgreSQL): those whose operator
//! or function is not leakproof. Stored shapes are chosen so that few are.

use super::text::TextTest;
use carnet_expr::{Operand, Path, Predicate};
use carnet_kernel::Value;
use carnet_model::{Field, ModelView, Resource, Storage};

/// Whether some test of `predicate`, inner ones included, is not leakproof.
pub(super) fn leaks(view: &ModelView, resource: &Resource, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::True | Predicate::False => false,
        Predicate::And(list) | Predicate::Or(list) => {
            list.iter().any(|member| leaks(view, resource, member))
        }
        Predicate::Not(inner) => leaks(view, resource, inner),
        // Every scalar column is of a type whose comparisons are leakproof; jsonb is not.
        Predicate::Compare { left, right, .. } => match (left, right) {
            (Operand::Value(_), Operand::Value(_)) => false,
            (Operand::Path(path), Operand::Value(value))
            | (Operand::Value(value), Operand::Path(path)) => {
                !value.is_null() && holds_json(view, resource, path)
            }
            (Operand::Path(path), Operand::Path(_)) => holds_json(view, resource, path),
        },
        Predicate::In { operand, list } => match operand {
            Operand::Value(_) => false,
            Operand::Path(path) => {
                list.iter().any(|value| matches!(value, Value::Json(_)))
                    && holds_json(view, resource, path)
            }
        },
        Predicate::IsNull(_) => false,
        Predicate::Search { .. } => true,
        Predicate::Text { op, pattern, .. } => TextTest::new(*op, pattern).leaky(),
        Predicate::Exists {
            steps,
            relation,
            predicate,
        } => {
            let mut holder = resource;
            for step in steps {
                holder = view.resource(holder.relation(*step).target);
            }
            let target = view.resource(holder.relation(*relation).target);
            leaks(view, target, predicate)
        }
    }
}

fn holds_json(view: &ModelView, resource: &Resource, path: &Path) -> bool {
    let mut holder = resource;
    for step in &path.steps {
        holder = view.resource(holder.relation(*step).target);
    }
    let field: &Field = holder.field(path.field);
    field.kind.is_json() && holder.storage == Storage::Table
}
