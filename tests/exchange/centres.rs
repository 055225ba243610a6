//! What stands behind a hub at larger centres, as the manual has it: the calls of OpenCTI's connector,
//! and the script that makes events for MISP.

use std::path::Path;
use std::process::Command;

use rivellino::outputs::hub::identity::Identity;
use serde_json::Value;

use super::Site;
use crate::support::block;
use crate::support::hub::{Certificates, Ours, free_port, python_with};

/// The converter that MISP uses, and the library of the connector.
const PACKAGES: &[&str] = &["misp-stix==2026.10.12", "taxii2-client==2.3.0"];

/// The calls of the connector, in its order, with the values of its variables.
const CONNECTOR: &str = r#"
import json, os, sys
from requests.auth import HTTPBasicAuth
from taxii2client.v21 import Server
of = dict(line.split('=', 1) for line in open('opencti-connector.env') if '=' in line)
of = {name: value.strip() for name, value in of.items()}
server = Server(of['TAXII2_DISCOVERY_URL'], verify=of['TAXII2_VERIFY_SSL'] == 'true',
                auth=HTTPBasicAuth(of['TAXII2_USERNAME'], of['TAXII2_PASSWORD']),
                cert=of['TAXII2_CERT_PATH'])
objects = []
for name in of['TAXII2_COLLECTIONS'].split(','):
    root_name, title = name.split('.')
    root = next(root for root in server.api_roots if root.url.split('/')[-2] == root_name)
    collection = next(found for found in root.collections if found.title == title)
    # Small pages, so that there are several.
    filters = {'limit': 7, 'added_after': '2026-01-01T00:00:00Z'}
    while True:
        page = collection.get_objects(**filters)
        objects.extend(page.get('objects', []))
        if page.get('more') is not True:
            break
        filters.pop('added_after', None)
        filters['next'] = page['next']
json.dump(objects, sys.stdout)
"#;

fn python(bin: &Path, folder: &Path, words: &[&str]) -> String {
    let output = Command::new(bin.join("python"))
        .args(words)
        .current_dir(folder)
        .env("REQUESTS_CA_BUNDLE", folder.join("ca.pem"))
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_stands_behind_a_hub_reads_it_as_the_manual_says() {
    let what = "OpenCTI's calls and events for MISP";
    let Some(bin) = python_with("centres-python", PACKAGES, what) else { return };
    let port = free_port();
    let site = Site::new(port);
    let folder = site.folder.path();
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    let Some(certificates) = Certificates::new(folder, &uri, what) else { return };
    assert!(certificates.signed("analysts", "subjectAltName=URI:urn:example:analysts"));
    let [certificate, key] = ["analysts.pem", "analysts.key"]
        .map(|name| std::fs::read_to_string(site.path(name)).unwrap());
    std::fs::write(site.path("both.pem"), certificate + &key).unwrap();
    let hub = Ours::start(folder, port, "[[party]]\nuri = \"urn:example:analysts\"\nread = true\n");
    site.said(&["hub", "send", "eve.json"], 0);
    let sent = site.preview();

    let variables = block("centres", "opencti-connector.env")
        .replace("hub.example.it:8443", &format!("localhost:{port}"))
        .replace("/certificates/analysts.pem", "both.pem");
    std::fs::write(site.path("opencti-connector.env"), variables).unwrap();
    let read = python(&bin, folder, &["-c", CONNECTOR]);
    let read: Vec<Value> = serde_json::from_str(&read).unwrap();
    let of = |objects: &[Value], kind: &str| {
        objects.iter().filter(|object| object["type"] == kind).count()
    };
    for kind in ["sighting", "indicator", "observed-data", "ipv4-addr", "note", "attack-pattern"] {
        assert!(of(&sent, kind) > 0 && of(&read, kind) == of(&sent, kind), "{kind}");
    }

    std::fs::write(site.path("hub-to-misp.py"), block("centres", "hub-to-misp.py")).unwrap();
    let collection = crate::support::hub::COLLECTION;
    let url = format!("https://localhost:{port}/hub/collections/{collection}/");
    let event = python(&bin, folder, &["hub-to-misp.py", &url, "both.pem", "ca.pem"]);
    let event: Value = serde_json::from_str(&event).unwrap();
    let attributes = event["Attribute"].as_array().unwrap();
    assert_eq!(attributes.len(), of(&sent, "indicator"), "{event}");
    for attribute in attributes {
        assert_eq!(
            (&attribute["type"], &attribute["value"], &attribute["to_ids"]),
            (&"ip-dst".into(), &"203.0.113.66".into(), &true.into())
        );
    }
    drop(hub);
}
