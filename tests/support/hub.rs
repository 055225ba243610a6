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
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hub-python");
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
        let arguments = [&["-m", "pip", "install", "-q"], PACKAGES].concat();
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

    fn openssl(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("openssl");
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(&self.folder).status().is_ok_and(|status| status.success())
    }

    fn root(&self) -> bool {
        self.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test root",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ])
    }

    pub fn signed(&self, name: &str, extension: &str) -> bool {
        let (key, request, certificate) =
            (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        std::fs::write(self.folder.join("extensions"), extension).unwrap();
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &key,
            "-out",
            &request,
        ]) && self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            &certificate,
        ])
    }
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
        let collection = |id: &str| {
            serde_json::json!({
                "id": id, "title": "of tests", "can_read": true, "can_write": true,
                "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
            })
        };
        let versions = ["application/taxii+json;version=2.1"];
        let data = serde_json::json!({
            "/discovery": { "title": "test", "api_roots": [] },
            "hub": {
                "information": {
                    "title": "hub", "versions": versions, "max_content_length": CONTENT_BYTES_MAX,
                },
                "status": [],
                "collections": [collection(COLLECTION), collection(INDICATORS)],
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
