//! A server in memory with the habits of real ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

#[derive(Default)]
struct Server {
    /// By identifier, in the order in which they came.
    objects: Vec<Value>,
    /// Status of the next requests, before they are looked at.
    troubles: Vec<Answer>,
    bytes_max: usize,
    /// Duplicates are reported as failures, as one server does.
    strict: bool,
    pending: BTreeMap<String, Value>,
    slow: bool,
    /// An identifier that it never takes.
    hated: &'static str,
    /// Tokens of pages expire at once.
    forgetful: bool,
    /// Every so many requests one is lost; 0 for none.
    lossy: usize,
    calls: Vec<String>,
    paused: f64,
}

impl Server {
    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, body: body.to_string().into_bytes(), ..Answer::default() }
    }

    fn post(&mut self, body: &[u8]) -> Answer {
        if body.len() > self.bytes_max {
            return Self::answer(413, &json!({ "title": "too large" }));
        }
        let envelope: Value = serde_json::from_slice(body).unwrap();
        let mut failures = Vec::new();
        for object in envelope["objects"].as_array().unwrap() {
            if object["id"] == self.hated {
                return Self::answer(422, &json!({ "title": "hated" }));
            }
            if self.objects.contains(object) {
                if self.strict {
                    failures.push(json!({ "id": object["id"], "message": "Unable to process" }));
                }
            } else {
                self.objects.push(object.clone());
            }
        }
        let status = json!({ "id": "s1", "status": "complete", "failure_count": failures.len(),
            "failures": failures });
        if self.slow {
            self.pending.insert("s1".to_owned(), status);
            return Self::answer(202, &json!({ "id": "s1", "status": "pending" }));
        }
        Self::answer(202, &status)
    }

    /// Those of a list of identifiers: not more than ten at once.
    fn matching(&self, query: &str) -> Answer {
        let list = query.split('&').find_map(|pair| pair.strip_prefix("match%5Bid%5D=")).unwrap();
        let ids: Vec<&str> = list.split(',').collect();
        let of = |object: &&Value| ids.contains(&object["id"].as_str().unwrap());
        let found: Vec<&Value> = self.objects.iter().filter(of).take(10).collect();
        let more = ids.len() > 10;
        Self::answer(200, &json!({ "objects": found, "more": more }))
    }

    fn page(&self, query: &str) -> Answer {
        let value =
            |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        assert!(value("next").is_none() || value("added_after").is_none(), "{query}");
        // The moment of an object is its number divided by ten: ten share one, and it is inclusive.
        let from = match (value("next"), value("added_after")) {
            (Some(_), _) if self.forgetful => {
                return Self::answer(400, &json!({ "title": "expired" }));
            }
            (Some(next), _) => next.parse().unwrap(),
            (None, Some(after)) => after.parse::<usize>().unwrap() * 10,
            (None, None) => 0,
        };
        let to = self.objects.len().min(from + 25);
        let mut answer = if from >= to {
            Self::answer(200, &json!({}))
        } else {
            let more = to < self.objects.len();
            let mut page = json!({ "objects": self.objects[from..to], "more": more });
            if more {
                page["next"] = json!(to.to_string());
            }
            Self::answer(200, &page)
        };
        answer.added_last = (from < to).then(|| ((to - 1) / 10).to_string());
        answer
    }
}

impl Transport for Server {
    fn call(&mut self, request: &Request) -> Result<Answer, String> {
        self.calls.push(request.url.clone());
        if let Some(answer) = self.troubles.pop() {
            return if answer.status == 0 { Err("refused".to_owned()) } else { Ok(answer) };
        }
        // What is posted arrives here: only questions are lost.
        if let Some(body) = &request.body {
            return Ok(self.post(body));
        }
        if self.lossy > 0 && self.calls.len().is_multiple_of(self.lossy) {
            return Err("lost".to_owned());
        }
        let path = request.url.strip_prefix("https://hub/").unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Ok(match path {
            "" => Self::answer(200, &json!({ "max_content_length": self.bytes_max })),
            "collections/c/" => Self::answer(200, &json!({ "can_write": true, "can_read": false })),
            "collections/c/objects/" if query.contains("match%5Bid%5D") => self.matching(query),
            "collections/c/objects/" => self.page(query),
            "status/s1/" => Self::answer(200, &self.pending["s1"]),
            path => {
                let id = path.strip_prefix("collections/c/objects/").unwrap().trim_end_matches('/');
                let found = self.objects.iter().find(|object| object["id"] == id);
                found.map_or_else(
                    || Self::answer(404, &json!({})),
                    |found| Self::answer(200, &json!({ "objects": [found] })),
                )
            }
        })
    }

    fn pause(&mut self, seconds: f64) {
        self.paused += seconds;
    }
}

fn push(
    server: &mut Server,
    collection: &Collection,
    objects: &[Value],
) -> Result<Pushed, Trouble> {
    super::push(server, collection, objects, &mut Arrived::default())
}

#[test]
fn an_envelope_gets_on_over_a_way_that_loses_every_third_request() {
    let mut server = Server { bytes_max: 1 << 20, strict: true, ..Server::default() };
    let all = objects(300);
    push(&mut server, &collection(), &all).unwrap();
    // All are there and none is known to be: each is asked for.
    let mut arrived = Arrived::default();
    let lost = Answer { status: 0, ..Answer::default() };
    let mut attempts = 0;
    let pushed = loop {
        attempts += 1;
        assert!(attempts < 10, "it does not get on");
        // Of the next requests every third is lost, and once three in a row.
        server.troubles.clear();
        server.lossy = 3;
        if attempts < 4 {
            server.troubles = vec![lost.clone(); attempts + 2];
        }
        match super::push(&mut server, &collection(), &all, &mut arrived) {
            Ok(pushed) => break pushed,
            Err(Trouble::Later { .. }) => {}
            Err(stop) => panic!("{stop}"),
        }
    };
    assert_eq!((pushed.accepted, pushed.refused.len()), (300, 0));
    assert_eq!(server.objects.len(), 300);
}

