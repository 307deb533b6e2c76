//! The limit on request bodies, known in advance or found while reading, and what becomes of a
//! body nobody reads. Not the reading: see `body`.

use crate::body::TooLarge;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long and how far the rest of a refused body is still taken from the wire. A client that
/// is cut off while it sends often sees a broken connection instead of the answer.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 256 << 20;

/// Puts the limit on `body`; a body that announces more is refused at once.
pub(crate) fn limit(body: Body, headers: &HeaderMap, limit: u64) -> Result<Body, TooLarge> {
    if body.is_end_stream() {
        return Ok(body);
    }
    let announced = body.size_hint().lower();
    let limited = Limited {
        inner: Some(body),
        left: limit,
        limit,
        // A client that waits for `100 Continue` has sent nothing yet, and reading would ask
        // it to.
        untouched: headers.contains_key(header::EXPECT),
    };
    if announced > limit {
        Err(TooLarge { limit })
    } else {
        Ok(Body::new(limited))
    }
}

struct Limited {
    inner: Option<Body>,
    left: u64,
    limit: u64,
    /// Nothing was sent yet, so nothing need be taken from the wire.
    untouched: bool,
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        self.untouched = false;
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(inner).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left.checked_sub(size) else {
                    self.release();
                    let limit = self.limit;
                    return Poll::Ready(Some(Err(TooLarge { limit }.into())));
                };
                self.left = left;
            }
            Poll::Ready(Some(Err(_)) | None) => self.inner = None,
            Poll::Pending => {}
        }
        polled.map_err(axum::Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Limited {
    /// Gives up the body, taking the rest of it from the wire within bounds.
    fn release(&mut self) {
        let Some(mut body) = self.inner.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.untouched {
            return;
        }
        runtime.spawn(async move {
            let drain = async {
                let mut taken = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    taken += frame.data_ref().map_or(0, Bytes::len);
                    if taken > LINGER_BYTES {
                        break;
                    }
                }
            };
            // Either end is an end: the rest is taken or given up.
            tokio::time::timeout(LINGER, drain).await.unwrap_or(());
        });
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A body of `count` frames of ten bytes that counts how many were taken.
    fn counted(count: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let frames = stream::iter((0..count).map(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))
        }));
        (Body::from_stream(frames), taken)
    }

    #[tokio::test]
    async fn exactly_the_limit_passes() {
        let (body, _) = counted(3);
        let body = limit(body, &HeaderMap::new(), 30).unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 30);
    }

    #[tokio::test]
    async fn one_byte_more_does_not_and_the_rest_is_taken() {
        let (body, taken) = counted(9);
        let mut body = limit(body, &HeaderMap::new(), 29).unwrap();
        let mut read = 0;
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => read += frame.into_data().unwrap().len(),
                Err(error) => break error,
            }
        };
        assert_eq!(read, 20);
        assert!(error.into_inner().is::<TooLarge>());
        tokio::task::yield_now().await;
        assert_eq!(taken.load(Ordering::SeqCst), 9);
    }

    #[tokio::test]
    async fn an_announced_size_is_refused_unread() {
        let body = Body::from(vec![0_u8; 31]);
        assert_eq!(
            limit(body, &HeaderMap::new(), 30).err(),
            Some(TooLarge { limit: 30 })
        );
    }

    #[tokio::test]
    async fn a_body_nobody_reads_is_taken_unless_the_client_waits() {
        for (expect, expected) in [(false, 4), (true, 0)] {
            let (body, taken) = counted(4);
            let mut headers = HeaderMap::new();
            if expect {
                headers.insert(header::EXPECT, "100-continue".parse().unwrap());
            }
            drop(limit(body, &headers, 100).unwrap());
            tokio::task::yield_now().await;
            assert_eq!(taken.load(Ordering::SeqCst), expected);
        }
    }
}
