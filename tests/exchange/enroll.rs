//! A sensor's certificate on its whole way: the key that stays, the request that openssl signs at the
//! centre, what is refused, what is installed, and a hub that takes it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use rivellino::outputs::hub::identity::Identity;

use super::Site;
use crate::support::hub::{Authority, Certificates, Ours, free_port};

fn openssl(folder: &Path, words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {error}");
    output.stdout
}

/// As the centre does it: what the manual says.
fn signed_at_the_centre(centre: &Certificates) {
    assert!(centre.signs("sensor.csr", "signed.pem", &["-copy_extensions", "copy"]));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_key_stays_and_what_the_centre_signs_opens_the_hub() {
    let port = free_port();
    let site = Site::new(port);
    let folder = site.folder.path();
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    let Some(centre) = Certificates::new(folder, &uri, "enrolment") else { return };
    for made in ["sensor.pem", "sensor.key", "sensor.csr"] {
        std::fs::remove_file(site.path(made)).unwrap();
    }
    let policy = std::fs::read_to_string(site.path("sharing-policy.toml")).unwrap();
    let policy = policy.replace("\"ca.pem\"", "\"hub-ca.pem\"");
    std::fs::write(site.path("sharing-policy.toml"), policy).unwrap();

    let said = site.said(&["hub", "enroll"], 0);
    assert!(said.contains(&uri) && said.contains("[it]") && said.contains("[en]"), "{said}");
    assert_eq!(mode(&site.path("sensor.key.next")), 0o600);
    let request = std::fs::read_to_string(site.path("sensor.csr")).unwrap();
    assert!(request.contains("CERTIFICATE REQUEST") && !request.contains("PRIVATE"), "{request}");
    let shown = openssl(folder, &["req", "-in", "sensor.csr", "-noout", "-text", "-verify"]);
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains(&format!("URI:{uri}")) && shown.contains("prime256v1"), "{shown}");
    // What is confirmed by telephone is what the centre computes.
    openssl(folder, &["req", "-in", "sensor.csr", "-noout", "-pubkey", "-out", "public.pem"]);
    let print = ["pkey", "-pubin", "-in", "public.pem", "-outform", "DER", "-out", "public.der"];
    openssl(folder, &print);
    let print = openssl(folder, &["dgst", "-sha256", "-r", "public.der"]);
    let print = String::from_utf8(print).unwrap();
    let print = print.split(' ').next().unwrap();
    assert!(said.replace(' ', "").contains(print), "{print} is not in {said}");
    // Asked again it is the same key: the first request may be on its way.
    let key = std::fs::read(site.path("sensor.key.next")).unwrap();
    site.said(&["hub", "enroll"], 0);
    assert_eq!(std::fs::read(site.path("sensor.key.next")).unwrap(), key);

    refuses(&site, &uri);
    signed_at_the_centre(&centre);
    let install = ["hub", "enroll", "--certificate", "signed.pem", "--ca", "ca.pem"];
    let said = site.said(&install, 0);
    assert!(said.contains("holds until") && !said.contains("another authority"), "{said}");
    assert_eq!((mode(&site.path("sensor.key")), mode(&site.path("sensor.pem"))), (0o600, 0o644));
    assert!(!site.path("sensor.key.next").exists() && !site.path("sensor.pem.next").exists());
    // Half done, the power failed: the same again makes it good.
    std::fs::remove_file(site.path("sensor.pem")).unwrap();
    site.said(&install, 0);
    let hub = Ours::start(folder, port, "");
    let said = site.said(&["hub", "send", "eve.json"], 0);
    assert!(said.contains("none waits"), "{said}");
    let status = site.said(&["hub", "status"], 0);
    assert!(status.contains("certificate until 20"), "{status}");

    // Renewed: the old one works until the new is there, then the new one does.
    site.said(&["hub", "enroll"], 0);
    assert_ne!(std::fs::read(site.path("sensor.key.next")).unwrap(), key);
    site.said(&["hub", "send"], 0);
    signed_at_the_centre(&centre);
    let said = site.said(&["hub", "enroll", "--certificate", "signed.pem"], 0);
    assert!(!said.contains("another authority"), "{said}");
    assert_ne!(std::fs::read(site.path("sensor.key")).unwrap(), key);
    assert!(site.said(&["hub", "pull"], 0).contains("COSC: "));
    drop(hub);
}

/// What must not be installed is not, and says why.
fn refuses(site: &Site, uri: &str) {
    let authority = Authority::new();
    let own = std::fs::read_to_string(site.path("sensor.key.next")).unwrap();
    let own = KeyPair::from_pem(&own).unwrap();
    let other = KeyPair::generate().unwrap();
    let about = |uris: &[&str]| {
        let mut about = CertificateParams::new(Vec::new()).unwrap();
        let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        about.subject_alt_names = uris.collect();
        about.not_before = rcgen::date_time_ymd(2020, 1, 1);
        about
    };
    let town = uri.replace("082053", "082054");
    let sound = about(&[uri]);
    let mut ended = sound.clone();
    ended.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let mut later = sound.clone();
    later.not_before = rcgen::date_time_ymd(2099, 1, 1);
    let mut powerful = sound.clone();
    powerful.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut serving = sound.clone();
    serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for (about, key, words) in [
        (&sound, &other, "made for another key"),
        (&about(&[&town]), &own, "which is right?"),
        (&about(&[]), &own, "not exactly one URI"),
        (&about(&[uri, &town]), &own, "not exactly one URI"),
        (&ended, &own, "it ended on 2021-01-01"),
        (&later, &own, "it begins on 2099-01-01"),
        (&powerful, &own, "it may sign others"),
        (&serving, &own, "it is not for clients"),
    ] {
        std::fs::write(site.path("wrong.pem"), authority.certify(about, key)).unwrap();
        let said = site.said(&["hub", "enroll", "--certificate", "wrong.pem"], 1);
        assert!(said.contains(words), "{words}: {said}");
    }
    std::fs::write(site.path("right.pem"), authority.certify(&sound, &own)).unwrap();
    for (ca, words) in [("right.pem", "not the certificate of an authority"), ("none", "none")] {
        let install = ["hub", "enroll", "--certificate", "right.pem", "--ca", ca];
        let said = site.said(&install, 1);
        assert!(said.contains(words), "{words}: {said}");
    }
    for absent in ["sensor.pem", "sensor.key", "hub-ca.pem"] {
        assert!(!site.path(absent).exists(), "{absent} was installed");
    }
    site.said(&["hub", "enroll", "--ca", "ca.pem"], 1);
}
