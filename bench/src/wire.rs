//! HTTP/1.1 on a plain socket, as little of it as a load generator needs: requests are finished
//! bytes, answers are read to their end and looked at no further than asked. Loopback only.

use anyhow::{Result, bail};
use bytes::Bytes;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The largest head that is read.
const LARGEST_HEAD: usize = 64 << 10;

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer; `body` is a range of the connection's buffer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    head: usize,
    end: usize,
    chunked: bool,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        anyhow::ensure!(address.ip().is_loopback(), "only loopback is measured");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 << 10),
        })
    }

    /// Sends a request and reads its answer to the end.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut seen = 0;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            let from = seen.max(3) - 3;
            if let Some(at) = find(&self.buffer[from..], b"\r\n\r\n") {
                return self.body(from + at + 4).await;
            }
            seen = self.buffer.len();
            if seen > LARGEST_HEAD {
                bail!("the head of an answer is too long");
            }
        }
    }

    async fn body(&mut self, head: usize) -> Result<Answer> {
        let (status, length) = read_head(&self.buffer[..head])?;
        let mut answer = Answer {
            status,
            head,
            end: head,
            chunked: length.is_none(),
        };
        match length {
            Some(length) => {
                while self.buffer.len() < head + length {
                    if self.stream.read_buf(&mut self.buffer).await? == 0 {
                        bail!("the server closed the connection inside a body");
                    }
                }
                answer.end = head + length;
            }
            // JSON has no line ends of its own, so the last chunk is where it seems to be.
            None => {
                while !self.buffer.ends_with(b"0\r\n\r\n") {
                    if self.stream.read_buf(&mut self.buffer).await? == 0 {
                        bail!("the server closed the connection inside a body");
                    }
                }
                answer.end = self.buffer.len();
            }
        }
        Ok(answer)
    }

    /// The head of the last answer as text.
    pub fn head(&self, answer: &Answer) -> String {
        String::from_utf8_lossy(&self.buffer[..answer.head]).into_owned()
    }

    /// The body of the last answer.
    pub fn text(&self, answer: &Answer) -> Result<String> {
        let raw = &self.buffer[answer.head..answer.end];
        let bytes = if answer.chunked {
            dechunk(raw)?
        } else {
            raw.to_vec()
        };
        Ok(String::from_utf8(bytes)?)
    }
}

/// Status and content length; no length means chunks.
fn read_head(head: &[u8]) -> Result<(u16, Option<usize>)> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines
        .next()
        .and_then(|line| line.get(9..12))
        .and_then(|code| std::str::from_utf8(code).ok())
        .and_then(|code| code.parse().ok());
    let Some(status) = status else {
        bail!("an answer without a status");
    };
    if status == 204 || status == 304 {
        return Ok((status, Some(0)));
    }
    const LENGTH: &[u8] = b"content-length:";
    for line in lines {
        if line.len() > LENGTH.len() && line[..LENGTH.len()].eq_ignore_ascii_case(LENGTH) {
            let value = std::str::from_utf8(&line[LENGTH.len()..])?;
            return Ok((status, Some(value.trim().parse()?)));
        }
    }
    Ok((status, None))
}

fn dechunk(mut raw: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(raw.len());
    loop {
        let Some(line) = find(raw, b"\r\n") else {
            bail!("a chunk without its size");
        };
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..line])?.trim(), 16)?;
        if size == 0 {
            return Ok(out);
        }
        let start = line + 2;
        let Some(chunk) = raw.get(start..start + size) else {
            bail!("a chunk is shorter than it says");
        };
        out.extend_from_slice(chunk);
        raw = raw.get(start + size + 2..).unwrap_or_default();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// A `GET` as bytes.
pub fn get(target: &str) -> Bytes {
    request("GET", target, &[], None)
}

/// A `POST` of JSON as bytes.
pub fn post(target: &str, body: &str) -> Bytes {
    request("POST", target, &[], Some(body))
}

/// Any request as bytes.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: Option<&str>) -> Bytes {
    use std::fmt::Write as _;
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n");
    for (name, value) in headers {
        // INVARIANT: writing to a string cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    match body {
        Some(body) => {
            let _ = write!(
                text,
                "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
        None => text.push_str("\r\n"),
    }
    Bytes::from(text)
}
