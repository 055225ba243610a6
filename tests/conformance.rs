//! One suite for all servers of TAXII 2.1: what the standard says, asked of a server of others and
//! of our own. Where a server is known to differ, the difference is named.

use std::collections::BTreeSet;

use rivellino::outputs::hub::identity::Identity;
use rivellino::outputs::hub::stix::id;
use serde_json::{Value, json};

use crate::support::hub::{
    COLLECTION, Caller, Certificates, Said, Server, Signed, TAXII, free_port, python,
};

/// Notes of the suite.
const NOTES: usize = 30;
/// Objects of a page.
const PAGE: usize = 7;

struct Suite {
    name: &'static str,
    caller: Caller,
    stranger: Caller,
    author: String,
}

impl Suite {
    fn get(&self, path: &str) -> Said {
        self.caller.get(path).unwrap()
    }

    fn objects(&self, query: &str) -> Said {
        self.get(&format!("/hub/collections/{COLLECTION}/objects/{query}"))
    }

    fn note(&self, number: usize, version: usize) -> Value {
        json!({
            "type": "note", "spec_version": "2.1",
            "id": id::object("note", &format!("conformance {number}")),
            "created_by_ref": self.author,
            "created": "2026-01-01T00:00:00.000Z",
            "modified": format!("2026-01-0{version}T00:00:00.000Z"),
            "content": format!("{number} in version {version}"),
            "object_refs": [self.author],
        })
    }

    fn ids(said: &Said) -> BTreeSet<String> {
        said.objects().iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn servers_of_taxii_answer_as_the_standard_says() {
    let what = "conformance of TAXII servers";
    let Some(bin) = python(what) else { return };
    let uri = Identity::new(13, 19, "082053", None, 1).unwrap().uri();
    for name in Server::NAMES {
        let folder = tempfile::tempdir().unwrap();
        let Some(certificates) = Certificates::new(folder.path(), &uri, what) else { return };
        let port = free_port();
        let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
        let own = Signed { certificate: read("sensor.pem"), key: read("sensor.key") };
        let suite = Suite {
            name,
            caller: Caller::new(port, &read("ca.pem"), Some(&own)),
            stranger: Caller::new(port, &read("ca.pem"), None),
            author: id::object("identity", &uri),
        };
        let server = Server::start(name, &bin, &certificates, port);
        about(&suite);
        refusals(&suite);
        writing(&suite);
        pages(&suite);
        matches(&suite);
        nameless(&suite);
        drop(server);
    }
}

/// What the service says of itself, and to whom.
fn about(suite: &Suite) {
    assert!(suite.stranger.get("/taxii2/").is_err(), "{}: without a certificate", suite.name);
    let discovery = suite.get("/taxii2/");
    assert_eq!(discovery.status, 200);
    assert_eq!(discovery.header("content-type"), Some(TAXII));
    assert!(discovery.body["title"].is_string());
    let root = suite.get("/hub/");
    assert_eq!(root.body["versions"], json!([TAXII]), "{}", suite.name);
    assert!(root.body["max_content_length"].as_u64().unwrap() >= 100_000);
    let collections = suite.get("/hub/collections/");
    let of = |id: &str| {
        let all = collections.body["collections"].as_array().unwrap();
        all.iter().find(|of| of["id"] == id).unwrap().clone()
    };
    let rights = |of: &Value| (of["can_read"] == true, of["can_write"] == true);
    assert_eq!(rights(&of(COLLECTION)), (true, true));
    assert_eq!(rights(&of(Server::read_only(suite.name))), (true, false));
    let one = suite.get(&format!("/hub/collections/{COLLECTION}/"));
    assert_eq!(one.body, of(COLLECTION));
    assert!(suite.objects("").objects().is_empty());
}

/// What is answered to what is wrong.
fn refusals(suite: &Suite) {
    let name = suite.name;
    let path = format!("/hub/collections/{COLLECTION}/objects/");
    let note = json!({ "objects": [suite.note(0, 1)] }).to_string();
    let post = |media: &str, body: &str| {
        suite.caller.post_as(&path, media, body.as_bytes()).unwrap().status
    };
    assert_eq!(suite.caller.get_as("/hub/", "application/json").unwrap().status, 406, "{name}");
    assert_eq!(
        suite.caller.get_as("/hub/", "application/taxii+json;version=3.0").unwrap().status,
        406
    );
    assert_eq!(post("application/json", &note), 415, "{name}");
    assert_eq!(post("application/stix+json;version=2.1", &note), 415);
    let large = json!({ "objects": [suite.note(0, 1)], "x": "x".repeat(3 << 20) }).to_string();
    // A server may close the connection while the body still comes.
    let large = suite.caller.post_as(&path, TAXII, large.as_bytes());
    assert!(large.is_err() || large.unwrap().status == 413, "{name}");
    let read_only = Server::read_only(name);
    let read_only = suite.caller.put(read_only, &[suite.note(0, 1)]).unwrap();
    assert_eq!(read_only.status, 403, "{name}");
    for missing in [
        "/hub/collections/00000000-0000-4000-8000-000000000000/",
        "/hub/collections/00000000-0000-4000-8000-000000000000/objects/",
        "/hub/status/00000000-0000-4000-8000-000000000000/",
        "/nothing/",
    ] {
        assert_eq!(suite.get(missing).status, 404, "{name}: {missing}");
    }
    // One server (medallion 3.0.0) breaks down over it.
    let wanted = if name == "medallion" { 500 } else { 400 };
    assert_eq!(suite.objects("?added_after=yesterday").status, wanted, "{name}");
    assert!(suite.objects("").objects().is_empty(), "{name}: what was refused is not kept");
}

/// Writing, and what is said of it.
fn writing(suite: &Suite) {
    let name = suite.name;
    let notes: Vec<Value> = (0..NOTES).map(|number| suite.note(number, 1)).collect();
    for part in notes.chunks(10) {
        let said = suite.caller.put(COLLECTION, part).unwrap();
        assert_eq!(said.status, 202, "{name}: {said:?}");
        assert_eq!(said.body["status"], "complete");
        let counts = ["total_count", "success_count", "failure_count", "pending_count"];
        let counts = counts.map(|key| said.body[key].as_u64().unwrap());
        assert_eq!(counts, [10, 10, 0, 0], "{name}");
        let id = said.body["id"].as_str().unwrap();
        let later = suite.get(&format!("/hub/status/{id}/"));
        assert_eq!((later.status, &later.body["id"]), (200, &said.body["id"]), "{name}");
        assert_eq!(later.body["success_count"], 10);
    }
    // Again: nothing twice. One server (medallion 3.0.0) calls this a failure; the standard (5.5)
    // says that it is none.
    let again = suite.caller.put(COLLECTION, &notes[..10]).unwrap();
    assert_eq!(again.status, 202);
    if name != "medallion" {
        assert_eq!(again.body["failure_count"], 0, "{name}");
    }
    // Newer versions of some.
    let newer: Vec<Value> = (0..3).map(|number| suite.note(number, 2)).collect();
    assert_eq!(suite.caller.put(COLLECTION, &newer).unwrap().status, 202);
}

/// Each object once, whatever the size of pages, and where the next time begins.
fn pages(suite: &Suite) {
    let name = suite.name;
    let mut seen = Vec::new();
    let mut said = suite.objects(&format!("?limit={PAGE}"));
    let mut last = String::new();
    for _ in 0..20 {
        assert_eq!(said.status, 200, "{name}");
        assert!(said.objects().len() <= PAGE);
        seen.extend(said.objects().iter().map(|object| object["id"].to_string()));
        let first = said.header("x-taxii-date-added-first").unwrap();
        last = said.header("x-taxii-date-added-last").unwrap().to_owned();
        assert!(first <= last.as_str(), "{name}");
        if said.body["more"] != true {
            break;
        }
        let next = said.body["next"].as_str().unwrap();
        said = suite.objects(&format!("?limit={PAGE}&next={next}"));
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), count), (NOTES, NOTES), "{name}");
    let later = suite.objects(&format!("?added_after={}", last.replace(':', "%3A")));
    // One server counts the moment itself in.
    assert!(later.objects().len() <= 1, "{name}: {later:?}");
    let early = suite.objects("?added_after=2020-01-01T00%3A00%3A00Z&limit=20");
    assert_eq!(early.objects().len(), 20, "{name}");
}

