//! A request without an answer in time ends with `TIMEOUT`. Not the budgets of transactions.

use crate::problem::Problem;
use crate::request_info::RequestInfo;
use carnet_kernel::Code;

/// Runs `future` until the request's deadline. What it had begun is dropped and rolls back.
pub(crate) async fn until_deadline<T>(
    info: &RequestInfo,
    future: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let Some(deadline) = info.give_up_at() else {
        return future.await;
    };
    tokio::time::timeout_at(deadline, future)
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(
                Code::Timeout,
                "the request took longer than allowed",
            ))
        })
}
