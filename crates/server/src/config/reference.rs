//! The reference of all settings as Markdown. A test keeps it complete.

use super::keys::{ALIASES, KEYS};
use toml::Value;

/// What each setting means, by dotted key.
const MEANINGS: &[(&str, &str)] = &[
    (
        "profile",
        "`dev`, `stage` or `prod`. `dev` and `stage` set up an empty database by themselves and serve `/docs`; `prod` does neither.",
    ),
    (
        "definitions",
        "A folder or file of definitions instead of those built into the binary.",
    ),
    (
        "seeds",
        "A folder of seeds instead of those built into the binary.",
    ),
    (
        "server.host",
        "The address to listen on. Only loopback until there is access control.",
    ),
    ("server.port", "The port; 0 takes a free one."),
    (
        "server.shutdown_timeout",
        "How long a stop waits for requests under way.",
    ),
    (
        "server.header_timeout",
        "How long a client may take to send the head of its request.",
    ),
    (
        "server.docs",
        "Whether `/docs` is served. By default in every profile but `prod`.",
    ),
    ("server.metrics", "Whether `/metrics` is served."),
    (
        "server.explain",
        "Whether lists may be asked how they were read (`explain=true`). By default in profile `dev`.",
    ),
    (
        "database.url",
        "`sqlite:<path>` or `postgres://user:password@host:port/database?sslmode=…`.",
    ),
    (
        "database.pool_min",
        "PostgreSQL: connections that are kept open.",
    ),
    ("database.pool_max", "PostgreSQL: most connections."),
    (
        "database.pool_idle",
        "PostgreSQL: a connection unused for so long is closed.",
    ),
    (
        "database.connect_timeout",
        "PostgreSQL: how long to wait for a new connection.",
    ),
    (
        "database.acquire_timeout",
        "PostgreSQL: how long a request waits for a free connection.",
    ),
    (
        "database.statement_timeout",
        "How long one statement may run.",
    ),
    (
        "database.transaction_budget",
        "How long one write transaction may take in all.",
    ),
    (
        "database.answer_limit",
        "The largest answer to one read: `64KB`, `50MB`. A larger one is refused while it is read.",
    ),
    (
        "database.slow_query",
        "A statement that takes longer is logged as a warning.",
    ),
    (
        "database.wall",
        "PostgreSQL: what stands between tenants beside the bound tenant of every statement: `rls`, `view` or `none`.",
    ),
    (
        "database.platform_schema",
        "PostgreSQL: the schema of the deployment's own tables.",
    ),
    (
        "database.records_schema",
        "PostgreSQL: the schema of the shared tier's record tables.",
    ),
    (
        "database.synchronous",
        "SQLite: what a commit waits for: `full` (the disk) or `normal` (the operating system).",
    ),
    (
        "database.readers",
        "SQLite: reader threads; 0 takes one per processor, at least 2.",
    ),
    (
        "database.max_pages",
        "SQLite: the most pages of 4 KB the file may have; 0 for no limit.",
    ),
    ("web.body_limit", "The largest request body."),
    (
        "web.uri_limit",
        "The longest address, path and query together.",
    ),
    (
        "web.query_parameters",
        "The most parameters of one query string.",
    ),
    (
        "web.timeout",
        "After how long a request without an answer ends.",
    ),
    (
        "web.concurrent_requests",
        "The most requests worked on at once; further ones wait.",
    ),
    (
        "web.waiting_requests",
        "The most requests that wait; further ones are refused.",
    ),
    (
        "web.compression",
        "Whether answers are compressed for clients that ask for it.",
    ),
    (
        "web.compression_minimum",
        "Smaller answers are never compressed.",
    ),
    (
        "web.tls",
        "When a connection counts as encrypted: `never`, `always` or `forwarded` (as a proxy says).",
    ),
    (
        "web.hsts",
        "The `max-age` of HSTS on encrypted connections; 0 turns it off.",
    ),
    (
        "web.access_log",
        "Whether each request leaves a line in the log.",
    ),
    (
        "web.server_timing",
        "Whether answers tell in `Server-Timing` how long each stage took. By default in profile `dev`.",
    ),
    (
        "web.cors.origins",
        "Origins whose pages may call the API, or `*` alone for all.",
    ),
    (
        "web.cors.credentials",
        "Whether browsers may send cookies along.",
    ),
    (
        "web.cors.max_age",
        "For how long browsers may remember the answer to a preflight.",
    ),
    (
        "client.timeout",
        "How long an exchange with a service outside may take. A request's own deadline may end it earlier.",
    ),
    (
        "client.connect_timeout",
        "How long connecting to a service outside may take.",
    ),
    (
        "client.answer_limit",
        "The largest answer of a service outside.",
    ),
    (
        "client.redirects",
        "How many redirects of services outside are followed. None leads from `https` to `http`.",
    ),
    (
        "telemetry.level",
        "What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, with exceptions such as `info,carnet_store=debug`.",
    ),
    (
        "telemetry.format",
        "How log lines look: `auto`, `pretty` or `json`. `auto` is pretty on a terminal.",
    ),
    (
        "telemetry.color",
        "Whether pretty lines are coloured: `auto`, `always` or `never`.",
    ),
];

/// A Markdown table of all settings and one of the familiar names.
pub fn reference() -> String {
    let mut text = String::from(
        "Settings come from defaults, then the file (`--config`, else `CARNET_CONFIG`, else `./carnet.toml`), then the \
         environment, then flags; later ones win. Periods are written `250ms`, `10s`, `5m`, `1h`.\n\n\
         | key | variable | default | meaning |\n|---|---|---|---|\n",
    );
    for key in KEYS.iter() {
        let meaning = MEANINGS
            .iter()
            .find(|(path, _)| *path == key.path)
            .map_or("", |(_, meaning)| meaning);
        let default = match (key.path.as_str(), &key.default) {
            ("database.url", _) => "`sqlite:./data/carnet.sqlite`".to_owned(),
            ("definitions" | "seeds", _) => "built in".to_owned(),
            ("server.docs", _) => "by profile".to_owned(),
            (_, Value::Array(members)) if members.is_empty() => "none".to_owned(),
            (_, Value::String(text)) => format!("`{text}`"),
            (_, other) => format!("`{other}`"),
        };
        text.push_str(&format!(
            "| `{}` | `{}` | {default} | {meaning} |\n",
            key.path, key.variable
        ));
    }
    text.push_str(
        "\nModules of an application have settings of their own: `modules.<name>.<key>`, \
         `CARNET_MODULES_<NAME>_<KEY>`. `config` shows them.\n",
    );
    text.push_str(
        "\nFamiliar names, weaker than the variables above:\n\n| variable | key |\n|---|---|\n",
    );
    for (name, path) in ALIASES {
        text.push_str(&format!("| `{name}` | `{path}` |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_meaning_and_every_meaning_a_setting() {
        let keys: Vec<&str> = KEYS.iter().map(|key| key.path.as_str()).collect();
        let mut meanings: Vec<&str> = MEANINGS.iter().map(|(path, _)| *path).collect();
        meanings.sort_unstable();
        assert_eq!(keys, meanings);
    }
}
