//! The other formats of the exchange: what others read of them, and that they hold nothing private.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::hub::python_with;
use crate::support::root;

/// What others read these formats with.
const PACKAGES: &[&str] = &["pymisp==2.5.12", "idmefv2==0.8"];

/// A folder with a policy and the events of the demo capture.
fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policy = "[identity]\nistat = \"082053\"\nregion = 19\ncosc = 13\nsensor = 1\n\
         [basis]\nlaw = \"D.Lgs. 138/2024, art. 17\"\nagreement = \"test\"\n\
         valid-until = \"2999-12-31\"\n\
         [sharing]\ntlp-ceiling = \"amber\"\nlevel = \"low\"\ndetectors = [\"all\"]\n\
         signatures = true\nincidents = true\nown-names = [\"comune.esempio.it\"]\n\
         [[recipient]]\nname = \"SOC\"\napi-root = \"https://localhost/hub/\"\n\
         collection = \"x\"\ntlp = \"amber\"\n";
    std::fs::write(folder.path().join("sharing-policy.toml"), policy).unwrap();
    let demo = root().join("pcaps/demo.pcap");
    let replay = ["replay", "-q", "-o", ".", demo.to_str().unwrap()];
    said(folder.path(), &replay);
    folder
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn preview(folder: &Path, format: &str) -> String {
    let text = said(folder, &["hub", "preview", "--format", format, "eve.json"]);
    assert!(text.contains("203.0.113.66"), "{format} says who did it: {text}");
    for inside in ["192.168.", "192-168", "c0a8", "10.0.0", "esempio.it"] {
        assert!(!text.contains(inside), "{format} holds {inside}");
    }
    text
}

#[test]
fn lines_are_as_receivers_of_syslog_and_cef_take_them() {
    let site = site();
    let syslog = preview(site.path(), "syslog");
    assert!(syslog.lines().count() >= 5);
    for line in syslog.lines() {
        assert!(line.len() <= 2048, "{} bytes", line.len());
        // RFC 5424: priority, version, time, host, program, process, kind, element, text.
        let rest = line.strip_prefix('<').unwrap();
        let (priority, rest) = rest.split_once(">1 ").unwrap();
        let priority: u32 = priority.parse().unwrap();
        assert!((128..136).contains(&priority), "local0: {priority}");
        let mut words = rest.splitn(6, ' ');
        let at = words.next().unwrap();
        assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
        assert_eq!(words.next(), Some("comune-082053-1"));
        assert_eq!((words.next(), words.next()), (Some("rivellino"), Some("-")));
        assert!(matches!(words.next(), Some("event" | "incident")));
        let rest = words.next().unwrap();
        let (element, text) = rest.split_once("\"] ").unwrap();
        assert!(element.starts_with("[rivellino@32473 detector=\""));
        assert!(!text.is_empty());
    }
    let cef = preview(site.path(), "cef");
    assert_eq!(cef.lines().count(), syslog.lines().count());
    for line in cef.lines() {
        assert!(line.len() <= 2048);
        let parts: Vec<&str> = line.splitn(8, '|').collect();
        assert_eq!((parts.len(), parts[0], parts[1]), (8, "CEF:0", "Rivellino"), "{line}");
        let severity: u32 = parts[6].parse().unwrap();
        assert!((1..=10).contains(&severity));
        assert!(parts[7].starts_with("rt=1") && parts[7].contains(" dvchost=comune-082053-1 "));
        assert!(parts[7].contains("cs1Label=detector"), "{line}");
    }
}

/// Reads an event of MISP as others do: with the templates of its objects.
const MISP: &str = r#"
import json, sys
from pymisp import MISPEvent, MISPObject
count = 0
for line in open('misp.jsonl'):
    raw = json.loads(line)
    event = MISPEvent()
    event.load(json.loads(line))
    assert event.uuid == raw['Event']['uuid'] and event.Orgc.name, event
    assert {tag.name for tag in event.tags} >= {'tlp:amber', 'PAP:AMBER'}
    event.to_feed()
    for found in raw['Event']['Object']:
        again = MISPObject(found['name'], strict=True)
        assert str(again.template_uuid) == found['template_uuid']
        assert int(again.template_version) == int(found['template_version'])
        for attribute in found['Attribute']:
            made = again.add_attribute(attribute['object_relation'], value=attribute['value'])
            assert made.type == attribute['type'], (made.type, attribute)
        again.to_dict(strict=True)
        count += 1
    assert event.attributes
print(count)
"#;

/// Validates messages of IDMEFv2 with the library of those who wrote the draft.
const IDMEF: &str = r#"
import json
from idmefv2 import Message
count = 0
for line in open('idmef.jsonl'):
    message = Message()
    message.update(json.loads(line))
    message.validate()
    count += 1
print(count)
"#;

