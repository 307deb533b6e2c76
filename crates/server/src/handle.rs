//! The platform as code outside of operations has it: modules that start and stop, routes of an
//! application. Inside of operations there is the `Call`.

use carnet_client::Client;
use carnet_kernel::{Context, Id, Principal, Refusal, TenantKey, Timestamp};
use carnet_records::Operations;
use carnet_records::logic::{Components, Request, Response};
use carnet_telemetry::metrics::Custom;
use std::fmt;
use std::sync::Arc;

/// What the platform offers. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    operations: Operations,
    components: Components,
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handle")
            .field("components", &self.shared.components)
            .finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(operations: Operations, components: Components) -> Self {
        Self {
            shared: Arc::new(Shared {
                operations,
                components,
            }),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.shared.operations.now()
    }

    /// A new id, larger than every one before.
    pub fn next_id(&self) -> Id {
        self.shared.operations.next_id()
    }

    /// The component of a type.
    pub fn component<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.components.get()
    }

    /// The client for services outside.
    pub fn http(&self) -> Client {
        self.component::<Client>()
            .map_or_else(Client::default, |client| client.as_ref().clone())
    }

    /// The metrics of the application.
    pub fn metrics(&self) -> Custom {
        self.component::<Custom>()
            .map_or_else(|| Custom::new("app"), |metrics| metrics.as_ref().clone())
    }

    /// Carries out one thing as the process itself, with the logic and the hooks that stand there,
    /// in a transaction of its own.
    pub async fn perform(&self, request: Request) -> Result<Response, Refusal> {
        let tenant = TenantKey::DEFAULT;
        let context = Context::new(tenant, Principal::system(), self.next_id());
        self.perform_as(&context, request).await
    }

    /// The same for another caller.
    pub async fn perform_as(
        &self,
        context: &Context,
        request: Request,
    ) -> Result<Response, Refusal> {
        self.shared.operations.perform(context, request).await
    }
}
