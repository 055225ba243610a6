//! `hub serve`: a hub of our own, for tests and small centres. TAXII 2.1 with certificates on both
//! sides; what sensors send is kept for those who may read it, and an indicator that enough towns
//! saw goes to all, made anew of the value alone, behind the gate of safety.

mod admit;
mod api;
mod config;
mod gate;
mod listen;
mod metrics;
mod query;
mod queue;
mod quota;
#[cfg(feature = "nats")]
mod relay;
mod shared;
mod store;
pub(super) mod tls;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::control::http::{self, Pages};
use crate::control::run::DONE;
use crate::control::signals::{self, Flags};
use crate::control::terminal::Terminal;
use crate::time::Timestamp;
use config::{Collection, Config, Kind};
use gate::Gate;
use metrics::Metrics;
use queue::Queue;
use quota::Quotas;
use store::Store;

/// How often it is looked whether it is to end.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// A hub.
struct Hub {
    config: Config,
    store: Store,
    gate: Gate,
    quotas: Quotas,
    metrics: Metrics,
    queue: Queue,
}

impl Hub {
    /// The collection of what goes to all.
    fn indicators(&self) -> Option<&Collection> {
        self.config.collection.iter().find(|of| of.kind == Kind::Indicators)
    }
}

/// Serves until it is stopped.
pub(super) fn serve(path: &Path, out: &mut Terminal) -> anyhow::Result<u8> {
    let config = Config::load(path)?;
    let acceptor = tls::acceptor(&config.tls)?;
    let ids: Vec<&str> = config.collection.iter().map(|of| of.id.as_str()).collect();
    let store = Store::open(&config.folder, &ids)?;
    let gate = Gate::new(config.networks()?, &config.gate.names, store.spoke()?);
    let quotas = Quotas::new(&config.quota);
    let metrics = Metrics::new().context("cannot make the metrics")?;
    let (queue, jobs) = Queue::new();
    let hub = Arc::new(Hub { config, store, gate, quotas, metrics, queue });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()?;
    let writing = Arc::clone(&hub);
    let _writer = std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || queue::work(&writing, &jobs))?;
    runtime.block_on(async {
        let flags = Flags::default();
        tokio::spawn(signals::listen(&flags).context("cannot listen for signals")?);
        #[cfg(feature = "nats")]
        if let Some(relay) = &hub.config.relay {
            relay::start(&hub, relay).await?;
        }
        let address = hub.config.listen;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let metrics = metrics_page(&hub).await?;
        writeln!(out, "listening on {}", listener.local_addr()?)?;
        if let Some(metrics) = metrics {
            writeln!(out, "metrics on {metrics}")?;
        }
        out.flush()?;
        tokio::spawn(listen::accept(Arc::clone(&hub), listener, acceptor));
        while !flags.stop() {
            tokio::time::sleep(LOOK).await;
        }
        anyhow::Ok(())
    })?;
    // What was answered is on the disk; what was not will come again.
    runtime.shutdown_background();
    Ok(DONE)
}

/// Shows the metrics to this machine.
async fn metrics_page(hub: &Arc<Hub>) -> anyhow::Result<Option<std::net::SocketAddr>> {
    let Some(address) = hub.config.metrics else { return Ok(None) };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for the metrics"))?;
    let shown = listener.local_addr()?;
    let of = Arc::clone(hub);
    let metrics = Arc::new(move || {
        of.metrics.queue.set(i64::try_from(of.queue.len()).unwrap_or(i64::MAX));
        of.metrics.text(Timestamp::wall_clock().nanos() / 1_000)
    });
    let ready = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let router = http::router(Pages { metrics, ready });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Some(shown))
}
