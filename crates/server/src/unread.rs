//! Requests whose head is no HTTP: they reach no router, and the library that reads them answers with
//! a bare head. Here it gets the body that every failure has. Not requests that can be read.

use bytes::Bytes;
use carnet_kernel::{Clock, Code, IdGenerator, Refusal};
use carnet_web::problem::write_envelope;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How the answers begin that may be bare.
const REFUSED: &[u8] = b"HTTP/1.1 4";

/// Every answer that a router gave has this header.
const IDENTIFIED: &[u8] = b"x-request-id:";

/// What an answer to such a request is made of.
#[derive(Clone)]
pub(crate) struct Unread {
    /// Where moments come from.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub(crate) ids: Arc<IdGenerator>,
}

impl fmt::Debug for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Unread")
    }
}

impl Unread {
    /// The answer instead of `head`, when that is a bare one.
    fn instead(&self, head: &[u8]) -> Option<Vec<u8>> {
        if !head.starts_with(REFUSED) || contains(head, IDENTIFIED) {
            return None;
        }
        if !head.ends_with(b"\r\n\r\n") || !contains(head, b"content-length: 0\r\n") {
            return None;
        }
        let (code, reason, message) = match head.get(9..12)? {
            b"400" => (
                Code::MalformedRequest,
                "Bad Request",
                "the head of the request is no HTTP: its method, address, version or a header holds what must not stand there",
            ),
            b"414" => (
                Code::UriTooLong,
                "URI Too Long",
                "the address is longer than allowed",
            ),
            _ => return None,
        };
        let now = self.clock.now();
        let id = self.ids.next(now);
        let body = write_envelope(&Refusal::new(code, message), &id.to_string(), now);
        tracing::debug!(request.id = %id, %code, "a request could not be read");
        let mut answer = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-request-id: {id}\r\nx-correlation-id: {id}\r\nx-content-type-options: nosniff\r\n\
             connection: close\r\n\r\n",
            code.status(),
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(&body);
        Some(answer)
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A connection that says more where a bare answer would go out.
#[derive(Debug)]
pub(crate) struct Telling<S> {
    stream: S,
    unread: Unread,
    /// What goes out instead of so many bytes.
    instead: Option<(Bytes, usize)>,
}

impl<S> Telling<S> {
    pub(crate) fn new(stream: S, unread: Unread) -> Self {
        Self {
            stream,
            unread,
            instead: None,
        }
    }
}

impl<S: AsyncWrite + Unpin> Telling<S> {
    /// Writes what stands in for `head`, as far as something does; the count is that of `head`.
    fn tell(&mut self, context: &mut Context<'_>, head: &[u8]) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_none() && head.starts_with(REFUSED) {
            let answer = self.unread.instead(head);
            self.instead = answer.map(|answer| (Bytes::from(answer), head.len()));
        }
        while let Some((answer, stands_for)) = &mut self.instead {
            match ready!(Pin::new(&mut self.stream).poll_write(context, answer)) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(written) => drop(answer.split_to(written)),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            if answer.is_empty() {
                let count = *stands_for;
                self.instead = None;
                return Poll::Ready(Some(Ok(count)));
            }
        }
        Poll::Ready(None)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Telling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Telling<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(told) = ready!(self.tell(context, bytes)) {
            return Poll::Ready(told);
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A bare head is all there is to write.
        if let [head] = parts
            && let Some(told) = ready!(self.tell(context, head))
        {
            return Poll::Ready(told);
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use std::convert::Infallible;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What a server that answers 400 with an id and no body says to `request`.
    async fn answer(request: &[u8]) -> String {
        let (mut client, server) = tokio::io::duplex(64);
        let unread = Unread {
            clock: Arc::new(SystemClock),
            ids: Arc::new(IdGenerator::new()),
        };
        let service = hyper::service::service_fn(|_| async {
            let response = http::Response::builder()
                .status(400)
                .header("x-request-id", "own")
                .body(http_body_util::Empty::<Bytes>::new());
            Ok::<_, Infallible>(response.unwrap_or_default())
        });
        let serving = tokio::spawn(async move {
            let io = TokioIo::new(Telling::new(server, unread));
            let served = Builder::new(TokioExecutor::new())
                .serve_connection(io, service)
                .await;
            served.is_ok()
        });
        client.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        serving.await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_head_that_is_no_http_gets_an_envelope() {
        for request in [
            &b"GET / HTTP/1.1\r\nhost: a\r\nx-text: a\x01b\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nhost: a\r\nx text: a\r\n\r\n",
            b"G@T<> / HTTP/1.1\r\nhost: a\r\n\r\n",
        ] {
            let answer = answer(request).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
            assert!(
                head.contains(&format!("content-length: {}", body.len())),
                "{answer}"
            );
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], "MALFORMED_REQUEST");
            let id = body["error"]["correlationId"].as_str().unwrap();
            assert!(head.contains(&format!("x-request-id: {id}")), "{answer}");
        }
    }

    #[tokio::test]
    async fn what_a_router_answered_goes_out_as_it_is() {
        let answer = answer(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(answer.contains("x-request-id: own"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}
