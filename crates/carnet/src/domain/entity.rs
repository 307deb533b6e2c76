//! Entities: things that stay the same while their values change. Not their storage.

/// Something with an identity: two of them are the same when their ids are, whatever else differs.
/// [`entity!`](crate::entity) implements it together with equality.
pub trait Entity {
    /// What tells one from another.
    type Id: Eq;

    /// Its identity.
    fn id(&self) -> &Self::Id;

    /// Whether both are the same thing, perhaps at different moments.
    fn is_same_as(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

/// Makes a struct an entity: [`Entity`](crate::domain::Entity), equality and hash by the one field
/// that holds its id.
///
/// ```
/// use carnet::prelude::*;
///
/// #[derive(Clone, Debug)]
/// struct Product {
///     id: u64,
///     name: String,
/// }
///
/// carnet::entity!(Product, id: u64);
///
/// let before = Product { id: 7, name: "Pen".into() };
/// let after = Product { name: "Fountain pen".into(), ..before.clone() };
/// assert_eq!(before, after);
/// assert!(before.is_same_as(&after));
/// ```
#[macro_export]
macro_rules! entity {
    ($entity:ty, $field:ident: $id:ty) => {
        impl $crate::domain::Entity for $entity {
            type Id = $id;

            fn id(&self) -> &$id {
                &self.$field
            }
        }

        impl ::core::cmp::PartialEq for $entity {
            fn eq(&self, other: &Self) -> bool {
                self.$field == other.$field
            }
        }

        impl ::core::cmp::Eq for $entity {}

        impl ::core::hash::Hash for $entity {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(&self.$field, state);
            }
        }
    };
}
