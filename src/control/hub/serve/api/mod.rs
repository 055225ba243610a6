//! TAXII 2.1, the server's side: which address answers what, to whom.

mod answer;
mod post;
mod read;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::Hub;
use super::admit::CONTENT_BYTES_MAX;
use super::config::{Collection, Kind};
use super::listen::Peer;
use super::quota::Ask;
use crate::outputs::hub::taxii::MEDIA_TYPE;
use crate::time::Timestamp;
use answer::{Problem, json_answer};

#[cfg(feature = "nats")]
pub(super) use post::looked_at;

/// The media type of objects.
const OBJECTS_TYPE: &str = "application/stix+json;version=2.1";

/// One connection's view of the hub.
#[derive(Clone)]
struct Desk {
    hub: Arc<Hub>,
    peer: Arc<Peer>,
}

/// What answers one connection.
pub(super) fn router(hub: Arc<Hub>, peer: Peer) -> Router {
    Router::new().fallback(handle).with_state(Desk { hub, peer: Arc::new(peer) })
}

async fn handle(State(desk): State<Desk>, request: Request) -> Response {
    let answer = match desk.answer(request).await {
        Ok(answer) => answer,
        Err(problem) => problem.response(),
    };
    desk.hub.metrics.answered(answer.status().as_u16());
    answer
}

/// What somebody may do with a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rights {
    read: bool,
    /// Whether reading shows all, or what the reader itself sent.
    all: bool,
    write: bool,
}

impl Desk {
    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let mut body = Some(body);
        let answer = self.route(&head, &mut body).await;
        // Who still sends hears no answer: what nobody read is read to its end.
        if let (true, Some(body)) = (answer.is_err(), body) {
            post::pass_over(&head.headers, body).await;
        }
        answer
    }

    async fn route(&self, head: &Parts, body: &mut Option<Body>) -> Result<Response, Problem> {
        let who = self.who()?;
        let now = Timestamp::wall_clock().nanos() / 1_000;
        if let Some(identity) = &self.peer.identity {
            self.hub.metrics.spoke(identity, now);
            if self.hub.gate.spoke(self.peer.address, now) {
                self.hub.queue.spoke(self.peer.address, now);
            }
        }
        self.take(&who, Ask::Request, "requests")?;
        accepts(&head.headers)?;
        let path = head.uri.path();
        let query = head.uri.query().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let method = &head.method;
        let segments = match (method, segments.as_slice()) {
            (&Method::GET, ["taxii2"]) => return Ok(self.discovery()),
            (_, [root, rest @ ..]) if *root == self.hub.config.root => rest,
            _ => return Err(Problem::not_found("no such service")),
        };
        match (method, segments) {
            (&Method::GET, []) => Ok(self.api_root()),
            (&Method::GET, ["status", id]) => self.status(&who, id),
            (&Method::GET, ["collections"]) => {
                let all = self.hub.config.collection.iter();
                let shown: Vec<_> = all.map(|of| self.about(of)).collect();
                Ok(json_answer(StatusCode::OK, &json!({ "collections": shown })))
            }
            (&Method::GET, ["collections", id]) => {
                Ok(json_answer(StatusCode::OK, &self.about(self.collection(id)?)))
            }
            (&Method::GET, ["collections", id, "objects"]) => {
                read::objects(self, &who, self.collection(id)?, None, query).await
            }
            (&Method::GET, ["collections", id, "manifest"]) => {
                read::manifest(self, &who, self.collection(id)?, query).await
            }
            (&Method::GET, ["collections", id, "objects", object]) => {
                read::objects(self, &who, self.collection(id)?, Some(object), query).await
            }
            (&Method::GET, ["collections", id, "objects", object, "versions"]) => {
                read::versions(self, &who, self.collection(id)?, object, query).await
            }
            (&Method::POST, ["collections", id, "objects"]) => {
                let collection = self.collection(id)?;
                post::objects(self, &who, collection, &head.headers, body).await
            }
            (&Method::DELETE, ["collections", id, "objects", _]) => {
                self.collection(id)?;
                Err(Problem::new(403, "nothing is deleted here", "objects go when they are old"))
            }
            (&Method::GET, _) => Err(Problem::not_found("no such resource")),
            _ => Err(Problem::new(405, "not for this resource", "")),
        }
    }

    /// The name under which somebody is known: a sensor, or a party of the configuration.
    fn who(&self) -> Result<String, Problem> {
        let known = self.peer.uri.as_ref().filter(|uri| {
            self.peer.identity.is_some()
                || self.hub.config.party.iter().any(|party| party.uri == **uri)
        });
        known.cloned().ok_or_else(|| {
            Problem::new(401, "nobody known", "the certificate's URI names no sensor and no party")
        })
    }

    fn take(&self, who: &str, ask: Ask, name: &str) -> Result<(), Problem> {
        self.hub.quotas.take(who, ask, Instant::now()).map_err(|seconds| {
            self.hub.metrics.throttled.with_label_values(&[name]).inc();
            Problem::later(429, "more than your share", seconds)
        })
    }

    fn collection(&self, id: &str) -> Result<&Collection, Problem> {
        let found = self.hub.config.collection.iter().find(|of| of.id == id);
        found.ok_or_else(|| Problem::not_found("no such collection"))
    }

    fn rights(&self, collection: &Collection) -> Rights {
        let party = self
            .peer
            .uri
            .as_ref()
            .and_then(|uri| self.hub.config.party.iter().find(|party| party.uri == *uri));
        let is_sensor = self.peer.identity.is_some();
        let (reads, publishes) = party.map_or((false, false), |of| (of.read, of.publish));
        match collection.kind {
            Kind::Inbox => Rights { read: reads || is_sensor, all: reads, write: is_sensor },
            Kind::Indicators => Rights { read: true, all: true, write: publishes },
        }
    }

    fn discovery(&self) -> Response {
        let root = format!("/{}/", self.hub.config.root);
        let about = json!({
            "title": self.hub.config.title, "default": root, "api_roots": [root],
        });
        json_answer(StatusCode::OK, &about)
    }

    fn api_root(&self) -> Response {
        let about = json!({
            "title": self.hub.config.title,
            "versions": [MEDIA_TYPE],
            "max_content_length": CONTENT_BYTES_MAX,
        });
        json_answer(StatusCode::OK, &about)
    }

    fn about(&self, collection: &Collection) -> serde_json::Value {
        let rights = self.rights(collection);
        json!({
            "id": collection.id,
            "title": collection.title,
            "can_read": rights.read,
            "can_write": rights.write,
            "media_types": [OBJECTS_TYPE],
        })
    }

    fn status(&self, who: &str, id: &str) -> Result<Response, Problem> {
        let none = || Problem::not_found("no such request of yours");
        let moment = super::store::request_moment(id).ok_or_else(none)?;
        let sender = self.hub.store.sender(who).map_err(Problem::broken)?.ok_or_else(none)?;
        let status = self.hub.store.status(moment, sender).map_err(Problem::broken)?;
        let body = Body::from(status.ok_or_else(none)?);
        Ok(answer::answer(StatusCode::OK, body))
    }
}

/// Whether the other understands what is answered.
fn accepts(headers: &HeaderMap) -> Result<(), Problem> {
    let all = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let found = all.flat_map(|value| value.split(',')).any(|media| {
        let mut parts = media.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let version = parts.find_map(|part| part.strip_prefix("version="));
        let is_ours = name == "application/taxii+json" || name == "application/*" || name == "*/*";
        is_ours && version.is_none_or(|version| version == "2.1")
    });
    if found { Ok(()) } else { Err(Problem::new(406, "Accept", MEDIA_TYPE)) }
}