fn reads(bin: &Path, folder: &Path, program: &str) -> usize {
    let output = Command::new(bin.join("python"))
        .args(["-c", program])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

#[test]
fn others_read_events_of_misp_and_messages_of_idmef() {
    let Some(bin) = python_with("formats-python", PACKAGES, "MISP and IDMEFv2") else { return };
    let site = site();
    let misp = preview(site.path(), "misp");
    std::fs::write(site.path().join("misp.jsonl"), &misp).unwrap();
    assert!(reads(&bin, site.path(), MISP) >= 5);
    // The attacker is looked for; who only took part is not.
    let event: Value = serde_json::from_str(misp.lines().next().unwrap()).unwrap();
    let attributes = event["Event"]["Attribute"].as_array().unwrap();
    let looked_for: Vec<&Value> = attributes.iter().filter(|of| of["to_ids"] == true).collect();
    assert!(!looked_for.is_empty());
    for attribute in looked_for {
        assert_eq!(attribute["value"], "203.0.113.66", "{attribute}");
    }
    let idmef = preview(site.path(), "idmef");
    std::fs::write(site.path().join("idmef.jsonl"), &idmef).unwrap();
    assert!(reads(&bin, site.path(), IDMEF) >= 5);
    // The same every time.
    assert_eq!(preview(site.path(), "idmef").lines().count(), idmef.lines().count());
}

/// What a collector speaks TLS with, to somebody with a certificate of those roots.
fn collecting(folder: &Path, roots_of_clients: &str) -> std::sync::Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = |name: &str| CertificateDer::from_pem_slice(&read(name)).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate(roots_of_clients)).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        std::sync::Arc::new(roots),
        provider.clone(),
    );
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate("server.pem")],
            PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap(),
        )
        .unwrap();
    std::sync::Arc::new(config)
}

/// Takes one connection of TLS from somebody with a certificate; gives all that came.
fn collector(folder: &Path, listener: std::net::TcpListener) -> std::thread::JoinHandle<Vec<u8>> {
    let config = collecting(folder, "ca.pem");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(config).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut stream, &mut all).unwrap();
        all
    })
}

