//! Sending: envelopes within the server's bound, split where it refuses, looked after where it
//! reports failures.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Collection, Request, Transport, Trouble, call, parse, said, trouble};
use crate::outputs::hub::exchange::version;

/// How often a pending status is asked for.
const POLLS_MAX: u32 = 30;
/// Seconds between.
const POLL_PAUSE: f64 = 1.0;
/// Objects that are asked for in one question: addresses of some servers end at 2000 bytes.
const ASKED_TOGETHER: usize = 20;
/// Objects of such an answer at most: there may be several versions of one.
const ASKED_LIMIT: usize = 200;
/// How often it is asked whether an object is there before it is given up for now.
const ASKED_MAX: u32 = 3;
/// Seconds between.
const ASK_PAUSE: f64 = 0.2;

/// An object that the server does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its identifier.
    pub id: String,
    /// What the server said.
    pub why: String,
}

/// What became of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Objects that the server has now.
    pub accepted: usize,
    /// Of these, those that it had before.
    pub known: usize,
    /// Those that it does not take.
    pub refused: Vec<Refusal>,
    /// Requests that were made.
    pub requests: usize,
}

/// Versions of objects that the server is known to have: what of an envelope need not be sent or asked
/// for again when a connection broke off in the middle of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived(BTreeSet<(String, String)>);

impl Arrived {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The envelope has gone: the next begins.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn has(&self, object: &Value) -> bool {
        self.0.contains(&version(object))
    }

    fn add(&mut self, object: &Value) {
        self.0.insert(version(object));
    }
}

/// Sends objects. They may be sent again: identifiers make that harmless. Those that have `arrived`
/// are passed over, and those that do arrive are added to it, also when this fails.
///
/// # Errors
/// Why it does not go on; then some may have arrived.
pub fn push(
    transport: &mut impl Transport,
    collection: &Collection,
    objects: &[Value],
    arrived: &mut Arrived,
) -> Result<Pushed, Trouble> {
    let rest: Vec<Value> = objects.iter().filter(|object| !arrived.has(object)).cloned().collect();
    let accepted = objects.len() - rest.len();
    let mut pushed = Pushed { accepted, ..Pushed::default() };
    // Parts that wait, the next last: halves of what was too large.
    let mut parts = vec![rest.as_slice()];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let body = json!({ "objects": part }).to_string().into_bytes();
        let halves = part.split_at(part.len() / 2);
        if body.len() > collection.request_bytes && part.len() > 1 {
            parts.extend([halves.1, halves.0]);
            continue;
        }
        pushed.requests += 1;
        let request = Request { url: collection.objects(), body: Some(body) };
        let answer = call(transport, &request)?;
        match answer.status {
            200 | 202 => settle(transport, collection, part, &answer, &mut pushed, arrived)?,
            // One of them is not to its taste, or it is too much: the halves tell which.
            400 | 413 | 422 if part.len() > 1 => parts.extend([halves.1, halves.0]),
            400 | 413 | 422 => {
                let why = format!("status {}{}", answer.status, said(&answer.body));
                let failed: Vec<_> = part.iter().map(|object| (object, why.as_str())).collect();
                look(transport, collection, &failed, &mut pushed, arrived)?;
            }
            _ => return Err(trouble(&answer, &request.url)),
        }
    }
    Ok(pushed)
}

