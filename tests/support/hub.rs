//! A real hub for tests: Python tools in an environment of their own, certificates, and medallion
//! behind gunicorn with certificates on both sides.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Pinned: the validator's 3.3 ships no schemas.
const PACKAGES: &[&str] = &[
    "stix2==3.0.2",
    "stix2-validator==3.2.0",
    "medallion==3.0.0",
    "taxii2-client==2.3.0",
    "gunicorn==27.0.1",
];
/// Bytes of a request that the server takes.
const CONTENT_BYTES_MAX: usize = 200_000;

/// The environment's folder of programs; says that `what` is skipped when there is none.
pub fn python(what: &str) -> Option<PathBuf> {
    python_with("hub-python", PACKAGES, what)
}

/// An environment of that name with these packages; says that `what` is skipped without.
pub fn python_with(name: &str, packages: &[&str], what: &str) -> Option<PathBuf> {
    // One at a time: two that make it would break each other's.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let bin = folder.join("bin");
    let ready = folder.join("ready");
    if ready.exists() {
        return Some(bin);
    }
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let path = folder.to_str().unwrap();
    let made = run(Path::new("python3"), &["-m", "venv", "--clear", path]) && {
        let arguments = [&["-m", "pip", "install", "-q"], packages].concat();
        run(&bin.join("python"), &arguments)
    };
    if !made {
        println!("skipped: {what} (python3 -m venv and pip gave no environment)");
        return None;
    }
    std::fs::write(ready, "").unwrap();
    Some(bin)
}

/// A root, a server's certificate for localhost and a sensor's with its URI.
pub struct Certificates {
    pub folder: PathBuf,
}

