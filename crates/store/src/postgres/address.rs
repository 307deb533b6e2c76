//! The database's address: what of it the driver reads, and what we read ourselves. No I/O but the
//! file of root certificates.

use super::tls::{self, Check};
use crate::{Config, Error};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where to connect and how.
pub(super) struct Address {
    pub(super) driver: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
}

/// Reads `database.url`. The parameters `sslmode` (`disable`, `prefer`, `require`, `verify-ca`,
/// `verify-full`) and `sslrootcert` mean what they mean to libpq; the others are the driver's.
pub(super) fn read(config: &Config) -> Result<Address, Error> {
    let (url, mode, roots) = split(config.url.reveal());
    let mut driver: tokio_postgres::Config =
        url.parse().map_err(|error: tokio_postgres::Error| {
            // The text of the error never holds the address, which holds the password.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Error::Configuration(format!(
                "`database.url` is no PostgreSQL address: {}",
                cause.unwrap_or_else(|| error.to_string())
            ))
        })?;
    let roots = roots.as_deref();
    let (ssl_mode, check) = match (mode.as_deref().unwrap_or("prefer"), roots) {
        ("disable", _) => (SslMode::Disable, Check::Nothing),
        ("prefer" | "allow", _) => (SslMode::Prefer, Check::Nothing),
        ("require", None) => (SslMode::Require, Check::Nothing),
        ("require", Some(_)) | ("verify-ca", _) => (SslMode::Require, Check::Chain),
        ("verify-full", _) => (SslMode::Require, Check::ChainAndName),
        (other, _) => {
            return Err(Error::Configuration(format!(
                "`sslmode={other}` in `database.url` is not known; it is one of `disable`, \
                 `prefer`, `require`, `verify-ca` and `verify-full`"
            )));
        }
    };
    driver.ssl_mode(ssl_mode);
    driver.connect_timeout(config.connect_timeout.0);
    if driver.get_hosts().is_empty() && driver.get_hostaddrs().is_empty() {
        driver.host("localhost");
    }
    if driver.get_user().is_none() {
        driver.user("postgres");
    }
    if driver.get_application_name().is_none() {
        driver.application_name("carnet");
    }
    if driver.get_dbname().is_none() {
        let user = driver.get_user().unwrap_or("postgres").to_owned();
        driver.dbname(user);
    }
    // A host that vanished is noticed within a minute instead of hours.
    driver.keepalives_idle(std::time::Duration::from_secs(30));
    driver.keepalives_interval(std::time::Duration::from_secs(10));
    driver.keepalives_retries(3);
    driver.tcp_user_timeout(std::time::Duration::from_secs(30));
    let tls = tls::connector(check, roots)?;
    Ok(Address { driver, tls })
}

impl Address {
    /// `PostgreSQL shop on db.example.org:5432`.
    pub(super) fn describe(&self) -> String {
        let host = match self.driver.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self
                .driver
                .get_hostaddrs()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let port = self.driver.get_ports().first().copied().unwrap_or(5432);
        format!("PostgreSQL {} on {host}:{port}", self.database())
    }

    /// The database's name.
    pub(super) fn database(&self) -> &str {
        self.driver.get_dbname().unwrap_or_default()
    }
}

/// The address without `sslmode` and `sslrootcert`, and these.
fn split(url: &str) -> (String, Option<String>, Option<String>) {
    let Some((address, parameters)) = url.split_once('?') else {
        return (url.to_owned(), None, None);
    };
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => roots = Some(decode(value)),
            _ if parameter.is_empty() => {}
            _ => others.push(parameter),
        }
    }
    let url = if others.is_empty() {
        address.to_owned()
    } else {
        format!("{address}?{}", others.join("&"))
    };
    // libpq's word for the certificates of the operating system.
    let roots = roots.filter(|roots| roots != "system");
    (url, mode, roots)
}

/// Undoes percent encoding.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(ahead.next()), digit(ahead.next())) {
            (Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::Secret;

    fn address(url: &str) -> Result<Address, Error> {
        read(&Config {
            url: Secret::new(url),
            ..Config::default()
        })
    }

    #[track_caller]
    fn check(url: &str, described: &str, mode: SslMode) {
        let address = address(url).unwrap();
        assert_eq!(address.describe(), described);
        assert_eq!(address.driver.get_ssl_mode(), mode);
    }

    #[test]
    fn addresses() {
        check(
            "postgres://me:secret@db:6432/shop?sslmode=require",
            "PostgreSQL shop on db:6432",
            SslMode::Require,
        );
        check(
            "postgres://me@db",
            "PostgreSQL me on db:5432",
            SslMode::Prefer,
        );
        check(
            "postgresql:///shop?host=/run/db&sslmode=disable",
            "PostgreSQL shop on /run/db:5432",
            SslMode::Disable,
        );
    }

    #[test]
    fn refused_addresses_do_not_show_the_password() {
        for url in [
            "postgres://me:hunter2@db/shop?sslmode=maybe",
            "postgres://me:hunter2@db:port/shop",
            "postgres://me:hunter2@db/shop?colour=red",
            "postgres://me:hunter2@db/shop?sslmode=verify-full&sslrootcert=%2Fnowhere%2Fx",
        ] {
            match address(url).map(|_| ()) {
                Err(Error::Configuration(text)) => assert!(!text.contains("hunter2"), "{text}"),
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn parameters_of_ours_are_taken_out() {
        let (url, mode, roots) =
            split("postgres://db/x?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fa%20b");
        assert_eq!(url, "postgres://db/x?connect_timeout=3");
        assert_eq!(mode.as_deref(), Some("verify-full"));
        assert_eq!(roots.as_deref(), Some("/a b"));
        assert_eq!(decode("100%"), "100%");
    }
}
