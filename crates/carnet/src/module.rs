//! What modules of an application are made of, and what logic has of the world outside.

use carnet_client::Client;
use carnet_records::logic::Call;
use carnet_telemetry::metrics::Custom;

pub use carnet_client::{Answer as HttpAnswer, Client as HttpClient, Error as HttpError};
pub use carnet_server::{Handle, Module};
pub use carnet_telemetry::metrics::Custom as Metrics;

/// What logic has of the platform beside the data.
pub trait Outside {
    /// The client for services outside, on behalf of this request: its correlation id goes along,
    /// and nothing takes longer than until its deadline. A write logic asks the outside world before
    /// its first access to data, or is `late`.
    fn http(&self) -> HttpClient;

    /// The metrics of the application, under its name.
    fn metrics(&self) -> Metrics;
}

impl Outside for Call {
    fn http(&self) -> Client {
        let client = self.component::<Client>();
        let client = client.map_or_else(Client::default, |client| client.as_ref().clone());
        client.on_behalf(self.correlation(), self.deadline())
    }

    fn metrics(&self) -> Custom {
        let metrics = self.component::<Custom>();
        metrics.map_or_else(|| Custom::new("app"), |metrics| metrics.as_ref().clone())
    }
}
