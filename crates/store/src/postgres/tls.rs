//! TLS to PostgreSQL with libpq's meaning of `sslmode`. Not the TLS of our own server.

use crate::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What is asked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: encryption alone.
    Nothing,
    /// A chain to a known root.
    Chain,
    /// A chain to a known root, and the host's name.
    ChainAndName,
}

/// A connector that checks what is asked against the certificates in the file `roots`, or those of
/// the operating system.
pub(super) fn connector(check: Check, roots: Option<&str>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Configuration(format!("TLS cannot be used: {error}")))?;
    let config = match check {
        Check::ChainAndName => builder.with_root_certificates(load(roots)?),
        Check::Nothing | Check::Chain => {
            let chain = match check {
                Check::Chain => Some(chain_verifier(roots, &provider)?),
                _ => None,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient { provider, chain }))
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn chain_verifier(
    roots: Option<&str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(load(roots)?), Arc::clone(provider))
        .build()
        .map_err(|error| Error::Configuration(format!("`sslrootcert` cannot be used: {error}")))
}

fn load(file: Option<&str>) -> Result<RootCertStore, Error> {
    let certificates = match file {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| {
                Error::Configuration(format!("`sslrootcert={path}` cannot be read: {error}"))
            })?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(Error::Configuration(
            "there is no root certificate to check the database's by; name a file with \
             `sslrootcert`"
                .to_owned(),
        ));
    }
    Ok(store)
}

/// Checks the handshake, and the certificate's chain when it has roots, but never the name.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The chain is checked before the name: a wrong name means that the chain was right.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_cannot_be_read_are_told() {
        for (file, reason) in [
            ("/nowhere/root.pem", "cannot be read"),
            ("/dev/null", "no root"),
        ] {
            let error = connector(Check::ChainAndName, Some(file)).map(|_| ());
            assert!(
                matches!(&error, Err(Error::Configuration(text)) if text.contains(reason)),
                "{file}: {error:?}"
            );
        }
        assert!(connector(Check::Nothing, None).is_ok());
    }
}
