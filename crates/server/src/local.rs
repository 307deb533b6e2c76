//! Who may speak as the user of `--as`: programs of this machine and pages that it serves. A page
//! from elsewhere reaches a loopback address too, by a name of its own that it lets lead here (DNS
//! rebinding) or by a form; the browser says so in `Host` and `Origin`. Not access control.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use carnet_kernel::{Code, Detail, Refusal};
use carnet_web::Problem;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Uri, header};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Lets pass what is asked of this machine by its own name.
pub(crate) async fn check(request: Request, next: Next) -> Result<Response, Problem> {
    let (headers, uri) = (request.headers(), request.uri());
    match foreign(headers, uri) {
        Some(name) => Err(refusal(name.as_str()).into()),
        None => Ok(next.run(request).await),
    }
}

fn refusal(header: &str) -> Refusal {
    let message = format!(
        "requests are made as a user here (`--as`), so that they come from this machine alone: \
         `{header}` does not name it; ask `localhost`"
    );
    let detail = Detail::new(header, "loopback", "it must be a loopback name or address");
    Refusal::new(Code::Forbidden, message).with(detail)
}

/// The header that names another machine, if one does.
fn foreign(headers: &HeaderMap, uri: &Uri) -> Option<HeaderName> {
    let said = headers.get_all(header::HOST).iter();
    let said = said.map(|host| Authority::try_from(host.as_bytes()).ok());
    // HTTP/2 has it in the address.
    let mut hosts = said
        .chain(uri.authority().map(|one| Some(one.clone())))
        .peekable();
    let is_named = hosts.peek().is_some();
    if !is_named || !hosts.all(|host| host.as_ref().is_some_and(is_here)) {
        return Some(header::HOST);
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let elsewhere = origins.any(|origin| {
        let origin = Uri::try_from(origin.as_bytes()).ok();
        let authority = origin.as_ref().and_then(Uri::authority);
        !authority.is_some_and(is_here)
    });
    elsewhere.then_some(header::ORIGIN)
}

/// Whether a name or an address leads to this machine, whoever resolves it (RFC 6761 section 6.3).
fn is_here(authority: &Authority) -> bool {
    // `localhost@elsewhere` is elsewhere, and nobody writes either.
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Ipv4Addr::is_loopback(&address),
        Ok(IpAddr::V6(address)) => Ipv6Addr::is_loopback(&address),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(host: Option<&'static str>, origin: Option<&'static str>, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let found = foreign(&headers, &Uri::from_static("/api/v1/notes"));
        let found = found.as_ref().map(HeaderName::as_str);
        assert_eq!(found, expected, "{host:?} {origin:?}");
    }

    #[test]
    fn only_names_of_this_machine_pass() {
        for host in [
            "localhost",
            "LocalHost:3000",
            "app.localhost:3000",
            "localhost.",
            "127.0.0.1:3000",
            "127.9.9.9",
            "[::1]:3000",
        ] {
            check(Some(host), None, None);
        }
        for host in [
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "192.168.0.1",
            "0.0.0.0:3000",
            "[::]:3000",
            "localhost@evil.example",
            "a b",
            "",
        ] {
            check(Some(host), None, Some("host"));
        }
        check(None, None, Some("host"));
    }

    #[test]
    fn pages_from_elsewhere_do_not_pass() {
        let here = Some("localhost:3000");
        check(here, Some("http://localhost:5173"), None);
        check(here, Some("https://[::1]"), None);
        for origin in ["https://evil.example", "null", "", "http://localhost.evil"] {
            check(here, Some(origin), Some("origin"));
        }
    }

    #[test]
    fn an_address_may_name_it_too() {
        let none = HeaderMap::new();
        let named = |uri: &'static str| foreign(&none, &Uri::from_static(uri)).is_none();
        assert!(named("http://localhost:3000/"));
        assert!(!named("http://evil.example/"));
    }
}
