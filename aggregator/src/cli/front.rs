//! `dayfly front`: HTTPS without a proxy.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use aggregator::error::Result;
use aggregator::front::{Front, Upstream};
use aggregator::serve;
use aggregator::tls::Tls;
use clap::Args;

use super::serve::prepare_process;

/// `dayfly front`. The edge must believe its header (CLIENT_IP_HEADER=X-Real-IP), the server its
/// address (DAYFLY_TRUST_PROXY=127.0.0.1), and nobody else may reach either.
#[derive(Args)]
pub struct FrontCommand {
    /// Where it listens for HTTPS.
    #[arg(long, env = "DAYFLY_FRONT_LISTEN", default_value_t = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 443)))]
    listen: SocketAddr,
    /// Where browsers that come over plain HTTP are sent to HTTPS, such as 0.0.0.0:80.
    #[arg(long, env = "DAYFLY_FRONT_REDIRECT_LISTEN")]
    redirect_listen: Option<SocketAddr>,
    /// A chain of certificates (PEM) for all names, the server's first. Read again when the file
    /// changes, and on SIGHUP.
    #[arg(long, env = "DAYFLY_FRONT_TLS_CERT")]
    tls_cert: PathBuf,
    /// The key of that certificate (PEM).
    #[arg(long, env = "DAYFLY_FRONT_TLS_KEY")]
    tls_key: PathBuf,
    /// The name that browsers send page views to, and where the edge listens.
    #[arg(long, env = "DAYFLY_FRONT_EDGE", value_name = "NAME=ADDRESS:PORT")]
    edge: Upstream,
    /// The name of the dashboard and the API, and where the server listens.
    #[arg(long, env = "DAYFLY_FRONT_DASHBOARD", value_name = "NAME=ADDRESS:PORT")]
    dashboard: Option<Upstream>,
}

impl FrontCommand {
    /// Serves until it is told to stop.
    pub async fn run(self) -> Result<()> {
        prepare_process();
        let tls = Arc::new(Tls::open(&self.tls_cert, &self.tls_key)?);
        let listener = serve::listen(self.listen).await?;
        let redirect = match self.redirect_listen {
            Some(address) => Some(serve::listen(address).await?),
            None => None,
        };
        tracing::info!("listening on https://{}", self.listen);
        let front = Front::new(self.edge, self.dashboard);
        front.serve(listener, tls, redirect).await;
        tracing::info!("stopped");
        Ok(())
    }
}
