//! Requests to a service on this machine that answers what each test writes down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carnet_client::{Client, Config, Error};
use carnet_kernel::{ByteSize, Code, Id, Period, Refusal};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers one connection after the other with these texts; tells what it was asked.
async fn service(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !whole(&request) {
                let read = stream.read_buf(&mut request).await.unwrap();
                assert!(read > 0, "the request ends too early");
            }
            asked.push(String::from_utf8(request).unwrap());
            // A client that has read enough may have gone.
            drop(stream.write_all(answer.as_bytes()).await);
        }
        asked
    });
    (address, serving)
}

/// Whether the head is there, with as much body as it says.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn client(config: Config) -> Client {
    Client::new(config, "test/1")
}

#[tokio::test]
async fn a_request_carries_what_it_is_given_and_the_correlation_id() {
    let (address, serving) = service(vec![answer("201 Created", "x-a: b\r\n", "{\"n\":7}")]).await;
    let client = client(Config::default()).on_behalf(Id::from_u128(7), None);
    let answer = client
        .post(&format!("{address}/orders"))
        .query("q", "a b&c")
        .bearer("t0ken")
        .header("x-b", "c")
        .json(&serde_json::json!({ "a": 1 }))
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status(), answer.header("x-a")), (201, Some("b")));
    let body: serde_json::Value = answer.success().unwrap().json().unwrap();
    assert_eq!(body["n"], 7);
    let asked = serving.await.unwrap().remove(0);
    assert!(
        asked.starts_with("POST /orders?q=a+b%26c HTTP/1.1\r\n"),
        "{asked}"
    );
    for line in [
        "user-agent: test/1",
        "authorization: Bearer t0ken",
        "x-b: c",
        "x-correlation-id: 00000000000000000000000007",
        "content-type: application/json",
    ] {
        assert!(asked.contains(line), "{line}: {asked}");
    }
    assert!(asked.ends_with("{\"a\":1}"), "{asked}");
}

#[tokio::test]
async fn an_answer_has_a_largest_size_said_or_not() {
    let config = Config {
        answer_limit: ByteSize(10),
        ..Config::default()
    };
    let unsaid = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nmore than ten bytes".to_owned();
    let (address, serving) = service(vec![answer("200 OK", "", &"x".repeat(11)), unsaid]).await;
    for _ in 0..2 {
        let error = client(config.clone())
            .get(&address)
            .send()
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { limit: 10, .. }),
            "{error}"
        );
        assert_eq!(Refusal::from(error).code, Code::UpstreamFailed);
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn nothing_takes_longer_than_its_timeout_or_the_deadline() {
    // Accepts and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/?token=secret", listener.local_addr().unwrap());
    let config = Config {
        timeout: Period::millis(20),
        ..Config::default()
    };
    let error = client(config).get(&address).send().await.unwrap_err();
    assert_eq!(error, Error::Timeout("127.0.0.1".to_owned()));
    let refusal = Refusal::from(error);
    assert_eq!(refusal.code, Code::UpstreamTimeout);
    assert!(!refusal.message.contains("127"), "{}", refusal.message);
    for deadline in [Instant::now(), Instant::now() + Duration::from_millis(20)] {
        let client = client(Config::default()).on_behalf(Id::from_u128(1), Some(deadline));
        let error = client.get(&address).send().await.unwrap_err();
        assert!(matches!(error, Error::Timeout(_)), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_or_reached_is_told_without_secrets() {
    let client = client(Config::default());
    for url in ["no address", "file:///etc/passwd", "http://"] {
        let error = client.get(url).send().await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{url}: {error}");
    }
    let error = client.get("http://a/").header("a b", "c").send().await;
    assert!(matches!(error, Err(Error::Request(_))), "{error:?}");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/?token=secret", free.local_addr().unwrap());
    drop(free);
    let error = client.get(&address).send().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_so_far_and_lose_credentials_at_another_host() {
    let (end, ending) = service(vec![answer("200 OK", "", "there")]).await;
    let end = end.replace("127.0.0.1", "localhost");
    let (begin, beginning) = service(vec![
        answer("302 Found", &format!("location: {end}/b\r\n"), ""),
        answer("302 Found", "location: /again\r\n", ""),
    ])
    .await;
    let config = Config {
        redirects: 1,
        ..Config::default()
    };
    let client = client(config);
    let answer = client.get(&begin).bearer("t0ken").send().await.unwrap();
    assert_eq!(answer.text(), "there");
    let asked = ending.await.unwrap().remove(0);
    assert!(!asked.contains("t0ken"), "{asked}");
    let none = Client::new(
        Config {
            redirects: 0,
            ..Config::default()
        },
        "test/1",
    );
    let error = none.get(&begin).send().await.unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
    beginning.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_tells_no_success_is_an_error_when_asked() {
    let (address, serving) = service(vec![answer("404 Not Found", "", "no")]).await;
    let answer = client(Config::default())
        .get(&address)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text(), "no");
    assert!(answer.json::<u32>().is_err());
    let error = answer.success().unwrap_err();
    assert_eq!(error.to_string(), "`127.0.0.1` answered 404");
    serving.await.unwrap();
}
