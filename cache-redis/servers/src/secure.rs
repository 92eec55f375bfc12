//! A server that speaks TLS to clients and wants a password.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::Attempt;
use crate::keeper::perform;
use crate::launch::Launch;
use crate::port::Port;
use crate::server::Server;

const PASSWORD: &str = "s3cret";
const CA_FILE: &str = "ca.pem";

/// A server with a certificate for `localhost` and 127.0.0.1, signed by an authority of its own, and the
/// password `s3cret`.
#[derive(Debug)]
pub struct Secure {
    server: Server,
    tls: Port,
    folder: TempDir,
}

impl Secure {
    /// Starts it, with keys that nobody else has.
    ///
    /// # Panics
    ///
    /// As [`Server::start`], and on a server that is not ours.
    pub async fn start() -> Self {
        perform(Self::launch).await
    }

    /// `rediss://:s3cret@localhost:PORT`.
    pub fn url(&self) -> String {
        format!("rediss://:{PASSWORD}@localhost:{}", self.tls.number())
    }

    /// The certificate of the authority that clients have to trust, as PEM. It is there for as long as the
    /// server.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(CA_FILE)
    }

    /// The server, to stop, pause and ask. Its own port and URL are those of its operator, who speaks no
    /// TLS.
    pub fn server(&self) -> &Server {
        &self.server
    }

    fn launch() -> Attempt<Self> {
        let certificates = Certificates::make()
            .map_err(|error| format!("cannot make the server's certificate: {error}"))?;
        let folder = TempDir::new()
            .map_err(|error| format!("cannot create a folder for certificates: {error}"))?;
        let ca_file = folder.path().join(CA_FILE);
        fs::write(&ca_file, &certificates.authority)
            .map_err(|error| format!("cannot write {}: {error}", ca_file.display()))?;
        let tls = Port::claim()?;
        let port = tls.number().to_string();
        let directives = [
            ["--tls-port", &port],
            ["--tls-cert-file", "server.pem"],
            ["--tls-key-file", "server.key"],
            ["--tls-ca-cert-file", CA_FILE],
            // Clients show a password, not a certificate.
            ["--tls-auth-clients", "no"],
            ["--requirepass", PASSWORD],
        ];
        let launch = Launch::server(&directives.concat())
            .file(CA_FILE, certificates.authority)
            .file("server.pem", certificates.server)
            .file("server.key", certificates.key);
        Ok(Self { server: Server::launch(&launch)?, tls, folder })
    }
}

/// PEM of each.
struct Certificates {
    authority: String,
    server: String,
    key: String,
}

impl Certificates {
    fn make() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "redis-servers");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        let server = params.signed_by(&key, &authority)?;
        Ok(Self { authority: authority.pem(), server: server.pem(), key: key.serialize_pem() })
    }
}