/// What is asked for is what comes.
fn matches(suite: &Suite) {
    let name = suite.name;
    let first = suite.note(0, 1)["id"].as_str().unwrap().to_owned();
    let path = format!("/hub/collections/{COLLECTION}/objects/{first}/");
    let versions = |said: &Said| {
        let mut versions: Vec<String> =
            said.objects().iter().map(|object| object["modified"].to_string()).collect();
        versions.sort();
        versions
    };
    let (old, new) = ("\"2026-01-01T00:00:00.000Z\"", "\"2026-01-02T00:00:00.000Z\"");
    assert_eq!(versions(&suite.get(&path)), [new], "{name}");
    for (query, wanted) in [
        ("all", &[old, new][..]),
        ("first", &[old]),
        ("last", &[new]),
        ("2026-01-01T00%3A00%3A00.000Z", &[old]),
    ] {
        let said = suite.get(&format!("{path}?match[version]={query}"));
        assert_eq!(versions(&said), wanted, "{name}: {query}");
    }
    assert_eq!(Suite::ids(&suite.objects(&format!("?match[id]={first}"))), BTreeSet::from([first]));
    assert_eq!(suite.objects("?match[type]=note&limit=20").objects().len(), 20, "{name}");
    assert!(suite.objects("?match[type]=sighting").objects().is_empty(), "{name}");
    assert!(!suite.objects("?match[spec_version]=2.1").objects().is_empty(), "{name}");
    let of_path = suite.get(&format!("{path}versions/"));
    assert_eq!(of_path.body["versions"].as_array().unwrap().len(), 2, "{name}: {of_path:?}");
    let manifest = suite.get(&format!("/hub/collections/{COLLECTION}/manifest/?limit=5"));
    let entries = manifest.objects();
    assert_eq!(entries.len(), 5, "{name}");
    for entry in entries {
        for key in ["id", "date_added", "version"] {
            assert!(entry[key].is_string(), "{name}: {entry}");
        }
    }
    let none = id::object("note", "nobody wrote this");
    let missing = suite.get(&format!("/hub/collections/{COLLECTION}/objects/{none}/"));
    assert_eq!(missing.status, 404, "{name}");
}

/// An object that is none. It comes last: one server (medallion 3.0.0) keeps it all the same, and
/// answers nothing but errors from then on.
fn nameless(suite: &Suite) {
    let mut nameless = suite.note(100, 1);
    nameless.as_object_mut().unwrap().remove("id");
    let said = suite.caller.put(COLLECTION, &[suite.note(101, 1), nameless]).unwrap();
    assert_eq!(said.status, 422, "{}: {said:?}", suite.name);
    if suite.name != "medallion" {
        let id = suite.note(101, 1)["id"].as_str().unwrap().to_owned();
        let path = format!("/hub/collections/{COLLECTION}/objects/{id}/");
        assert_eq!(suite.get(&path).status, 404, "all of an envelope or nothing");
    }
}
