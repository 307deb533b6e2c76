//! What a handler of an application's own route has: the request's context and the platform, as an
//! axum extractor.

use crate::handle::Handle;
use axum::extract::FromRequestParts;
use carnet_client::Client;
use carnet_kernel::{Code, Context, Id, Principal, Refusal, TenantKey, Timestamp};
use carnet_records::logic::{Request, Response};
use carnet_telemetry::metrics::Custom;
use carnet_web::Problem;
use http::request::Parts;
use std::any::type_name;
use std::sync::Arc;
use std::time::Instant;

/// The context of a request and the platform: an extractor of handlers that stand in `Routes`.
#[derive(Clone, Debug)]
pub struct Http {
    handle: Handle,
    context: Context,
}

impl<S: Send + Sync> FromRequestParts<S> for Http {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let handle = parts.extensions.get::<Handle>().cloned();
        let context = parts.extensions.get::<Context>().cloned();
        match (handle, context) {
            (Some(handle), Some(context)) => Ok(Self { handle, context }),
            _ => Err(Problem::new(
                Code::Internal,
                "`Http` is for handlers of the application's routes alone",
            )),
        }
    }
}

impl Http {
    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.context.principal
    }

    /// Lets nobody pass who has not this role.
    ///
    /// Errors: `FORBIDDEN`; `UNAUTHENTICATED` when nobody is signed in.
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        self.context.require_role(role)
    }

    /// Whose data is touched.
    pub fn tenant(&self) -> TenantKey {
        self.context.tenant
    }

    /// What joins everything that the request set in motion.
    pub fn correlation(&self) -> Id {
        self.context.correlation
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.context.deadline
    }

    /// All that is known of the request.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.handle.now()
    }

    /// A new id, larger than every one before.
    pub fn next_id(&self) -> Id {
        self.handle.next_id()
    }

    /// The component of a type.
    ///
    /// Errors: `INTERNAL` when none was added.
    pub fn component<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Refusal> {
        self.handle.component().ok_or_else(|| {
            let message = format!("there is no component `{}`", type_name::<T>());
            Refusal::new(Code::Internal, message)
        })
    }

    /// The client for services outside, on behalf of this request: its correlation id goes along.
    pub fn http(&self) -> Client {
        let client = self.handle.http();
        client.on_behalf(self.context.correlation, self.context.deadline)
    }

    /// The metrics of the application.
    pub fn metrics(&self) -> Custom {
        self.handle.metrics()
    }

    /// Carries out one thing as the caller of this request, with the logic and the hooks that stand
    /// there, in a transaction of its own.
    pub async fn perform(&self, request: Request) -> Result<Response, Refusal> {
        self.handle.perform_as(&self.context, request).await
    }

    /// The platform without the request.
    pub fn platform(&self) -> &Handle {
        &self.handle
    }
}
