//! Envelopes: looked at whole before anything of them is kept.

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::Desk;
use super::answer::{Problem, json_answer};
use crate::control::hub::serve::Hub;
use crate::control::hub::serve::admit::{
    Author, CONTENT_BYTES_MAX, ENVELOPE_OBJECTS_MAX, Refused, admit, named,
};
use crate::control::hub::serve::config::{Collection, Kind};
use crate::control::hub::serve::queue::Busy;
use crate::control::hub::serve::quota::Ask;
use crate::control::hub::serve::store::{Envelope, Put};
use crate::outputs::hub::exchange::version;
use crate::outputs::hub::identity::Identity;
use crate::time::Timestamp;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(60);
/// How long a body may take that nobody wants.
const PASS_OVER: Duration = Duration::from_secs(10);
/// Seconds after which one may try again when too much waits.
const BUSY_SECONDS: u64 = 5;
/// Seconds after which one may try again when the day's share is gone.
const SHARE_SECONDS: u64 = 3600;

/// `POST .../objects/`.
pub(super) async fn objects(
    desk: &Desk,
    who: &str,
    collection: &Collection,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<Response, Problem> {
    if !desk.rights(collection).write {
        return Err(Problem::new(403, "not for you to write", ""));
    }
    is_taxii(headers)?;
    let length = length(headers);
    let too_large =
        || Problem::new(413, "too large", &format!("at most {CONTENT_BYTES_MAX} bytes"));
    if length.is_some_and(|length| length > CONTENT_BYTES_MAX) {
        return Err(too_large());
    }
    desk.take(who, Ask::Bytes(length.unwrap_or(CONTENT_BYTES_MAX)), "bytes")?;
    let body =
        tokio::time::timeout(BODY, to_bytes(body.take().unwrap_or_default(), CONTENT_BYTES_MAX))
            .await;
    let Ok(body) = body else { return Err(Problem::new(408, "the body did not come", "")) };
    let body = body.map_err(|_| too_large())?;
    let begun = Instant::now();
    let objects = parse(&body)?;
    drop(body);
    desk.take(who, Ask::Objects(objects.len()), "objects")?;
    let envelope = looked_at(&desk.hub, desk.peer.identity.as_ref(), who, collection, &objects);
    drop(objects);
    match desk.hub.queue.put(envelope).await {
        Ok(Put::Done(status, report)) => {
            desk.hub.metrics.put(&report);
            desk.hub.metrics.ingest.observe(begun.elapsed().as_secs_f64());
            Ok(json_answer(StatusCode::ACCEPTED, &status))
        }
        Ok(Put::Share) => {
            desk.hub.metrics.throttled.with_label_values(&["day"]).inc();
            Err(Problem::later(429, "more than your share of a day", SHARE_SECONDS))
        }
        Err(Busy::Full) => Err(Problem::later(503, "too much waits", BUSY_SECONDS)),
        Err(Busy::Broken) => Err(Problem::later(503, "the store cannot be written", 30)),
    }
}

/// Bytes of the body, as far as they are told.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body that nobody wants, if it is one that could have been wanted.
pub(super) async fn pass_over(headers: &HeaderMap, body: Body) {
    if length(headers).is_some_and(|length| length <= CONTENT_BYTES_MAX) {
        let _ = tokio::time::timeout(PASS_OVER, to_bytes(body, CONTENT_BYTES_MAX)).await;
    }
}

fn is_taxii(headers: &HeaderMap) -> Result<(), Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|of| of.to_str().ok());
    let mut parts = media.unwrap_or_default().split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let version = parts.find_map(|part| part.strip_prefix("version="));
    if name != "application/taxii+json" || version.is_some_and(|version| version != "2.1") {
        return Err(Problem::new(415, "Content-Type", crate::outputs::hub::taxii::MEDIA_TYPE));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(415, "Content-Encoding", "none is understood"));
    }
    Ok(())
}

/// The objects of an envelope, each of which is one.
fn parse(body: &[u8]) -> Result<Vec<Value>, Problem> {
    let wrong = |why: &str| Problem::new(422, "the envelope", why);
    let envelope: Value =
        serde_json::from_slice(body).map_err(|error| wrong(&format!("no JSON: {error}")))?;
    let Value::Object(mut envelope) = envelope else { return Err(wrong("no object")) };
    let Some(Value::Array(objects)) = envelope.remove("objects") else {
        return Err(wrong("no list of objects"));
    };
    if objects.is_empty() {
        return Err(wrong("nothing in it"));
    }
    if objects.len() > ENVELOPE_OBJECTS_MAX {
        let most = format!("at most {ENVELOPE_OBJECTS_MAX} objects");
        return Err(Problem::new(413, "too many objects", &most));
    }
    if objects.iter().any(|object| named(object).is_none()) {
        return Err(wrong("an object without type, or whose id is no UUID of its type"));
    }
    Ok(objects)
}

/// What may be kept of an envelope, and what may not.
pub(in super::super) fn looked_at(
    hub: &Hub,
    sender: Option<&Identity>,
    who: &str,
    collection: &Collection,
    objects: &[Value],
) -> Envelope {
    let identity = sender.filter(|_| collection.kind == Kind::Inbox);
    let author = identity.map_or(Author::Party, Author::sensor);
    let now = Timestamp::wall_clock().nanos() / 1_000;
    let mut envelope = Envelope {
        sender: who.to_owned(),
        town: identity.map(|identity| identity.istat().to_owned()),
        collection: collection.id.clone(),
        objects: Vec::with_capacity(objects.len()),
        refused: Vec::new(),
        is_relayed: false,
    };
    for object in objects {
        let admitted = admit(object, &author).and_then(|admitted| {
            let pattern = admitted.pattern.as_deref().filter(|_| identity.is_none());
            match pattern.map(|pattern| hub.gate.published(pattern, now)) {
                Some(Err(_)) => Err(Refused::Gate),
                _ => Ok(admitted),
            }
        });
        match admitted {
            Ok(admitted) => envelope.objects.push(admitted),
            Err(why) => {
                hub.metrics.refused(why);
                let (id, version) = version(object);
                envelope.refused.push((id, version, why.message()));
            }
        }
    }
    envelope
}
