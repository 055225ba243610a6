//! Objects, manifests and versions, page by page.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Problem, answer};
use super::{Desk, OBJECTS_TYPE};
use crate::control::hub::serve::config::Collection;
use crate::control::hub::serve::query;
use crate::control::hub::serve::store::{Entry, Page, Version};
use crate::time::Timestamp;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// `GET .../objects/` and `.../objects/ID/`.
pub(super) async fn objects(
    desk: &Desk,
    who: &str,
    collection: &Collection,
    object: Option<&str>,
    asked: &str,
) -> Result<Response, Problem> {
    let page = page(desk, who, collection, object, asked, false).await?;
    let mut body = Vec::with_capacity(64 * 1024);
    for (number, entry) in page.entries.iter().enumerate() {
        body.extend_from_slice(if number == 0 { b"\"objects\":[" } else { b"," });
        body.extend_from_slice(&entry.body);
    }
    Ok(paged(&page, body))
}

/// `GET .../manifest/`.
pub(super) async fn manifest(
    desk: &Desk,
    who: &str,
    collection: &Collection,
    asked: &str,
) -> Result<Response, Problem> {
    let page = page(desk, who, collection, None, asked, false).await?;
    let mut body = Vec::new();
    for (number, entry) in page.entries.iter().enumerate() {
        body.extend_from_slice(if number == 0 { b"\"objects\":[" } else { b"," });
        let told = json!({
            "id": entry.id,
            "date_added": moment(entry.added),
            "version": version(entry),
            "media_type": OBJECTS_TYPE,
        });
        body.extend_from_slice(told.to_string().as_bytes());
    }
    Ok(paged(&page, body))
}

/// `GET .../objects/ID/versions/`.
pub(super) async fn versions(
    desk: &Desk,
    who: &str,
    collection: &Collection,
    object: &str,
    asked: &str,
) -> Result<Response, Problem> {
    let page = page(desk, who, collection, Some(object), asked, true).await?;
    let mut body = Vec::new();
    for (number, entry) in page.entries.iter().enumerate() {
        body.extend_from_slice(if number == 0 { b"\"versions\":[" } else { b"," });
        body.extend_from_slice(Value::String(version(entry)).to_string().as_bytes());
    }
    Ok(paged(&page, body))
}

/// The page that is asked for; `all` versions where nothing else is asked for.
async fn page(
    desk: &Desk,
    who: &str,
    collection: &Collection,
    object: Option<&str>,
    asked: &str,
    all: bool,
) -> Result<Page, Problem> {
    let rights = desk.rights(collection);
    if !rights.read {
        return Err(Problem::new(403, "not for you to read", ""));
    }
    let mut asked = query::parse(asked).map_err(|why| Problem::new(400, "the query", &why))?;
    if let Some(object) = object {
        asked.filter.ids = vec![object.to_owned()];
    }
    if all {
        asked.filter.versions = vec![Version::All];
    }
    let (hub, who) = (desk.hub.clone(), who.to_owned());
    let (id, object) = (collection.id.clone(), object.map(str::to_owned));
    let read = tokio::task::spawn_blocking(move || {
        let whole = hub.store.view(&id, None);
        let view = if rights.all {
            [whole, whole]
        } else {
            match hub.store.sender(&who)? {
                Some(sender) => [whole, hub.store.view(&id, Some(sender))],
                // Who sent nothing has nothing to read.
                None if object.is_some() => return Ok(None),
                None => return Ok(Some(Page::default())),
            }
        };
        if let Some(object) = object
            && !hub.store.has(view, &object)?
        {
            return Ok(None);
        }
        hub.store.page(view, &asked.filter, asked.after, asked.limit).map(Some)
    });
    match read.await {
        Ok(Ok(Some(page))) => Ok(page),
        Ok(Ok(None)) => Err(Problem::not_found("no such object")),
        Ok(Err(error)) => Err(Problem::broken(error)),
        Err(error) => Err(Problem::broken(error.into())),
    }
}

/// The body around its list, and the headers that say where it begins and ends.
fn paged(page: &Page, list: Vec<u8>) -> Response {
    let mut body = Vec::with_capacity(list.len() + 64);
    body.push(b'{');
    if !list.is_empty() {
        body.extend_from_slice(&list);
        body.push(b']');
    }
    if let Some(next) = page.next {
        let comma = if list.is_empty() { "" } else { "," };
        body.extend_from_slice(format!("{comma}\"more\":true,\"next\":\"{next:x}\"").as_bytes());
    }
    body.push(b'}');
    let mut response = answer(StatusCode::OK, Body::from(body));
    if let (Some(first), Some(last)) = (page.entries.first(), page.entries.last()) {
        for (name, entry) in [(FIRST, first), (LAST, last)] {
            if let Ok(value) = HeaderValue::from_str(&moment(entry.added)) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

/// What has no version has the moment at which it was added (TAXII 2.1, 3.4.1).
fn version(entry: &Entry) -> String {
    if entry.version.is_empty() { moment(entry.added) } else { entry.version.clone() }
}

/// Microseconds as text.
fn moment(micros: u64) -> String {
    let [y, mo, d, h, mi, s, us] = Timestamp::from_nanos(micros.saturating_mul(1_000)).civil();
    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{us:06}Z")
}
