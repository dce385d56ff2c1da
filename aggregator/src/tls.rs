//! TLS of our own, for who wants no proxy: 1.3, and 1.2 for what cannot do better; HTTP/1.1 inside.
//!
//! Certificate and key are read again when the process is told so (SIGHUP) and when one of the files
//! has changed, looked at every ten seconds, so whatever renews them need tell nobody. What cannot be
//! used is logged, and what was used before goes on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, version};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Most bytes of either file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// See the module.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: Mutex<Arc<ServerConfig>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads a chain of certificates, the server's first, and its key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit each other; the text names the option.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self> {
        let config = read(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: Mutex::new(Arc::new(config)),
        })
    }

    /// Takes connections with what was read last.
    pub fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(config.clone())
    }

    /// Reads both files again; keeps what there was when that fails.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub fn reload(&self) -> Result<()> {
        let config = Arc::new(read(&self.certificate, &self.key)?);
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Reads them again whenever that is called for, until `stop`.
    pub async fn keep_fresh(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let Ok(mut told) = signal(SignalKind::hangup()) else {
            return tracing::error!("SIGHUP cannot be listened for: certificates stay as they are");
        };
        let mut seen = self.changed();
        loop {
            let is_told = tokio::select! {
                () = &mut stop => return,
                _ = told.recv() => true,
                _ = look.tick() => false,
            };
            let now = self.changed();
            if !is_told && now == seen {
                continue;
            }
            seen = now;
            match self.reload() {
                Ok(()) => tracing::info!("certificate and key were read again"),
                Err(error) => tracing::error!("{error}; what was read before goes on"),
            }
        }
    }

    /// When the files were changed last.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).ok()?.modified().ok())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let wrong = |option, file: &Path, problem: &dyn std::fmt::Display| {
        Error::Invalid(format!("{option}: {}: {problem}", file.display()))
    };
    let of_file = |option, file: &Path| {
        let bytes = std::fs::metadata(file).and_then(|about| match about.len() {
            0..=FILE_BYTES_MAX => std::fs::read(file),
            _ => Err(std::io::Error::other("it is larger than 1 MiB")),
        });
        bytes.map_err(|problem| wrong(option, file, &problem))
    };
    let chain = CertificateDer::pem_slice_iter(&of_file("tls-cert", certificate)?)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|problem| wrong("tls-cert", certificate, &problem))?;
    if chain.is_empty() {
        return Err(wrong(
            "tls-cert",
            certificate,
            &"it holds no certificate (PEM)",
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(&zeroize::Zeroizing::new(of_file("tls-key", key)?))
        .map_err(|_| wrong("tls-key", key, &"it holds no private key (PEM)"))?;
    let versions = [&version::TLS13, &version::TLS12];
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .map_err(|problem| wrong("tls-cert", certificate, &problem))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|problem| wrong("tls-cert", certificate, &problem))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
