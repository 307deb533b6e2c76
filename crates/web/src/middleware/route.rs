//! Naming the route of requests that axum itself matched. Handlers that match on their own call
//! `RequestInfo::set_route`.

use crate::request_info::RequestInfo;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

/// For `Router::route_layer(axum::middleware::from_fn(label_route))`: the matched template
/// becomes the route of metrics and logs.
pub async fn label_route(request: Request, next: Next) -> Response {
    if let Some(info) = RequestInfo::find(request.extensions())
        && let Some(matched) = request.extensions().get::<MatchedPath>()
    {
        info.set_route(matched.as_str().to_owned());
    }
    next.run(request).await
}
