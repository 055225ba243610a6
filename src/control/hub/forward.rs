//! Lines of syslog over TLS (RFC 5425), to what a town has already: `hub forward`, and the way that
//! `watch` goes too.
//!
//! Syslog answers nothing. So each batch has a connection of its own, and is sent when the other side
//! has read it to its end and closed; what it does with it nobody knows: what has to arrive goes to a
//! hub. Each line stands behind its length; lines of CEF stand in a frame of syslog.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;

use super::place::{Place, lines};
use super::send::{doubt, tell};
use super::serve::tls;
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::FORMATS;
use crate::outputs::hub::audit::{Audit, What};
use crate::outputs::hub::exchange::Exchange;
use crate::outputs::hub::policy::Collector;
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::syslog::{framed, wrapped};
use crate::time::Timestamp;

/// How long a connection, and each write, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of the other side's that are passed over at the end, at most.
const UNREAD_BYTES_MAX: usize = 256 * 1024;
/// Lines that leave together, and are told to the log together.
pub(super) const BATCH_LINES: usize = 500;

/// Sends.
pub(super) fn forward(
    options: &SiteOptions,
    eve: &[PathBuf],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let now = Timestamp::wall_clock();
    if !place.may_send(now) {
        bail!("sharing is off: the policy's last day is over (basis.valid-until)");
    }
    if place.policy.collectors.is_empty() {
        bail!("nobody to send to: the policy has no section [[collector]]");
    }
    let _lock = place.lock()?;
    let audit = Audit::open(&place.audit()).context("cannot open the log of what leaves")?;
    let audit = Mutex::new(audit);
    let mut code = DONE;
    for collector in &place.policy.collectors {
        let keys = Keys::open(&place.folder, now).context("cannot keep the key of pseudonyms")?;
        let mut exchange = exchange(&place, collector, keys)?;
        let mut units = Vec::new();
        for path in eve {
            lines(path, &mut |line| units.extend(exchange.line(line, now)))?;
            code = code.max(doubt(path, &exchange));
        }
        tell(exchange.counts());
        let objects = units.into_iter().filter(|unit| unit.tlp <= collector.tlp);
        let objects: Vec<Value> = objects.flat_map(|unit| unit.objects).collect();
        let name = &collector.name;
        let mut sent = 0;
        let done = objects.chunks(BATCH_LINES).try_for_each(|batch| {
            send(&place, collector, batch, &audit)?;
            sent += batch.len();
            Ok(())
        });
        writeln!(out, "{name}: {sent} of {} lines sent", objects.len())?;
        if let Err(Unsent::Here(error) | Unsent::There(error)) = done {
            tracing::error!("{name}: {error:#}");
            code = REFUSED;
        }
    }
    Ok(code)
}

/// What makes lines for a collector.
pub(super) fn exchange(
    place: &Place,
    collector: &Collector,
    keys: Keys,
) -> anyhow::Result<Exchange> {
    let kind = FORMATS.iter().find(|kind| kind.name == collector.format);
    let kind = kind.with_context(|| format!("there is no format {:?}", collector.format))?;
    Ok(place.exchange_as((kind.make)(&place.policy.identity), keys))
}

/// Why lines did not go.
pub(super) enum Unsent {
    /// Because of this machine: its disk, its files.
    Here(anyhow::Error),
    /// Because of the collector, or of the way to it.
    There(anyhow::Error),
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn connect(config: Arc<ClientConfig>, collector: &Collector) -> anyhow::Result<Stream> {
    let Collector { host, port, .. } = collector;
    let shown = format!("{host}:{port}");
    let addresses = (host.as_str(), *port).to_socket_addrs();
    let addresses = addresses.with_context(|| format!("{shown}: no such name"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let name = ServerName::try_from(host.clone())?;
                let mut stream = StreamOwned::new(ClientConnection::new(config, name)?, stream);
                while stream.conn.is_handshaking() {
                    let done = stream.conn.complete_io(&mut stream.sock);
                    done.with_context(|| format!("{shown}: no TLS"))?;
                }
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("{shown}: no connection")),
        None => bail!("{shown}: no address"),
    }
}

/// Says that nothing more comes, and waits until the other has heard it: a connection that is left
/// with something unread is reset, and takes along what the other has not read.
fn close(mut stream: Stream) -> std::io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)?;
    let mut passed_over = 0;
    let mut part = [0; 4096];
    while passed_over < UNREAD_BYTES_MAX {
        // Read as TLS: that the other refuses the certificate it may say only now (RFC 8446, section
        // 4.4.2.4), and has taken nothing then.
        match stream.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(count) => passed_over += count,
            // Many end without a word.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends some lines over a connection of their own, and tells the log before and after.
pub(super) fn send(
    place: &Place,
    collector: &Collector,
    batch: &[Value],
    audit: &Mutex<Audit>,
) -> Result<(), Unsent> {
    let config = tls::client(&place.policy.tls).map_err(Unsent::Here)?;
    let mut stream = connect(config, collector).map_err(Unsent::There)?;
    let now = Timestamp::wall_clock();
    let mut bytes = Vec::new();
    for line in batch.iter().filter_map(Value::as_str) {
        if collector.format == "cef" {
            bytes.extend(framed(&wrapped(line, &place.policy.identity, now)));
        } else {
            bytes.extend(framed(line));
        }
    }
    let tell = |what, now| {
        // Not held while the collector takes its time: others tell it too.
        let mut audit = audit.lock().unwrap_or_else(PoisonError::into_inner);
        let told = audit.tell(what, &collector.name, batch, &bytes, now);
        told.context("cannot write the log of what leaves: nothing is sent").map_err(Unsent::Here)
    };
    tell(What::Offered, now)?;
    let written = stream.write_all(&bytes).and_then(|()| stream.flush());
    let heard = written.context("the connection broke").and_then(|()| {
        close(stream).context("the connection broke at its end: what was sent may not be read")
    });
    heard.map_err(Unsent::There)?;
    tell(What::Accepted, Timestamp::wall_clock())
}
