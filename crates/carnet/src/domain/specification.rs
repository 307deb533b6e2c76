//! Specifications: a rule about a thing, with a name, that is asked and put together like a
//! condition. Not a filter of the database.

use carnet_kernel::Refusal;

/// A rule that a `T` meets or does not. Every `Fn(&T) -> bool` is one.
///
/// ```
/// use carnet::prelude::*;
///
/// struct Product { active: bool, stock: u32 }
///
/// fn is_active(product: &Product) -> bool { product.active }
/// fn in_stock(at_least: u32) -> impl Specification<Product> {
///     move |product: &Product| product.stock >= at_least
/// }
///
/// let sellable = is_active.and(in_stock(1));
/// let product = Product { active: true, stock: 0 };
/// assert!(!sellable.is_met_by(&product));
/// let refusal = sellable.require(&product, || Refusal::rule_violated("the product cannot be sold"));
/// assert_eq!(refusal.unwrap_err().code, Code::RuleViolated);
/// ```
pub trait Specification<T: ?Sized> {
    /// Whether `thing` meets the rule.
    fn is_met_by(&self, thing: &T) -> bool;

    /// Both rules.
    fn and<S: Specification<T>>(self, other: S) -> And<Self, S>
    where
        Self: Sized,
    {
        And(self, other)
    }

    /// One of both rules, or both.
    fn or<S: Specification<T>>(self, other: S) -> Or<Self, S>
    where
        Self: Sized,
    {
        Or(self, other)
    }

    /// The opposite.
    fn not(self) -> Not<Self>
    where
        Self: Sized,
    {
        Not(self)
    }

    /// Refuses a `thing` that does not meet the rule.
    fn require(&self, thing: &T, refusal: impl FnOnce() -> Refusal) -> Result<(), Refusal>
    where
        Self: Sized,
    {
        if self.is_met_by(thing) {
            Ok(())
        } else {
            Err(refusal())
        }
    }
}

impl<T: ?Sized, F: Fn(&T) -> bool> Specification<T> for F {
    fn is_met_by(&self, thing: &T) -> bool {
        self(thing)
    }
}

/// Both rules: [`Specification::and`].
#[derive(Clone, Copy, Debug)]
pub struct And<A, B>(A, B);

/// One of two rules: [`Specification::or`].
#[derive(Clone, Copy, Debug)]
pub struct Or<A, B>(A, B);

/// The opposite of a rule: [`Specification::not`].
#[derive(Clone, Copy, Debug)]
pub struct Not<A>(A);

impl<T: ?Sized, A: Specification<T>, B: Specification<T>> Specification<T> for And<A, B> {
    fn is_met_by(&self, thing: &T) -> bool {
        self.0.is_met_by(thing) && self.1.is_met_by(thing)
    }
}

impl<T: ?Sized, A: Specification<T>, B: Specification<T>> Specification<T> for Or<A, B> {
    fn is_met_by(&self, thing: &T) -> bool {
        self.0.is_met_by(thing) || self.1.is_met_by(thing)
    }
}

impl<T: ?Sized, A: Specification<T>> Specification<T> for Not<A> {
    fn is_met_by(&self, thing: &T) -> bool {
        !self.0.is_met_by(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_put_together_as_conditions_are() {
        let even = |number: &i32| number % 2 == 0;
        let large = |number: &i32| *number > 10;
        for number in [0, 1, 11, 12] {
            let (a, b) = (even(&number), large(&number));
            assert_eq!(even.and(large).is_met_by(&number), a && b);
            assert_eq!(even.or(large).is_met_by(&number), a || b);
            assert_eq!(even.and(large.not()).is_met_by(&number), a && !b);
            assert_eq!(even.or(large).not().is_met_by(&number), !(a || b));
        }
    }
}