fn objects(count: usize) -> Vec<Value> {
    let object = |n| json!({ "type": "note", "id": format!("note--{n}"), "modified": "2026-01-01T00:00:00.000Z" });
    (0..count).map(object).collect()
}

fn server() -> Server {
    Server { bytes_max: 100_000, ..Server::default() }
}

fn collection() -> Collection {
    Collection { api_root: "https://hub/".to_owned(), id: "c".to_owned(), request_bytes: 100_000 }
}

#[test]
fn a_collection_is_asked_for_its_bounds_and_rights() {
    let mut server = server();
    assert_eq!(Collection::open(&mut server, "https://hub/", "c", true), Ok(collection()));
    let stop = Collection::open(&mut server, "https://hub/", "c", false);
    assert!(matches!(stop, Err(Trouble::Stop { why }) if why.contains("can_read")));
}

#[test]
fn envelopes_are_split_to_the_bound_and_at_what_is_refused() {
    let mut server = server();
    let small = Collection { request_bytes: 300, ..collection() };
    let pushed = push(&mut server, &small, &objects(20)).unwrap();
    assert_eq!((pushed.accepted, server.objects.len()), (20, 20));
    assert!(pushed.requests > 5);
    // The server's own bound is lower than it said.
    let mut server = Server { bytes_max: 300, ..Server::default() };
    assert_eq!(push(&mut server, &collection(), &objects(20)).unwrap().accepted, 20);
    // One that it does not take costs only itself.
    let mut server = Server { hated: "note--13", ..self::server() };
    let pushed = push(&mut server, &collection(), &objects(20)).unwrap();
    assert_eq!(pushed.accepted, 19);
    let refusal = Refusal { id: "note--13".to_owned(), why: "status 422 (hated)".to_owned() };
    assert_eq!(pushed.refused, [refusal]);
}

#[test]
fn repetitions_that_are_called_failures_are_none() {
    let mut server = Server { strict: true, slow: true, ..server() };
    assert_eq!(push(&mut server, &collection(), &objects(5)).unwrap().known, 0);
    let again = push(&mut server, &collection(), &objects(8)).unwrap();
    assert_eq!((again.accepted, again.known, again.refused.len()), (8, 5, 0));
    assert_eq!(server.objects.len(), 8);
    assert!(server.paused > 0.0, "a pending status is asked for again, not at once");
}

#[test]
fn what_goes_later_is_told_from_what_needs_someone() {
    for (status, later) in [
        (0, true),
        (429, true),
        (500, true),
        (503, true),
        (401, false),
        (403, false),
        (404, false),
        (406, false),
        (415, false),
        (302, false),
    ] {
        let answer = Answer { status, retry_after: Some(7), ..Answer::default() };
        let mut server = Server { troubles: vec![answer], ..server() };
        match push(&mut server, &collection(), &objects(3)).unwrap_err() {
            Trouble::Later { after, .. } => {
                assert!(later, "{status}");
                assert_eq!(after, (status != 0).then_some(7));
            }
            Trouble::Stop { why } => assert!(!later && why.contains(&status.to_string()), "{why}"),
        }
    }
    // An answer that is no JSON is a broken server.
    let answer = Answer { status: 202, body: b"<html>".to_vec(), ..Answer::default() };
    let mut server = Server { troubles: vec![answer], ..server() };
    let trouble = push(&mut server, &collection(), &objects(1)).unwrap_err();
    assert!(matches!(trouble, Trouble::Later { .. }));
}

#[test]
fn everything_is_read_once_though_moments_are_shared() {
    let mut server = server();
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    // Between the pulls more comes, within a moment that was already read.
    for count in [3, 47, 48, 60, 60, 203] {
        server.objects = objects(count);
        let before = seen.len();
        let taken =
            pull(&mut server, &collection(), &mut cursor, &mut |object| seen.push(object)).unwrap();
        assert_eq!(taken, count - before);
        // The cursor is kept over restarts.
        let text = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
        cursor = serde_json::from_str(&text).unwrap();
    }
    assert_eq!(seen, objects(203));
}

#[test]
fn an_expired_token_begins_again_from_what_was_read() {
    let mut server = Server { forgetful: true, objects: objects(90), ..server() };
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    let mut rounds = 0;
    while seen.len() < 90 && rounds < 10 {
        let _ = pull(&mut server, &collection(), &mut cursor, &mut |object| seen.push(object));
        rounds += 1;
    }
    assert_eq!(seen, objects(90));
}

/// A server that never ends.
#[test]
fn a_server_that_always_has_more_is_left() {
    struct Endless(usize);
    impl Transport for Endless {
        fn call(&mut self, _: &Request) -> Result<Answer, String> {
            self.0 += 1;
            Ok(Server::answer(200, &json!({ "objects": objects(1), "more": true, "next": "x" })))
        }
        fn pause(&mut self, _: f64) {}
    }
    let mut server = Endless(0);
    let taken = pull(&mut server, &collection(), &mut Cursor::default(), &mut |_| {}).unwrap();
    assert!(taken == 1 && server.0 <= 8);
}
