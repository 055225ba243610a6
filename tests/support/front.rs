//! A hub of the tests' own behind a proxy with bad habits: it drops requests before they arrive and
//! answers after they were acted on, cuts answers off, delays, hands requests over twice, and says
//! that it is busy. The memory behind it counts what arrived.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::hub::COLLECTION;
use super::office::chance::Chance;

/// Bytes of a request at most.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Of a hundred requests so many are treated badly in each way.
const BADLY: u64 = 6;

/// What arrived.
#[derive(Default)]
pub struct Memory {
    /// By identifier and version.
    pub objects: BTreeMap<(String, String), Value>,
    /// Objects that came again.
    pub again: u64,
    /// Objects that came again under the same version with another content.
    pub conflicts: Vec<String>,
    /// Requests by what the proxy did with them.
    pub treated: BTreeMap<&'static str, u64>,
}

/// The running proxy and what is behind it; it ends when it is dropped.
pub struct Front {
    pub memory: Arc<Mutex<Memory>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Front {
    /// With the certificates of a folder; `habits` seeds what it does, 0 for a good one.
    pub fn start(folder: &Path, port: u16, habits: u64) -> Self {
        let config = Arc::new(config(folder));
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (memory, stop) = (Arc::new(Mutex::new(Memory::default())), Arc::default());
        let thread = {
            let (memory, stop) = (Arc::clone(&memory), Arc::clone(&stop));
            std::thread::spawn(move || serve(&listener, &config, &memory, &stop, habits))
        };
        Self { memory, stop, thread: Some(thread) }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn config(folder: &Path) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(folder.join("ca.pem")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap()
}

fn serve(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    memory: &Arc<Mutex<Memory>>,
    stop: &AtomicBool,
    habits: u64,
) {
    let number = AtomicU64::new(0);
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        let chance = Chance::new(habits, &format!("{}", number.fetch_add(1, Ordering::Relaxed)));
        let (config, memory) = (Arc::clone(config), Arc::clone(memory));
        // A client that was killed ends its thread: it is waited for by nobody.
        std::thread::spawn(move || {
            let _ = talk(stream, config, &memory, (habits > 0).then_some(chance));
        });
    }
}

/// One connection: requests until either side ends it.
fn talk(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    memory: &Mutex<Memory>,
    mut chance: Option<Chance>,
) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_nodelay(true)?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    while let Some((head, body)) = request(&mut reader)? {
        let habit = chance.as_mut().map_or(100, |chance| chance.below(100));
        let treated = match habit / BADLY {
            0 => "dropped before",
            1 => "dropped after",
            2 => "cut off",
            3 => "delayed",
            4 => "twice",
            5 => "busy",
            _ => "well",
        };
        *memory.lock().unwrap().treated.entry(treated).or_default() += 1;
        if treated == "dropped before" {
            return Ok(());
        }
        if treated == "busy" {
            let answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
            reader.get_mut().write_all(answer)?;
            continue;
        }
        if treated == "delayed" {
            std::thread::sleep(Duration::from_millis(80));
        }
        let answer = act(&head, &body, &mut memory.lock().unwrap());
        if treated == "twice" {
            act(&head, &body, &mut memory.lock().unwrap());
        }
        let cut = match treated {
            "dropped after" => 0,
            "cut off" => answer.len() / 2,
            _ => answer.len(),
        };
        reader.get_mut().write_all(&answer[..cut])?;
        reader.get_mut().flush()?;
        if cut < answer.len() {
            return Ok(());
        }
    }
    Ok(())
}

/// The request line and the body.
fn request(reader: &mut impl BufRead) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut head, mut length) = (String::new(), 0);
    if reader.read_line(&mut head)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    assert!(length <= REQUEST_BYTES_MAX);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

/// What TAXII 2.1 answers, as far as a sensor asks. Exact repetitions are failures, as medallion has
/// it.
fn act(head: &str, body: &[u8], memory: &mut Memory) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap();
    let objects = format!("/hub/collections/{COLLECTION}/objects/");
    let (status, answer) = if head.starts_with("POST ") && path == objects {
        (202, take(body, memory))
    } else if path == "/hub/" {
        (200, json!({ "title": "hub", "max_content_length": 200_000 }))
    } else if path == format!("/hub/collections/{COLLECTION}/") {
        (200, json!({ "id": COLLECTION, "can_read": true, "can_write": true }))
    } else if let Some(list) = path.split("match%5Bid%5D=").nth(1) {
        let ids: Vec<&str> = list.split('&').next().unwrap().split(',').collect();
        let of = |id: &&str| {
            let versions = ((*id).to_owned(), String::new())..((*id).to_owned(), "z".to_owned());
            memory.objects.range(versions).map(|(_, object)| object).collect::<Vec<_>>()
        };
        (200, json!({ "objects": ids.iter().flat_map(of).collect::<Vec<_>>(), "more": false }))
    } else if let Some(rest) = path.strip_prefix(&objects) {
        let (id, query) = rest.split_once("/?").unwrap_or((rest.trim_end_matches('/'), ""));
        let version = query.rsplit('=').next().unwrap().replace("%3A", ":");
        let found = memory.objects.get(&(id.to_owned(), version));
        match found {
            Some(object) => (200, json!({ "objects": [object] })),
            None => (404, json!({ "title": "not there" })),
        }
    } else {
        (404, json!({ "title": path }))
    };
    let body = answer.to_string();
    let kind = "application/taxii+json;version=2.1";
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn take(body: &[u8], memory: &mut Memory) -> Value {
    let envelope: Value = serde_json::from_slice(body).unwrap();
    let mut failures = Vec::new();
    for object in envelope["objects"].as_array().unwrap() {
        let key = rivellino::outputs::hub::exchange::version(object);
        let Some(known) = memory.objects.get(&key) else {
            memory.objects.insert(key, object.clone());
            continue;
        };
        memory.again += 1;
        if known != object {
            memory.conflicts.push(format!("{known} and {object}"));
        }
        failures.push(json!({ "id": key.0, "message": "Unable to process object" }));
    }
    json!({ "id": "s", "status": "complete", "failure_count": failures.len(), "failures": failures })
}
