//! Aggregates: a root that guards the rules of what belongs to it and tells what has happened. Not
//! the delivery of events.

use super::Entity;

/// What has happened to an aggregate since it was loaded, in order.
#[derive(Clone, Debug)]
pub struct DomainEvents<E>(Vec<E>);

impl<E> DomainEvents<E> {
    /// One more thing has happened.
    pub fn record(&mut self, event: E) {
        self.0.push(event);
    }

    /// Everything that has happened; it is forgotten here.
    pub fn take(&mut self) -> Vec<E> {
        std::mem::take(&mut self.0)
    }

    /// What has happened, still to be taken.
    pub fn pending(&self) -> &[E] {
        &self.0
    }
}

impl<E> Default for DomainEvents<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The one entity through which everything that belongs to it is changed. Its methods keep the
/// rules and record what has happened; who stores it takes the events along, once.
///
/// ```
/// use carnet::prelude::*;
///
/// #[derive(Debug, PartialEq)]
/// enum OrderEvent {
///     LineAdded { sku: String },
/// }
///
/// struct Order {
///     id: u64,
///     lines: Vec<String>,
///     events: DomainEvents<OrderEvent>,
/// }
///
/// carnet::entity!(Order, id: u64);
///
/// impl AggregateRoot for Order {
///     type Event = OrderEvent;
///
///     fn events(&mut self) -> &mut DomainEvents<OrderEvent> {
///         &mut self.events
///     }
/// }
///
/// impl Order {
///     fn add(&mut self, sku: &str) -> Result<(), Refusal> {
///         ensure!(self.lines.len() < 50, Refusal::limit_exceeded("an order has at most 50 lines"));
///         self.lines.push(sku.to_owned());
///         self.record(OrderEvent::LineAdded { sku: sku.to_owned() });
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Refusal> {
/// let mut order = Order { id: 1, lines: Vec::new(), events: DomainEvents::default() };
/// order.add("PAP-0042")?;
/// assert_eq!(order.take_events().len(), 1);
/// assert!(order.take_events().is_empty());
/// # Ok(())
/// # }
/// ```
pub trait AggregateRoot: Entity {
    /// What can happen to it.
    type Event;

    /// Where it keeps what has happened.
    fn events(&mut self) -> &mut DomainEvents<Self::Event>;

    /// One more thing has happened.
    fn record(&mut self, event: Self::Event) {
        self.events().record(event);
    }

    /// Everything that has happened since it was loaded or last asked.
    fn take_events(&mut self) -> Vec<Self::Event> {
        self.events().take()
    }
}
