//! Value objects: one value with its rules, which cannot be made without them. Not a check of
//! values that exist already.

/// Makes a type that holds one value which keeps the rules: there is no other way to one.
///
/// The closure takes the raw value and returns the one to keep, or what is
/// [`Invalid`](crate::domain::Invalid) about it. The type gets `new`, `get`, `into_inner`,
/// `TryFrom`, `AsRef`, `Display`, `Clone`, `Debug`, `PartialEq`, and serde's traits, of which
/// reading goes through the closure. Further derives stand above the struct.
///
/// ```
/// use carnet::prelude::*;
///
/// carnet::value_object! {
///     /// The number of a product in the catalogue: `PAP-0042`.
///     #[derive(Eq, Hash, PartialOrd, Ord)]
///     pub struct Sku(String) = |text| {
///         let text = text.trim().to_uppercase();
///         ensure!(
///             text.len() == 8 && text.contains('-'),
///             Invalid::new("format", "a number is written like `PAP-0042`")
///         );
///         Ok(text)
///     };
/// }
///
/// # fn main() -> Result<(), Refusal> {
/// let sku = Sku::new(" pap-0042").at("sku")?;
/// assert_eq!(sku.get(), "PAP-0042");
/// assert_eq!(Sku::new("pap").unwrap_err().rule, "format");
/// assert!(serde_json::from_str::<Sku>("\"pap\"").is_err());
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! value_object {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident($inner:ty) = $read:expr;) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        $visibility struct $name($inner);

        impl $name {
            /// The value, if it keeps the rules.
            $visibility fn new(
                value: impl ::core::convert::Into<$inner>,
            ) -> ::core::result::Result<Self, $crate::domain::Invalid> {
                let read: fn($inner) -> ::core::result::Result<$inner, $crate::domain::Invalid> =
                    $read;
                read(value.into()).map(Self)
            }

            /// What it holds.
            #[allow(dead_code, reason = "not every value is looked into")]
            $visibility fn get(&self) -> &$inner {
                &self.0
            }

            /// What it held.
            #[allow(dead_code, reason = "not every value is taken apart")]
            $visibility fn into_inner(self) -> $inner {
                self.0
            }
        }

        impl ::core::convert::TryFrom<$inner> for $name {
            type Error = $crate::domain::Invalid;

            fn try_from(value: $inner) -> ::core::result::Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl ::core::convert::AsRef<$inner> for $name {
            fn as_ref(&self) -> &$inner {
                &self.0
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, out: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, out)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let value = <$inner as $crate::serde::Deserialize>::deserialize(deserializer)?;
                Self::new(value).map_err(<D::Error as $crate::serde::de::Error>::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::domain::Invalid;

    crate::value_object! {
        /// A share of a whole in per cent.
        #[derive(Copy, Eq, PartialOrd, Ord)]
        struct Percent(i64) = |value| {
            crate::ensure!(
                (0..=100).contains(&value),
                Invalid::new("range", format!("`{value}` is not from 0 to 100"))
            );
            Ok(value)
        };
    }

    #[test]
    fn there_is_no_value_without_its_rules() {
        let half = Percent::new(50).unwrap();
        assert_eq!(Percent::try_from(50), Ok(half));
        assert_eq!(half.to_string(), "50");
        assert_eq!(serde_json::to_string(&half).unwrap(), "50");
        assert_eq!(serde_json::from_str::<Percent>("50").unwrap(), half);
        let error = serde_json::from_str::<Percent>("101").unwrap_err();
        assert!(error.to_string().starts_with("`101` is not from 0 to 100"));
    }
}
