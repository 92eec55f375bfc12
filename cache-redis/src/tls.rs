//! TLS by rustls.

use std::sync::Arc;

use fred::rustls::crypto::ring;
use fred::rustls::pki_types::CertificateDer;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::TlsConnector;

/// A connector that trusts the certificates of the file, or those that the system trusts.
pub(crate) fn connector(ca_certificate: Option<&str>) -> Result<TlsConnector, String> {
    let roots = match ca_certificate {
        Some(path) => from_file(path)?,
        None => from_system()?,
    };
    // Named, since a program in which two providers are built has no default one.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config.into())
}

fn from_file(path: &str) -> Result<RootCertStore, String> {
    let unusable = |why: String| format!("the certificates in `{path}` cannot be used: {why}");
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is none in it".into()));
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = fred::rustls_native_certs::load_native_certs();
    // Some of a system's certificates may be unreadable; without any of them nothing can be trusted.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
        return Err(format!("the system's certificates cannot be used: {why}"));
    }
    Ok(roots)
}
