//! Reading a request body whole: bounded, complete, UTF-8. Not parsing it.

use crate::problem::Problem;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use carnet_kernel::{Code, Detail, Refusal};
use http_body_util::BodyExt;
use std::error::Error as StdError;
use std::fmt;

/// The error of a body that went over its limit; the edge's body limit raises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The limit in bytes.
    pub limit: u64,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the body is larger than {} bytes", self.limit)
    }
}

impl StdError for TooLarge {}

impl TooLarge {
    /// `PAYLOAD_TOO_LARGE`.
    pub fn refusal(self) -> Refusal {
        let limit = self.limit;
        Refusal::new(Code::PayloadTooLarge, self.to_string()).with(Detail::new(
            "body",
            "max",
            format!("the limit is {limit} bytes; split the data over several requests"),
        ))
    }
}

/// Reads the body to its end, under the limit that the edge set.
///
/// A body over the limit is `PAYLOAD_TOO_LARGE`; one that ends too early or breaks its framing
/// is `MALFORMED_REQUEST`.
pub async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem(refusal(&error)))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        // Most bodies are one frame, which then needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// The same as text. Bytes that are not UTF-8 are `MALFORMED_REQUEST` with the place of the
/// first; an empty body is `MALFORMED_REQUEST` too.
pub async fn read_text(body: Body) -> Result<String, Problem> {
    let bytes = read(body).await?;
    if bytes.is_empty() {
        return Err(malformed("empty", "the body is empty".to_owned()).into());
    }
    String::from_utf8(bytes.into()).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        malformed(
            "utf8",
            format!("the body is not UTF-8: the first bad byte is byte {at}"),
        )
        .into()
    })
}

/// What a failure to read a body means for the client.
fn refusal(error: &axum::Error) -> Refusal {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(too_large) = cause.downcast_ref::<TooLarge>() {
            return too_large.refusal();
        }
        source = cause.source();
    }
    malformed("complete", "the body broke off before its end".to_owned())
}

fn malformed(rule: &'static str, message: String) -> Refusal {
    Refusal::new(Code::MalformedRequest, message.clone()).with(Detail::new("body", rule, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn frames(frames: Vec<Result<&'static [u8], std::io::Error>>) -> Body {
        Body::from_stream(stream::iter(frames))
    }

    #[tokio::test]
    async fn frames_are_joined() {
        let body = frames(vec![Ok(b"{\"a\""), Ok(b""), Ok(b":1}")]);
        assert_eq!(read_text(body).await, Ok("{\"a\":1}".to_owned()));
        assert_eq!(read(Body::empty()).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn invalid_utf8_has_its_place() {
        let problem = read_text(frames(vec![Ok(b"ab"), Ok(b"c\xff")]))
            .await
            .unwrap_err();
        assert_eq!(problem.0.code, Code::MalformedRequest);
        assert!(problem.0.message.contains("byte 3"), "{problem:?}");
    }

    #[tokio::test]
    async fn broken_off_or_empty() {
        let broken = frames(vec![
            Ok(b"{"),
            Err(std::io::ErrorKind::UnexpectedEof.into()),
        ]);
        for body in [broken, Body::empty()] {
            let problem = read_text(body).await.unwrap_err();
            assert_eq!(problem.0.code, Code::MalformedRequest);
        }
    }

    #[tokio::test]
    async fn too_large() {
        let body = Body::from_stream(stream::iter([Err::<Bytes, _>(TooLarge { limit: 5 })]));
        let problem = read(body).await.unwrap_err();
        assert_eq!(problem.0.code, Code::PayloadTooLarge);
        assert!(problem.0.message.contains("5 bytes"));
    }
}
