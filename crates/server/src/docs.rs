//! What is served for people, from the binary and offline: Swagger UI and the pages of the error
//! codes. Not the OpenAPI document itself.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, http};
use carnet_kernel::{ApplicationCodes, Code};
use carnet_web::RequestInfo;
use carnet_web::problem::Problem;
use http::{HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::OnceLock;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// The only files of the archive that the page needs.
const ASSETS: &[(&str, &str)] = &[
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// Scripts and styles of our own origin; Swagger UI sets inline styles and draws inline images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

const START: &str = r##"window.addEventListener("load", async () => {
  const page = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "none",
    tryItOutEnabled: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
  });
  const root = await fetch("/").then((answer) => answer.json());
  if (root.versions.length < 2) return;
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "Version of the API");
  choice.style.cssText = "position: absolute; top: 1rem; right: 1rem; font-size: 1rem";
  for (const one of root.versions.reverse()) {
    const name = one.deprecated ? `${one.version} (deprecated)` : one.version;
    choice.add(new Option(name, one.openapi));
  }
  choice.addEventListener("change", () => {
    page.specActions.updateUrl(choice.value);
    page.specActions.download(choice.value);
  });
  document.body.prepend(choice);
});
"##;

/// `/docs` and what it loads.
pub(crate) fn user_interface() -> Router {
    Router::new()
        .route(
            "/docs",
            get(|| async { page("text/html; charset=utf-8", PAGE.into()) }),
        )
        .route("/docs/", get(|| async { Redirect::permanent("/docs") }))
        .route(
            "/docs/start.js",
            get(|| async { page("text/javascript; charset=utf-8", START.into()) }),
        )
        .route("/docs/{asset}", get(serve_asset))
}

/// `/docs/errors/<CODE>`: every problem body points to one, so they are always served.
pub(crate) fn error_pages(codes: ApplicationCodes) -> Router {
    Router::new()
        .route("/docs/errors/{code}", get(serve_error_page))
        .with_state(codes)
}

async fn serve_asset(info: RequestInfo, Path(name): Path<String>) -> Response {
    info.set_route("/docs/{asset}");
    let Some((_, kind)) = ASSETS.iter().find(|(known, _)| *known == name) else {
        return Problem::new(Code::NotFound, "there is no such asset").into_response();
    };
    match asset(&name) {
        Some(bytes) => {
            let mut response = page(kind, Body::from(bytes));
            response.headers_mut().insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=86400"),
            );
            response
        }
        None => Problem::new(Code::Internal, "the asset cannot be read").into_response(),
    }
}

async fn serve_error_page(
    info: RequestInfo,
    State(codes): State<ApplicationCodes>,
    Path(name): Path<String>,
) -> Response {
    info.set_route("/docs/errors/{code}");
    match codes.find(&name).map(error_page) {
        Some(text) => page("text/markdown; charset=utf-8", Body::from(text)),
        None => Problem::new(Code::NotFound, "there is no such error code").into_response(),
    }
}

fn page(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}

/// Unpacked on first use, so that a start does not pay for it.
fn asset(name: &str) -> Option<&'static [u8]> {
    static UNPACKED: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    let all = UNPACKED.get_or_init(unpack);
    all.iter()
        .find(|(known, _)| known == name)
        .map(|(_, bytes)| bytes.as_slice())
}

fn unpack() -> Vec<(String, Vec<u8>)> {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)) else {
        return Vec::new();
    };
    let mut unpacked = Vec::new();
    for index in 0..archive.len() {
        let Ok(mut file) = archive.by_index(index) else {
            continue;
        };
        let Ok(path) = file.name().map(|path| path.into_owned()) else {
            continue;
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let wanted = path.contains("/dist/") && ASSETS.iter().any(|(known, _)| *known == name);
        let mut bytes = Vec::new();
        if wanted && file.read_to_end(&mut bytes).is_ok() {
            unpacked.push((name, bytes));
        }
    }
    unpacked
}

/// The Markdown page of a code, as `carnet explain` prints it.
pub fn error_page(code: Code) -> Cow<'static, str> {
    let known = PAGES.iter().find(|(known, _)| *known == code.as_str());
    let text = match (code, known) {
        (Code::Application(code), _) => code.page_text().unwrap_or(NO_PAGE),
        (_, Some((_, text))) => return Cow::Borrowed(text),
        (_, None) => NO_PAGE,
    };
    Cow::Owned(format!(
        "# {code} — {}\n\n- Status: {}\n- Stage: {}\n\n{}\n",
        code.title(),
        code.status(),
        code.stage().as_str(),
        text.trim()
    ))
}

/// For a code of an application that says no more than its title.
const NO_PAGE: &str = "The application answers with this code; it says no more about it.";

include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::ApplicationCode;

    #[test]
    fn every_asset_is_in_the_archive() {
        for (name, _) in ASSETS {
            assert!(asset(name).is_some_and(|bytes| !bytes.is_empty()), "{name}");
        }
    }

    #[test]
    fn every_code_has_a_page() {
        for code in Code::ALL {
            let page = error_page(*code);
            assert!(page.starts_with(&format!("# {code}")), "{code}");
            assert!(!page.contains(NO_PAGE), "{code}");
        }
    }

    #[test]
    fn a_code_of_an_application_has_the_page_it_brings() {
        const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");
        const TOLD: ApplicationCode = LIMIT.page("\nTake another off first.\n");
        let page = |code: &'static ApplicationCode| error_page(code.into());
        assert_eq!(
            page(&TOLD),
            "# FEATURED_LIMIT — Too many\n\n- Status: 409\n- Stage: logic\n\nTake another off first.\n"
        );
        assert!(page(&LIMIT).contains(NO_PAGE));
    }
}