impl Certificates {
    /// Makes them with openssl; says that `what` is skipped without it.
    pub fn new(folder: &Path, uri: &str, what: &str) -> Option<Self> {
        let certificates = Self { folder: folder.to_owned() };
        let made = certificates.root()
            && certificates.signed("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
            && certificates.signed("sensor", &format!("subjectAltName=URI:{uri}"));
        if !made {
            println!("skipped: {what} (openssl made no certificates)");
        }
        made.then_some(certificates)
    }

    fn root(&self) -> bool {
        let ends = ["-days", "2", "-subj", "/CN=test root", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(&self.folder, &[&["req", "-x509"], NEW_KEY, &ends].concat())
    }

    /// A key and a certificate of the root.
    pub fn signed(&self, name: &str, extension: &str) -> bool {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        std::fs::write(self.folder.join("extensions"), extension).unwrap();
        let ends = ["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &request];
        openssl(&self.folder, &[&["req"], NEW_KEY, &ends].concat())
            && self.signs(&request, &format!("{name}.pem"), &["-extfile", "extensions"])
    }

    /// The root signs a request; `more` says what becomes of its extensions.
    pub fn signs(&self, request: &str, certificate: &str, more: &[&str]) -> bool {
        let root = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"];
        let ends = ["-in", request, "-out", certificate];
        openssl(&self.folder, &[&["x509", "-req"], &root[..], &ends, more].concat())
    }
}

const NEW_KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// Runs openssl. `false` when it fails, or is not there.
fn openssl(folder: &Path, words: &[&str]) -> bool {
    let mut command = Command::new("openssl");
    command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
    command.current_dir(folder).status().is_ok_and(|status| status.success())
}

/// Keys that sign bundles of rules; says that `what` is skipped without openssl.
pub fn signing_keys(folder: &Path, names: &[&str], what: &str) -> bool {
    let key = |name: &&str| openssl(folder, &["genpkey", "-algorithm", "ed25519", "-out", name]);
    let made = names.iter().all(key);
    if !made {
        println!("skipped: {what} (openssl makes no keys)");
    }
    made
}

/// The running server. It is stopped when this is dropped.
pub struct Medallion {
    child: Child,
}

/// A command behind these words of another.
pub fn within(before: &[&str], program: impl AsRef<std::ffi::OsStr>) -> Command {
    let Some((first, rest)) = before.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// The collection that sensors write to.
pub const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
/// The collection that they read indicators from.
pub const INDICATORS: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";

/// One that medallion lets nobody write to.
const READ_ONLY: &str = "e4b2d6a0-5f0c-4d0b-9b53-0f6f5b1f1c11";

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Medallion {
    /// Starts it in `folder`.
    pub fn start(bin: &Path, certificates: &Certificates, port: u16) -> Self {
        Self::start_within(&[], bin, certificates, port)
    }

    /// Starts it behind these words of a command: `ip netns exec NAME`.
    pub fn start_within(
        before: &[&str],
        bin: &Path,
        certificates: &Certificates,
        port: u16,
    ) -> Self {
        let folder = &certificates.folder;
        let collection = |id: &str, can_write: bool| {
            serde_json::json!({
                "id": id, "title": "of tests", "can_read": true, "can_write": can_write,
                "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
            })
        };
        let collections = [(COLLECTION, true), (INDICATORS, true), (READ_ONLY, false)];
        let collections = collections.map(|(id, can_write)| collection(id, can_write));
        let versions = ["application/taxii+json;version=2.1"];
        let data = serde_json::json!({
            "/discovery": { "title": "test", "api_roots": [] },
            "hub": {
                "information": {
                    "title": "hub", "versions": versions, "max_content_length": CONTENT_BYTES_MAX,
                },
                "status": [],
                "collections": collections,
            },
        });
        let config = serde_json::json!({
            "backend": {
                "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
                "filename": folder.join("data.json"),
            },
            "users": { "user": "word" },
            "taxii": { "max_page_size": 20 },
        });
        std::fs::write(folder.join("data.json"), data.to_string()).unwrap();
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        // Who comes this far has shown a certificate: the server's own passwords are not the point.
        let wsgi = "from medallion import load_app\n\
                    server = load_app('config.json')\n\
                    def app(environ, start_response):\n    \
                        environ['HTTP_AUTHORIZATION'] = 'Basic dXNlcjp3b3Jk'\n    \
                        return server(environ, start_response)\n";
        std::fs::write(folder.join("wsgi.py"), wsgi).unwrap();
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        let child = within(before, bin.join("gunicorn"))
            .args(["--certfile", "server.pem", "--keyfile", "server.key", "--ca-certs", "ca.pem"])
            .args(["--cert-reqs", "2", "--bind", &format!("127.0.0.1:{port}"), "wsgi:app"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child };
        let begun = Instant::now();
        let answers = || {
            if before.is_empty() {
                return TcpStream::connect(("127.0.0.1", port)).is_ok();
            }
            let mut ask = within(before, "bash");
            ask.args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}")]).stderr(Stdio::null());
            ask.status().is_ok_and(|status| status.success())
        };
        while !answers() {
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(begun.elapsed() < Duration::from_secs(90), "no answer: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }
}

impl Drop for Medallion {
    fn drop(&mut self) {
        // The master ends its workers when it is asked to; a kill would leave them behind.
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < Duration::from_secs(20) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our own hub, running. It is stopped when this is dropped.
pub struct Ours {
    child: Child,
    /// Where its metrics are.
    pub metrics: u16,
}

impl Ours {
    /// Starts it in a folder with `server.pem`, `server.key` and `ca.pem`; `more` is the end of its
    /// configuration.
    pub fn start(folder: &Path, port: u16, more: &str) -> Self {
        let metrics = free_port();
        let config = format!(
            "listen = \"127.0.0.1:{port}\"\nmetrics = \"127.0.0.1:{metrics}\"\nfolder = \"store\"\n\
             [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclients = \"ca.pem\"\n\
             [[collection]]\nid = \"{COLLECTION}\"\ntitle = \"sightings\"\nkind = \"inbox\"\n\
             [[collection]]\nid = \"{INDICATORS}\"\ntitle = \"indicators\"\n\
             kind = \"indicators\"\n{more}"
        );
        std::fs::write(folder.join("hub.toml"), config).unwrap();
        Self::launch(folder, port, metrics)
    }

    /// Starts it with the `hub.toml` that is in the folder.
    pub fn launch(folder: &Path, port: u16, metrics: u16) -> Self {
        let mut log = std::fs::OpenOptions::new();
        let log = log.create(true).append(true).open(folder.join("serve.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rivellino"))
            .args(["hub", "serve", "--config"])
            .arg(folder.join("hub.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, metrics };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || std::fs::read_to_string(folder.join("serve.log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "the hub ended: {}", log());
            assert!(begun.elapsed() < Duration::from_secs(30), "no answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Memory that its process holds, KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Ends it as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end; its exit code.
    pub fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the hub does not end");
    }

    /// A metric of it, with its labels as they are written.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.page();
        let line = page
            .lines()
            .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        let line = line.unwrap_or_else(|| panic!("{name} is not in {page}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Its page of metrics.
    pub fn page(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics);
        ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the servers that the same tests go over.
#[allow(dead_code, reason = "held until it is dropped")]
pub enum Server {
    Medallion(Medallion),
    Ours(Ours),
}

impl Server {
    /// Both, by name.
    pub const NAMES: [&str; 2] = ["medallion", "rivellino"];

    /// A collection of it that sensors can only read.
    pub fn read_only(name: &str) -> &'static str {
        if name == "medallion" { READ_ONLY } else { INDICATORS }
    }

    /// Starts the one of that name.
    pub fn start(name: &str, bin: &Path, certificates: &Certificates, port: u16) -> Self {
        match name {
            "medallion" => Self::Medallion(Medallion::start(bin, certificates, port)),
            _ => Self::Ours(Ours::start(&certificates.folder, port, "")),
        }
    }
}

/// A root made here, and what it signs; quick enough for thousands.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// Its own certificate, PEM.
    pub pem: String,
}

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut about = rcgen::CertificateParams::new(Vec::new()).unwrap();
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = about.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(about, key), pem }
    }

    /// For a server on this machine.
    pub fn server(&self) -> Signed {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(&rcgen::CertificateParams::new(names).unwrap())
    }

    /// For whoever has that name.
    pub fn party(&self, uri: &str) -> Signed {
        let mut about = rcgen::CertificateParams::new(Vec::new()).unwrap();
        about.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
        self.sign(&about)
    }

    /// A certificate that says so, for that key.
    pub fn certify(&self, about: &rcgen::CertificateParams, key: &rcgen::KeyPair) -> String {
        about.signed_by(key, &self.issuer).unwrap().pem()
    }

    fn sign(&self, about: &rcgen::CertificateParams) -> Signed {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = about.signed_by(&key, &self.issuer).unwrap().pem();
        Signed { certificate, key: key.serialize_pem() }
    }

    /// Writes what a hub of ours needs.
    pub fn furnish(&self, folder: &Path) {
        let server = self.server();
        std::fs::write(folder.join("ca.pem"), &self.pem).unwrap();
        std::fs::write(folder.join("server.pem"), server.certificate).unwrap();
        std::fs::write(folder.join("server.key"), server.key).unwrap();
    }
}

/// Speaks TAXII to a hub on this machine, in somebody's name.
pub struct Caller {
    agent: ureq::Agent,
    root: String,
}

/// An answer.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub body: serde_json::Value,
    pub headers: Vec<(String, String)>,
}

impl Said {
    /// A header, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn objects(&self) -> Vec<serde_json::Value> {
        self.body["objects"].as_array().cloned().unwrap_or_default()
    }
}

/// The media type.
pub const TAXII: &str = "application/taxii+json;version=2.1";

impl Caller {
    /// With a root and, perhaps, a certificate of one's own.
    pub fn new(port: u16, root: &str, own: Option<&Signed>) -> Self {
        use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
        let root = Certificate::from_pem(root.as_bytes()).unwrap();
        let own = own.map(|own| {
            let chain = [Certificate::from_pem(own.certificate.as_bytes()).unwrap()];
            ClientCert::new_with_certs(&chain, PrivateKey::from_pem(own.key.as_bytes()).unwrap())
        });
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(own)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self { agent, root: format!("https://localhost:{port}") }
    }

    /// Gets a resource; an error when there is no connection.
    pub fn get(&self, path: &str) -> Result<Said, ureq::Error> {
        self.get_as(path, TAXII)
    }

    /// All versions of all objects of a collection, page by page.
    pub fn all(&self, collection: &str) -> Vec<serde_json::Value> {
        let mut all = Vec::new();
        let mut next = String::new();
        for _ in 0..10_000 {
            let query = format!("limit=1000&match[version]=all{next}");
            let said =
                self.get(&format!("/hub/collections/{collection}/objects/?{query}")).unwrap();
            assert_eq!(said.status, 200, "{}", said.body);
            all.extend(said.objects());
            match said.body["next"].as_str() {
                Some(token) => next = format!("&next={token}"),
                None => return all,
            }
        }
        panic!("the pages have no end");
    }

    /// Gets a resource as some media type.
    pub fn get_as(&self, path: &str, accept: &str) -> Result<Said, ureq::Error> {
        let url = format!("{}{path}", self.root);
        self.agent.get(&url).header("accept", accept).call().map(said)
    }

    /// Posts a body.
    pub fn post_as(&self, path: &str, media: &str, body: &[u8]) -> Result<Said, ureq::Error> {
        let url = format!("{}{path}", self.root);
        let post = self.agent.post(&url).header("accept", TAXII).header("content-type", media);
        post.send(body).map(said)
    }

    /// Posts objects to a collection.
    pub fn put(
        &self,
        collection: &str,
        objects: &[serde_json::Value],
    ) -> Result<Said, ureq::Error> {
        let envelope = serde_json::json!({ "objects": objects }).to_string();
        self.post_as(&format!("/hub/collections/{collection}/objects/"), TAXII, envelope.as_bytes())
    }
}

fn said(mut answer: ureq::http::Response<ureq::Body>) -> Said {
    let body = answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
    let headers = answer.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Said {
        status: answer.status().as_u16(),
        headers: headers.collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}
