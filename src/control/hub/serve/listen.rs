//! Connections: who speaks, and for how long at most.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::HandshakeKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::{Hub, api};
use crate::control::hub::certificate;
use crate::outputs::hub::identity::Identity;

/// Connections at one time at most; others wait to be accepted.
const CONNECTIONS_MAX: usize = 9_000;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a head of a request may take, and how long a connection may be silent.
const HEAD: Duration = Duration::from_secs(30);
/// How long a connection may last: then a certificate is looked at anew.
const CONNECTION: Duration = Duration::from_secs(3600);
/// Wait after the system refused a connection: it has no more descriptors.
const REFUSED: Duration = Duration::from_millis(100);

/// Who speaks.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The name in the certificate.
    pub(super) uri: Option<String>,
    /// The same as the identity of a sensor.
    pub(super) identity: Option<Identity>,
    /// Where from.
    pub(super) address: IpAddr,
}

/// Accepts connections for ever.
pub(super) async fn accept(hub: Arc<Hub>, listener: TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("no connection: {error}");
                tokio::time::sleep(REFUSED).await;
                continue;
            }
        };
        let (hub, acceptor) = (Arc::clone(&hub), acceptor.clone());
        tokio::spawn(async move {
            hub.metrics.connections.inc();
            connection(&hub, stream, from.ip(), &acceptor).await;
            hub.metrics.connections.dec();
            drop(place);
        });
    }
}

async fn connection(hub: &Arc<Hub>, stream: TcpStream, address: IpAddr, acceptor: &TlsAcceptor) {
    // Answers are small: they must not wait for more.
    let _ = stream.set_nodelay(true);
    let stream = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => {
            hub.metrics.handshakes.with_label_values(&["failed"]).inc();
            return;
        }
    };
    let session = stream.get_ref().1;
    let kind = match session.handshake_kind() {
        Some(HandshakeKind::Resumed) => "resumed",
        _ => "full",
    };
    hub.metrics.handshakes.with_label_values(&[kind]).inc();
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let uri = certificate.and_then(certificate::uri);
    let identity = uri.as_deref().and_then(|uri| uri.parse().ok());
    let router = api::router(Arc::clone(hub), Peer { uri, identity, address });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // How a connection ends is the other's business.
    let _ = timeout(CONNECTION, served).await;
}
