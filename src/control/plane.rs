//! The control plane: signals and pages, on a thread and a small runtime of their own.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::http::{self, Pages};
use super::signals::{self, Flags};

/// How long open connections may take to end at shutdown.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running control plane; dropping it shuts it down.
pub struct Plane {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    address: Option<SocketAddr>,
}

impl Plane {
    /// Listens for signals, and serves `pages` on an address if there is one. Both are in force
    /// when it returns.
    ///
    /// # Errors
    /// When the address cannot be taken or the system refuses signals.
    pub fn start(flags: &Flags, pages: Option<(SocketAddr, Pages)>) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = mpsc::channel();
        let flags = flags.clone();
        let run = move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(serve(&flags, pages, &started, stopped));
                runtime.shutdown_background();
            }
            Err(error) => drop(started.send(Err(error.into()))),
        };
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(run)?;
        let address = starting.recv().map_err(|_| anyhow!("the control plane did not start"))??;
        Ok(Self { stop: Some(stop), thread: Some(thread), address })
    }

    /// Where the pages are served: the port in force when 0 was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // Either fails only when the thread has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(
    flags: &Flags,
    pages: Option<(SocketAddr, Pages)>,
    started: &mpsc::Sender<Result<Option<SocketAddr>>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let prepared = prepare(flags, pages).await;
    let (listener, router) = match prepared {
        Ok(Some(served)) => served,
        Ok(None) => {
            let _ = started.send(Ok(None));
            let _ = stopped.await;
            return;
        }
        Err(error) => return drop(started.send(Err(error))),
    };
    let _ = started.send(listener.local_addr().map(Some).map_err(Into::into));
    let (finish, finished) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = finished.await;
    });
    let server = tokio::spawn(server.into_future());
    let _ = (&mut stopped).await;
    let _ = finish.send(());
    let _ = tokio::time::timeout(PATIENCE, server).await;
}

async fn prepare(
    flags: &Flags,
    pages: Option<(SocketAddr, Pages)>,
) -> Result<Option<(TcpListener, axum::Router)>> {
    let listening = signals::listen(flags).context("cannot listen for signals")?;
    tokio::spawn(listening);
    let Some((address, pages)) = pages else { return Ok(None) };
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another with --listen, or end what uses it")
    })?;
    Ok(Some((listener, http::router(pages))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn serves_pages_and_hears_signals() {
        let ready = Arc::new(AtomicBool::new(false));
        let metrics = Arc::new(|| "rivellino_up 1\n".to_owned());
        let pages = Pages { metrics, ready: Arc::clone(&ready) };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let flags = Flags::default();
        let plane = Plane::start(&flags, Some((anywhere, pages.clone()))).unwrap();
        let address = plane.address().unwrap();
        let page = get(address, "/metrics");
        assert!(page.contains("version=0.0.4") && page.ends_with("rivellino_up 1\n"), "{page}");
        assert!(get(address, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 503"));
        ready.store(true, Ordering::Relaxed);
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/none").starts_with("HTTP/1.1 404"));

        let taken = Plane::start(&flags, Some((address, pages))).err().unwrap();
        assert!(format!("{taken:#}").contains("--listen"), "{taken:#}");

        let own = std::process::id().to_string();
        assert!(!flags.take_reload() && !flags.stop());
        std::process::Command::new("kill").args(["-HUP", &own]).status().unwrap();
        wait_for(|| flags.take_reload());
        std::process::Command::new("kill").args(["-TERM", &own]).status().unwrap();
        wait_for(|| flags.stop());
        drop(plane);
        assert!(TcpStream::connect(address).is_err(), "shut down");
    }

    fn wait_for(condition: impl Fn() -> bool) {
        for _ in 0..500 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        unreachable!("did not come");
    }
}