/// Waits for the end of a request and looks after what it reports as failed.
fn settle(
    transport: &mut impl Transport,
    collection: &Collection,
    part: &[Value],
    answer: &Answer,
    pushed: &mut Pushed,
    arrived: &mut Arrived,
) -> Result<(), Trouble> {
    let mut status = parse(&answer.body, "status")?;
    let mut polls = 0;
    while text(&status, "status") == "pending" {
        let id = text(&status, "id").to_owned();
        if polls >= POLLS_MAX || id.is_empty() || !id.bytes().all(is_plain) {
            let why = format!("request {id} is still pending");
            return Err(Trouble::Later { why, after: None });
        }
        polls += 1;
        transport.pause(POLL_PAUSE);
        status = super::get(transport, &format!("{}status/{id}/", collection.api_root))?;
    }
    let failures = status.get("failures").and_then(Value::as_array);
    let count = status.get("failure_count").and_then(Value::as_u64).unwrap_or_default();
    let named: Vec<(&str, &str)> = failures
        .into_iter()
        .flatten()
        .map(|failure| (text(failure, "id"), text(failure, "message")))
        .collect();
    // A server may count failures and name none.
    let is_unclear = count > 0 && named.is_empty();
    let mut unclear = Vec::new();
    for object in part {
        let id = text(object, "id");
        match named.iter().find(|(failed, _)| *failed == id) {
            Some((_, why)) => unclear.push((object, *why)),
            None if is_unclear => unclear.push((object, "counted as failed")),
            None => {
                pushed.accepted += 1;
                arrived.add(object);
            }
        }
    }
    look(transport, collection, &unclear, pushed, arrived)
}

/// An object is said to have failed: it has not when the server has this version of it.
fn look(
    transport: &mut impl Transport,
    collection: &Collection,
    failed: &[(&Value, &str)],
    pushed: &mut Pushed,
    arrived: &mut Arrived,
) -> Result<(), Trouble> {
    for group in failed.chunks(ASKED_TOGETHER) {
        let (there, is_whole) = together(transport, collection, group)?;
        for (object, why) in group {
            let key = version(object);
            if there.contains(&key) || !is_whole && alone(transport, collection, &key)? {
                pushed.accepted += 1;
                pushed.known += 1;
                arrived.add(object);
            } else {
                let why = why.chars().filter(|c| !c.is_control()).take(200).collect();
                pushed.refused.push(Refusal { id: key.0, why });
            }
        }
    }
    Ok(())
}

/// Which of several objects the server has, in one question (TAXII 2.1, 3.4: `match[id]` takes a
/// list), and whether it has told of all. A server that does not know such a question tells of none.
fn together(
    transport: &mut impl Transport,
    collection: &Collection,
    group: &[(&Value, &str)],
) -> Result<(BTreeSet<(String, String)>, bool), Trouble> {
    let none = (BTreeSet::new(), false);
    if group.len() < 2 {
        return Ok(none);
    }
    let ids: Vec<&str> = group.iter().map(|(object, _)| text(object, "id")).collect();
    let url = format!(
        "{}?limit={ASKED_LIMIT}&match%5Bid%5D={}&match%5Bversion%5D=all",
        collection.objects(),
        ids.join(",")
    );
    let answer = call_again(transport, &Request { url: url.clone(), body: None })?;
    match answer.status {
        200 => {
            let page = parse(&answer.body, &url)?;
            let found = page.get("objects").and_then(Value::as_array);
            let there = found.into_iter().flatten().map(version).collect();
            Ok((there, page.get("more").and_then(Value::as_bool) == Some(false)))
        }
        429 | 500..=599 => Err(trouble(&answer, &url)),
        _ => Ok(none),
    }
}

/// Whether the server has one version of an object.
fn alone(
    transport: &mut impl Transport,
    collection: &Collection,
    (id, version): &(String, String),
) -> Result<bool, Trouble> {
    let query = if version.is_empty() {
        String::new()
    } else {
        format!("?match%5Bversion%5D={}", version.replace(':', "%3A"))
    };
    let url = format!("{}{id}/{query}", collection.objects());
    let answer = call_again(transport, &Request { url: url.clone(), body: None })?;
    match answer.status {
        200 => {
            let found = parse(&answer.body, &url)?;
            let found = found.get("objects").and_then(Value::as_array);
            Ok(found.is_some_and(|found| found.iter().any(|one| text(one, "id") == id)))
        }
        404 => Ok(false),
        _ => Err(trouble(&answer, &url)),
    }
}

/// Asks again at once when there was no answer: of hundreds of questions one may be lost.
fn call_again(transport: &mut impl Transport, request: &Request) -> Result<Answer, Trouble> {
    for _ in 1..ASKED_MAX {
        if let Ok(answer) = call(transport, request) {
            return Ok(answer);
        }
        transport.pause(ASK_PAUSE);
    }
    call(transport, request)
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
