//! Two hubs and two servers of NATS, with the configuration of the manual: a region publishes what its
//! sensors send while the nation is away, its own server dies and it dies itself; all arrives, once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rivellino::outputs::hub::identity::Identity;
use rivellino::outputs::hub::stix::id;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::support::block;
use crate::support::hub::{Authority, COLLECTION, Caller, INDICATORS, Ours, Signed, free_port};

const SERVER: &str = "nats-server";
/// How long the nation is away; with `RIVELLINO_ALL` the second.
const AWAY: [Duration; 2] = [Duration::from_secs(6), Duration::from_secs(120)];
/// Load before the outage and after it.
const BESIDE: Duration = Duration::from_secs(2);
/// After that all has to be there.
const PATIENCE: Duration = Duration::from_secs(120);
const SENSORS: usize = 4;
/// Objects of an envelope; each sensor sends one every [`PAUSE`].
const TOGETHER: usize = 10;
const PAUSE: Duration = Duration::from_millis(150);
/// Memory of a hub at most.
const MEMORY_KIB_MAX: u64 = 512 * 1024;

/// A server of NATS; killed when it is dropped.
struct Nats {
    child: Child,
}

impl Nats {
    fn start(folder: &Path, port: u16) -> Self {
        let mut log = std::fs::OpenOptions::new();
        let log = log.create(true).append(true).open(folder.join("nats.log")).unwrap();
        let child = Command::new(SERVER)
            .args(["-c", "nats.conf"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || std::fs::read_to_string(folder.join("nats.log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(begun.elapsed() < Duration::from_secs(30), "no answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A centre: a hub and a server beside it.
struct Centre {
    folder: PathBuf,
    hub: u16,
    nats: u16,
    metrics: u16,
}

impl Centre {
    /// Writes what it needs; `leaf` is where the nation's server takes leaf nodes.
    fn new(whole: &Path, name: &str, authorities: [&Authority; 2], leaf: u16) -> Self {
        let folder = whole.join(name);
        std::fs::create_dir(&folder).unwrap();
        let [sensors, relay] = authorities;
        sensors.furnish(&folder);
        let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).unwrap();
        let both = |file: &str, of: crate::support::hub::Signed| {
            write(&format!("{file}.pem"), &of.certificate);
            write(&format!("{file}.key"), &of.key);
        };
        write("relay-ca.pem", &relay.pem);
        both("nats", relay.server());
        both("relay", relay.party(&format!("urn:example:hub/{name}")));
        both("leaf", relay.party("urn:example:leaf/cosc13"));
        let [hub, nats, metrics] = [free_port(), free_port(), free_port()];
        let server = block("relaying", &format!("{name}/nats.conf"))
            .replace("127.0.0.1:4222", &format!("127.0.0.1:{nats}"))
            .replace("nats.example.it:7422", &format!("localhost:{leaf}"))
            .replace("0.0.0.0:7422", &format!("127.0.0.1:{leaf}"));
        write("nats.conf", &server);
        let relay = block("relaying", &format!("{name}/hub.toml"))
            .replace("localhost:4222", &format!("localhost:{nats}"));
        write(
            "hub.toml",
            &format!(
                "listen = \"127.0.0.1:{hub}\"\nmetrics = \"127.0.0.1:{metrics}\"\n\
                 folder = \"store\"\n\
                 [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclients = \"ca.pem\"\n\
                 [[collection]]\nid = \"{COLLECTION}\"\ntitle = \"sightings\"\nkind = \"inbox\"\n\
                 [[collection]]\nid = \"{INDICATORS}\"\ntitle = \"indicators\"\n\
                 kind = \"indicators\"\n\
                 [[party]]\nuri = \"urn:example:centre\"\nread = true\npublish = true\n\
                 [quota]\nrequests-per-minute = 1000000\nobjects-per-minute = 1000000\n\
                 mib-per-minute = 10000\nobjects-per-day = 1000000\n{relay}\n"
            ),
        );
        Self { folder, hub, nats, metrics }
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store/hub.redb")
    }

    /// The store as it once was.
    fn earlier(&self) -> PathBuf {
        self.folder.join("earlier.redb")
    }

    fn server(&self) -> Nats {
        Nats::start(&self.folder, self.nats)
    }

    fn serve(&self) -> Ours {
        Ours::launch(&self.folder, self.hub, self.metrics)
    }
}

/// The objects of a collection by identifier, and how often each is there.
fn read(caller: &Caller, collection: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for object in caller.all(collection) {
        *all.entry(object["id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    all
}

/// Sends notes of one sensor until it is over; each envelope until it is answered.
fn load(caller: &Caller, author: &str, is_over: &AtomicBool) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        let notes: Vec<Value> = (0..TOGETHER)
            .map(|_| {
                number += 1;
                json!({
                    "type": "note", "spec_version": "2.1",
                    "id": id::object("note", &format!("{author}|{number}")),
                    "created_by_ref": author, "created": "2026-01-01T00:00:00.000Z",
                    "modified": "2026-01-01T00:00:00.000Z", "content": "x".repeat(300),
                    "object_refs": [author],
                })
            })
            .collect();
        let begun = Instant::now();
        loop {
            match caller.put(COLLECTION, &notes) {
                Ok(said) if said.status == 202 => {
                    assert_eq!(said.body["failure_count"], 0, "{}", said.body);
                    break;
                }
                Ok(said) => assert_eq!(said.status, 503, "{}", said.body),
                Err(_) => {}
            }
            assert!(begun.elapsed() < PATIENCE, "the region does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        sent.extend(notes.iter().map(|note| note["id"].as_str().unwrap().to_owned()));
        std::thread::sleep(PAUSE);
    }
    sent
}

#[test]
fn nothing_is_lost_between_hubs_and_nothing_comes_twice() {
    if Command::new(SERVER).arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: hubs over NATS ({SERVER} is not there)");
        return;
    }
    let away = AWAY[usize::from(std::env::var_os("RIVELLINO_ALL").is_some())];
    let folder = tempfile::tempdir().unwrap();
    let [sensors, relay] = [Authority::new(), Authority::new()];
    let leaf = free_port();
    let nation = Centre::new(folder.path(), "nation", [&sensors, &relay], leaf);
    let region = Centre::new(folder.path(), "region", [&sensors, &relay], leaf);
    let own = |centre: &Centre, uri: &str| {
        Caller::new(centre.hub, &sensors.pem, Some(&sensors.party(uri)))
    };
    let (upper, lower) = (nation.server(), region.server());
    let (national, regional) = (nation.serve(), region.serve());
    let is_over = AtomicBool::new(false);
    let (sent, upper, lower, national, regional) = std::thread::scope(|scope| {
        let is_over = &is_over;
        let hands: Vec<_> = (1..=SENSORS)
            .map(|town| {
                let who = Identity::new(13, 19, &format!("{town:06}"), None, 1).unwrap();
                let caller = own(&region, &who.uri());
                let author = id::object("identity", &who.uri());
                scope.spawn(move || load(&caller, &author, is_over))
            })
            .collect();
        std::thread::sleep(BESIDE);
        // The nation is killed: its hub and its server.
        national.kill();
        drop(upper);
        std::thread::sleep(away / 3);
        // Meanwhile the region's own server is killed, and then its hub, with what waits in it.
        drop(lower);
        std::thread::sleep(away / 6);
        regional.kill();
        std::fs::copy(region.store(), region.earlier()).unwrap();
        let regional = region.serve();
        std::thread::sleep(away / 6);
        let lower = region.server();
        std::thread::sleep(away / 3);
        let upper = nation.server();
        let national = nation.serve();
        std::thread::sleep(BESIDE);
        is_over.store(true, Ordering::Relaxed);
        let sent = hands.into_iter().flat_map(|hand| hand.join().unwrap());
        (sent.collect::<BTreeSet<String>>(), upper, lower, national, regional)
    });
    let reader = own(&nation, "urn:example:centre");
    let begun = Instant::now();
    let mut there = read(&reader, COLLECTION);
    while there.len() < sent.len() && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(500));
        there = read(&reader, COLLECTION);
    }
    let took = begun.elapsed();
    let lost = sent.iter().filter(|id| !there.contains_key(*id)).count();
    let twice = there.values().filter(|count| **count > 1).count();
    let of = |hub: &Ours, outcome: &str| {
        hub.metric(&format!("rivellino_hub_relay_total{{outcome=\"{outcome}\"}}"))
    };
    println!(
        "relay: away {away:?}, {} objects sent, {} there, {lost} lost, {twice} twice, all there {took:?} \
         after the last; since its last start the region published {}, repeated {}, failed {}; the \
         nation took {}, of which {} it knew; memory {} and {} KiB",
        sent.len(),
        there.len(),
        of(&regional, "published"),
        of(&regional, "repeated"),
        of(&regional, "failed"),
        of(&national, "taken"),
        national.metric("rivellino_hub_objects_total{outcome=\"known\"}"),
        regional.memory_kib(),
        national.memory_kib(),
    );
    let log = |centre: &Centre| std::fs::read_to_string(centre.folder.join("serve.log")).unwrap();
    assert_eq!(lost, 0, "{}\n{}", log(&region), log(&nation));
    assert_eq!((twice, there.len()), (0, sent.len()));
    assert!(sent.len() > 200, "that was no load: {}", sent.len());
    assert_eq!(of(&national, "unreadable") + of(&regional, "withheld"), 0.0);
    assert!(regional.memory_kib().max(national.memory_kib()) < MEMORY_KIB_MAX);
    let reading = own(&region, &Identity::new(13, 19, "000001", None, 1).unwrap().uri());
    indicators_come_down(&reader, &reading);
    // The region forgets that it published what waited then, and publishes it again.
    regional.kill();
    std::fs::rename(region.earlier(), region.store()).unwrap();
    let regional = region.serve();
    let begun = Instant::now();
    while of(&regional, "repeated") == 0.0 {
        assert!(begun.elapsed() < PATIENCE, "nothing is published again");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(BESIDE);
    println!("relay: {} published again", of(&regional, "repeated"));
    assert_eq!(of(&regional, "published"), 0.0, "the server knows all of it");
    assert_eq!(read(&reader, COLLECTION), there, "the nation does not hear of it");
    drop((upper, lower));
}

/// What the nation publishes is read at the region; what must never be an indicator is not.
fn indicators_come_down(centre: &Caller, sensor: &Caller) {
    let indicator = json!({
        "type": "indicator", "spec_version": "2.1", "id": id::object("indicator", "relay"),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "name": "of the centre", "indicator_types": ["malicious-activity"],
        "pattern": "[ipv4-addr:value = '203.0.113.77']", "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00.000Z", "confidence": 90,
    });
    assert_eq!(centre.put(INDICATORS, std::slice::from_ref(&indicator)).unwrap().status, 202);
    let begun = Instant::now();
    let held = id::object("indicator", "relay");
    while !read(sensor, INDICATORS).contains_key(&held) {
        assert!(begun.elapsed() < PATIENCE, "the indicator does not come down");
        std::thread::sleep(Duration::from_millis(250));
    }
    println!("relay: an indicator of the nation is at the region after {:?}", begun.elapsed());
}

#[test]
fn a_relay_that_cannot_be_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let sensors = Authority::new();
    let centre = Centre::new(folder.path(), "region", [&sensors, &sensors], 1);
    let path = centre.folder.join("hub.toml");
    let sound = std::fs::read_to_string(&path).unwrap();
    for (word, other, said) in [
        ("tls://localhost", "nats://localhost", "nothing goes in clear"),
        ("tlp = \"amber\"", "tlp = \"red\"", "clear, green, amber or amber+strict"),
        ("rivellino.cosc13.sightings", "rivellino.>", "letters, digits"),
        ("consumer = \"hub\"", "consumer = \"a b\"", "consumer"),
        ("days = 7", "days = 0", "days from 1 to 90"),
        ("relay.key", "nobody.key", "nobody.key"),
    ] {
        std::fs::write(&path, sound.replace(word, other)).unwrap();
        let program = env!("CARGO_BIN_EXE_rivellino");
        let run = Command::new(program).args(["hub", "serve", "--config"]).arg(&path).output();
        let run = run.unwrap();
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{word}: {error}");
    }
}

/// Somebody who speaks to a server of NATS in its own words.
struct Voice(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Voice {
    /// Comes in with a certificate; what the server says instead when it lets nobody in.
    fn new(port: u16, root: &str, own: &Signed) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // What stands before TLS: one line, byte by byte.
        let mut byte = [0];
        while byte != *b"\n" {
            stream.read_exact(&mut byte).unwrap();
        }
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut voice = Self(BufReader::new(StreamOwned::new(connection, stream)));
        let about =
            r#"{"verbose":false,"tls_required":true,"lang":"x","version":"0","protocol":1}"#;
        let said = voice.say(&format!("CONNECT {about}\r\n"));
        if said.contains("-ERR") { Err(said) } else { Ok(voice) }
    }

    /// All that the server says until it has heard this, or hangs up.
    fn say(&mut self, words: &str) -> String {
        let _ = self.0.get_mut().write_all(format!("{words}PING\r\n").as_bytes());
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line);
            if line.starts_with("PONG") || !read.is_ok_and(|count| count > 0) {
                return all;
            }
            all.push_str(&line);
        }
    }

    /// What the server answers to a question.
    fn ask(&mut self, subject: &str) -> String {
        self.ask_to("_INBOX.answer", subject)
    }

    /// What comes back to that subject.
    fn ask_to(&mut self, back: &str, subject: &str) -> String {
        self.say(&format!("SUB {back} 1\r\n"));
        let mut said = self.say(&format!("PUB {subject} {back} 0\r\n\r\n"));
        let begun = Instant::now();
        while !said.contains('{') && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(50));
            said.push_str(&self.say(""));
        }
        said
    }
}

#[test]
fn nobody_has_more_rights_than_the_manual_gives() {
    if Command::new(SERVER).arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: rights of hubs over NATS ({SERVER} is not there)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [sensors, relay] = [Authority::new(), Authority::new()];
    let leaf = free_port();
    let nation = Centre::new(folder.path(), "nation", [&sensors, &relay], leaf);
    let region = Centre::new(folder.path(), "region", [&sensors, &relay], leaf);
    let (_upper, lower) = (nation.server(), region.server());
    let (_national, regional) = (nation.serve(), region.serve());
    let voice = |of: &Centre, who: &str| Voice::new(of.nats, &relay.pem, &relay.party(who));
    for who in ["urn:example:nobody", "urn:example:hub/nation"] {
        let said = voice(&region, who).err().unwrap_or_default();
        assert!(said.contains("Authorization Violation"), "{who}: {said}");
    }
    let begun = Instant::now();
    let mut own = voice(&region, "urn:example:hub/region").unwrap();
    while !own.ask("$JS.API.STREAM.INFO.COSC13").contains("\"messages\":") {
        assert!(begun.elapsed() < PATIENCE, "the hub makes no stream");
    }
    for words in [
        "PUB rivellino.cosc14.sightings 0\r\n\r\n",
        "PUB rivellino.national.indicators 0\r\n\r\n",
        "PUB $JS.API.STREAM.DELETE.COSC13 0\r\n\r\n",
        "PUB $JS.API.STREAM.PURGE.COSC13 0\r\n\r\n",
        "PUB $JS.API.STREAM.UPDATE.COSC13 0\r\n\r\n",
        "PUB $JS.national.API.STREAM.DELETE.INDICATORS 0\r\n\r\n",
        "SUB > 7\r\n",
        "SUB rivellino.> 7\r\n",
    ] {
        let said = own.say(words);
        assert!(said.contains("Permissions Violation"), "{words}: {said}");
    }
    // A region in wrong hands: its server grants everything, and its leaf node keeps its rights.
    drop(regional);
    drop(lower);
    let conf = std::fs::read_to_string(region.folder.join("nats.conf")).unwrap();
    let [from, to] = ["authorization {", "leafnodes {"].map(|word| conf.find(word).unwrap());
    let conf = format!("{}{}", &conf[..from], &conf[to..]).replace("verify_and_map", "verify");
    std::fs::write(region.folder.join("nats.conf"), conf).unwrap();
    let _hostile = region.server();
    let mut hostile = voice(&region, "urn:example:whoever").unwrap();
    let mut national = voice(&nation, "urn:example:hub/nation").unwrap();
    let state = |said: &str| {
        let at = said.find("\"messages\":").unwrap_or_else(|| panic!("{said}"));
        said[at..].split(',').next().unwrap().to_owned()
    };
    let begun = Instant::now();
    let before = loop {
        let said = national.ask("$JS.API.STREAM.INFO.INDICATORS");
        if said.contains("\"messages\":") {
            break state(&said);
        }
        assert!(begun.elapsed() < PATIENCE, "the nation's hub makes no stream: {said}");
    };
    assert_eq!(before, "\"messages\":0");
    // It is joined: what it may ask for is answered, to where it may hear answers.
    let back = "$JSC.R.answer";
    let begun = Instant::now();
    let mut answered = String::new();
    while !answered.contains('{') {
        assert!(begun.elapsed() < PATIENCE, "the leaf node does not come");
        answered = hostile.ask_to(back, "$JS.national.API.CONSUMER.CREATE.INDICATORS");
    }
    for words in ["PUB rivellino.national.indicators 1\r\nx\r\n", "SUB rivellino.> 7\r\n"] {
        assert!(!hostile.say(words).contains("-ERR"), "its own server grants everything");
    }
    for question in ["STREAM.DELETE.INDICATORS", "STREAM.PURGE.REGIONS", "STREAM.NAMES"] {
        let said = hostile.ask_to(back, &format!("$JS.national.API.{question}"));
        assert!(!said.contains('{'), "{question} is answered: {said}");
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(state(&national.ask("$JS.API.STREAM.INFO.INDICATORS")), before);
}
