//! What an application brings for its logic: its own clients and services, found by their type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Components by type. Cheap to clone.
#[derive(Clone, Default)]
pub struct Components {
    by_type: HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>,
}

impl Components {
    /// Adds a component.
    ///
    /// Errors: the name of its type when there is one already.
    pub fn insert<T: Send + Sync + 'static>(
        &mut self,
        component: Arc<T>,
    ) -> Result<(), &'static str> {
        let name = type_name::<T>();
        match self.by_type.insert(TypeId::of::<T>(), (name, component)) {
            None => Ok(()),
            Some(_) => Err(name),
        }
    }

    /// The component of a type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let (_, component) = self.by_type.get(&TypeId::of::<T>())?;
        Arc::clone(component).downcast().ok()
    }

    /// Takes over those of another set; the names of types that were there already.
    pub(crate) fn merge(&mut self, other: Self) -> Vec<&'static str> {
        let mut twice = Vec::new();
        for (kind, (name, component)) in other.by_type {
            if self.by_type.insert(kind, (name, component)).is_some() {
                twice.push(name);
            }
        }
        twice
    }

    pub(crate) fn has(&self, kind: TypeId) -> bool {
        self.by_type.contains_key(&kind)
    }
}

impl fmt::Debug for Components {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.by_type.values().map(|(name, _)| name);
        out.debug_list().entries(names).finish()
    }
}