#[test]
fn collectors_get_each_line_behind_its_length() {
    let site = site();
    let folder = site.path();
    let authority = crate::support::hub::Authority::new();
    authority.furnish(folder);
    let own = authority.party("urn:rivellino:cosc/13/region/19/comune/082053/sensor/1");
    std::fs::write(folder.join("sensor.pem"), own.certificate).unwrap();
    std::fs::write(folder.join("sensor.key"), own.key).unwrap();
    let policy = std::fs::read_to_string(folder.join("sharing-policy.toml")).unwrap();
    for format in ["syslog", "cef"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let more = format!(
            "[[collector]]\nname = \"SIEM\"\naddress = \"localhost:{port}\"\n\
             format = \"{format}\"\ntlp = \"amber\"\n\
             [tls]\ncertificate = \"sensor.pem\"\nkey = \"sensor.key\"\nauthority = \"ca.pem\"\n"
        );
        std::fs::write(folder.join("sharing-policy.toml"), format!("{policy}{more}")).unwrap();
        let collector = collector(folder, listener);
        let told = said(folder, &["hub", "forward", "eve.json"]);
        let all = String::from_utf8(collector.join().unwrap()).unwrap();
        let (mut rest, mut count) = (all.as_str(), 0);
        while let Some((length, line)) = rest.split_once(' ') {
            let (line, after) = line.split_at(length.parse().unwrap());
            assert!(line.starts_with('<') && line.contains(">1 "), "{line}");
            assert_eq!(line.contains("CEF:0|Rivellino"), format == "cef");
            assert!(!line.contains("192.168."));
            (rest, count) = (after, count + 1);
        }
        assert!(
            count >= 5 && told.contains(&format!("SIEM: {count} of {count} lines sent")),
            "{told}"
        );
    }
    let status = said(folder, &["hub", "status"]);
    assert!(status.contains("the chain is whole"), "{status}");
    // Nobody is there: it is said.
    let output = Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(["hub", "forward", "eve.json"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// In TLS 1.3 the client is done before the server has seen its certificate: what the server says of it
/// comes when lines are under way already, and they are lost.
#[test]
fn a_collector_that_refuses_the_certificate_has_taken_nothing() {
    let site = site();
    let folder = site.path();
    let authority = crate::support::hub::Authority::new();
    authority.furnish(folder);
    let stranger = crate::support::hub::Authority::new();
    std::fs::write(folder.join("other.pem"), &stranger.pem).unwrap();
    let own = authority.party("urn:rivellino:cosc/13/region/19/comune/082053/sensor/1");
    std::fs::write(folder.join("sensor.pem"), own.certificate).unwrap();
    std::fs::write(folder.join("sensor.key"), own.key).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let policy = std::fs::read_to_string(folder.join("sharing-policy.toml")).unwrap();
    let more = format!(
        "[[collector]]\nname = \"SIEM\"\naddress = \"localhost:{port}\"\ntlp = \"amber\"\n\
         [tls]\ncertificate = \"sensor.pem\"\nkey = \"sensor.key\"\nauthority = \"ca.pem\"\n"
    );
    std::fs::write(folder.join("sharing-policy.toml"), policy + &more).unwrap();
    let config = collecting(folder, "other.pem");
    // It says why, ends its own way, and reads on to the end, so that nothing is reset.
    let collector = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(config).unwrap();
        let refused = connection.complete_io(&mut stream).unwrap_err();
        while connection.wants_write() {
            connection.write_tls(&mut stream).unwrap();
        }
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        refused.to_string()
    });
    let output = Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(["hub", "forward", "eve.json"])
        .current_dir(folder)
        .output()
        .unwrap();
    let refused = collector.join().unwrap();
    assert!(refused.contains("certificate"), "{refused}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}{error}");
    assert!(told.contains("SIEM: 0 of "), "{told}");
    assert!(error.contains("SIEM: ") && error.contains("alert"), "{error}");
    // The log of what left says that it was offered, never that it was taken.
    let log = crate::support::files(&folder.join("hub/audit"));
    let log: String = log.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(log.contains("offered") && !log.contains("accepted"), "{log}");
}

/// A collector as sites have it; killed when it is dropped.
struct Rsyslog(std::process::Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn rsyslog_takes_the_lines_apart() {
    let has = |program: &str| Command::new(program).arg("-v").output().is_ok();
    if !has("rsyslogd") || !Path::new("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so").exists() {
        println!("skipped: rsyslog (there is no rsyslogd with gtls)");
        return;
    }
    let site = site();
    let folder = site.path();
    let authority = crate::support::hub::Authority::new();
    authority.furnish(folder);
    let own = authority.party("urn:rivellino:cosc/13/region/19/comune/082053/sensor/1");
    std::fs::write(folder.join("sensor.pem"), own.certificate).unwrap();
    std::fs::write(folder.join("sensor.key"), own.key).unwrap();
    let port = crate::support::hub::free_port();
    let here = folder.display();
    let config = format!(
        "global(workDirectory=\"{here}\" DefaultNetstreamDriver=\"gtls\"\n\
         DefaultNetstreamDriverCAFile=\"{here}/ca.pem\"\n\
         DefaultNetstreamDriverCertFile=\"{here}/server.pem\"\n\
         DefaultNetstreamDriverKeyFile=\"{here}/server.key\")\n\
         module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\"\n\
         StreamDriver.AuthMode=\"x509/certvalid\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"r\")\n\
         template(name=\"t\" type=\"string\"\n\
         string=\"%PRI%|%hostname%|%app-name%|%msgid%|%structured-data%|%msg%\\n\")\n\
         ruleset(name=\"r\") {{ action(type=\"omfile\" file=\"{here}/out\" template=\"t\") }}\n"
    );
    std::fs::write(folder.join("rsyslog.conf"), config).unwrap();
    let log = std::fs::File::create(folder.join("rsyslog.log")).unwrap();
    let child = Command::new("rsyslogd")
        .args(["-n", "-f", "rsyslog.conf", "-i"])
        .arg(folder.join("pid"))
        .current_dir(folder)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let _collector = Rsyslog(child);
    let begun = std::time::Instant::now();
    let patience = std::time::Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let said = || std::fs::read_to_string(folder.join("rsyslog.log")).unwrap();
        assert!(begun.elapsed() < patience, "no answer: {}", said());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let policy = std::fs::read_to_string(folder.join("sharing-policy.toml")).unwrap();
    let more = format!(
        "[[collector]]\nname = \"SIEM\"\naddress = \"localhost:{port}\"\ntlp = \"amber\"\n\
         [tls]\ncertificate = \"sensor.pem\"\nkey = \"sensor.key\"\nauthority = \"ca.pem\"\n"
    );
    std::fs::write(folder.join("sharing-policy.toml"), policy + &more).unwrap();
    let told = said(folder, &["hub", "forward", "eve.json"]);
    let sent: usize = told.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(sent >= 5, "{told}");
    let read = || std::fs::read_to_string(folder.join("out")).unwrap_or_default();
    let begun = std::time::Instant::now();
    while read().lines().count() < sent && begun.elapsed() < patience {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let text = read();
    assert_eq!(text.lines().count(), sent, "{text}");
    for line in text.lines() {
        let parts: Vec<&str> = line.splitn(6, '|').collect();
        assert_eq!(parts[1..3], ["comune-082053-1", "rivellino"], "{line}");
        assert!(parts[4].starts_with("[rivellino@32473 detector=") && parts[4].ends_with(']'));
        assert!(!parts[5].is_empty(), "{line}");
    }
}
