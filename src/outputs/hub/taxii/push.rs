//! Sending: envelopes within the server's bound, split where it refuses, looked after where it
//! reports failures.

use serde_json::{Value, json};

use super::{Answer, Collection, Request, Transport, Trouble, call, parse, said, trouble};
use crate::outputs::hub::exchange::version;

/// How often a pending status is asked for.
const POLLS_MAX: u32 = 30;
/// Seconds between.
const POLL_PAUSE: f64 = 1.0;

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

/// Sends objects. They may be sent again: identifiers make that harmless.
///
/// # Errors
/// Why it does not go on; then some may have arrived.
pub fn push(
    transport: &mut impl Transport,
    collection: &Collection,
    objects: &[Value],
) -> Result<Pushed, Trouble> {
    let mut pushed = Pushed::default();
    // Parts that wait, the next last: halves of what was too large.
    let mut parts = vec![objects];
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
            200 | 202 => settle(transport, collection, part, &answer, &mut pushed)?,
            // One of them is not to its taste, or it is too much: the halves tell which.
            400 | 413 | 422 if part.len() > 1 => parts.extend([halves.1, halves.0]),
            400 | 413 | 422 => {
                let why = format!("status {}{}", answer.status, said(&answer.body));
                look(transport, collection, part, &why, &mut pushed)?;
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
    for object in part {
        let id = text(object, "id");
        let failed = named.iter().find(|(failed, _)| *failed == id);
        // A server may count failures and name none.
        let is_unclear = count > 0 && named.is_empty();
        match failed {
            Some((_, why)) => {
                look(transport, collection, std::slice::from_ref(object), why, pushed)?;
            }
            None if is_unclear => {
                let why = "counted as failed";
                look(transport, collection, std::slice::from_ref(object), why, pushed)?;
            }
            None => pushed.accepted += 1,
        }
    }
    Ok(())
}

/// An object is said to have failed: it has not when the server has this version of it.
fn look(
    transport: &mut impl Transport,
    collection: &Collection,
    objects: &[Value],
    why: &str,
    pushed: &mut Pushed,
) -> Result<(), Trouble> {
    for object in objects {
        let (id, version) = version(object);
        let query = if version.is_empty() {
            String::new()
        } else {
            format!("?match%5Bversion%5D={}", version.replace(':', "%3A"))
        };
        let url = format!("{}{id}/{query}", collection.objects());
        let answer = call(transport, &Request { url: url.clone(), body: None })?;
        let is_there = match answer.status {
            200 => {
                let found = parse(&answer.body, &url)?;
                let found = found.get("objects").and_then(Value::as_array);
                found.is_some_and(|found| found.iter().any(|one| text(one, "id") == id))
            }
            404 => false,
            _ => return Err(trouble(&answer, &url)),
        };
        if is_there {
            pushed.accepted += 1;
            pushed.known += 1;
        } else {
            let why = why.chars().filter(|c| !c.is_control()).take(200).collect();
            pushed.refused.push(Refusal { id, why });
        }
    }
    Ok(())
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
