//! TAXII 2.1, the client's side: what to ask, and what an answer means. No connection is made here:
//! a [`Transport`] does.
//!
//! The rules are the standard's, and what real servers taught: pages are followed by `next` alone;
//! where to go on is what the server said it added last, not what an object says of itself; an exact
//! repetition that is reported as a failure is none when the object is there.

mod pull;
mod push;
mod retry;

use serde_json::Value;

pub use pull::{Cursor, PAGE_OBJECTS, PULL_OBJECTS_MAX, pull};
pub use push::{Arrived, Pushed, Refusal, push};
pub use retry::Backoff;

/// The media type of requests and answers.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// Bytes of an answer at most; the transport reads no more.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a request where the server names no bound, or a larger one.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The whole address.
    pub url: String,
    /// What is posted; `None` to get.
    pub body: Option<Vec<u8>>,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// At most [`ANSWER_BYTES_MAX`].
    pub body: Vec<u8>,
    /// `Retry-After`, seconds.
    pub retry_after: Option<u64>,
    /// `X-TAXII-Date-Added-Last`.
    pub added_last: Option<String>,
}

/// Makes connections.
pub trait Transport {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    fn call(&mut self, request: &Request) -> Result<Answer, String>;

    /// Waits.
    fn pause(&mut self, seconds: f64);
}

/// Why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It may go later: the server is busy, broken or away.
    #[error("{why}")]
    Later {
        /// What happened.
        why: String,
        /// Seconds that the server asks to wait.
        after: Option<u64>,
    },
    /// It will not go until someone does something.
    #[error("{why}")]
    Stop {
        /// What happened, and what to do.
        why: String,
    },
}

/// A collection of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The root of the service, ending in a slash.
    pub api_root: String,
    /// The collection's identifier.
    pub id: String,
    /// Bytes of a request at most.
    pub request_bytes: usize,
}

impl Collection {
    /// Asks the service what it takes.
    ///
    /// # Errors
    /// When there is no such service or collection, or it may not be written to (`write`) or read.
    pub fn open(
        transport: &mut impl Transport,
        api_root: &str,
        id: &str,
        write: bool,
    ) -> Result<Self, Trouble> {
        let root = get(transport, api_root)?;
        let most = root.get("max_content_length").and_then(Value::as_u64);
        let most = most.and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
        let about = get(transport, &format!("{api_root}collections/{id}/"))?;
        let may = if write { "can_write" } else { "can_read" };
        if about.get(may).and_then(Value::as_bool) != Some(true) {
            let why = format!("collection {id}: {may} is not true: ask the hub for the right");
            return Err(Trouble::Stop { why });
        }
        Ok(Self {
            api_root: api_root.to_owned(),
            id: id.to_owned(),
            request_bytes: most.unwrap_or(REQUEST_BYTES_MAX).min(REQUEST_BYTES_MAX),
        })
    }

    fn objects(&self) -> String {
        format!("{}collections/{}/objects/", self.api_root, self.id)
    }
}

/// Gets a resource.
fn get(transport: &mut impl Transport, url: &str) -> Result<Value, Trouble> {
    let answer = call(transport, &Request { url: url.to_owned(), body: None })?;
    match answer.status {
        200 => parse(&answer.body, url),
        _ => Err(trouble(&answer, url)),
    }
}

fn call(transport: &mut impl Transport, request: &Request) -> Result<Answer, Trouble> {
    let answer = transport.call(request);
    answer.map_err(|why| Trouble::Later { why: format!("{}: {why}", request.url), after: None })
}

fn parse(body: &[u8], url: &str) -> Result<Value, Trouble> {
    serde_json::from_slice(body).map_err(|error| Trouble::Later {
        why: format!("{url}: the answer is no JSON: {error}"),
        after: None,
    })
}

/// What a status other than success means.
fn trouble(answer: &Answer, url: &str) -> Trouble {
    let status = answer.status;
    let why = |what: &str| format!("{url}: status {status}: {what}{}", said(&answer.body));
    match status {
        401 | 403 => Trouble::Stop { why: why("no right: look at the certificate and at the hub") },
        404 => Trouble::Stop { why: why("not there: look at api-root and collection") },
        406 | 415 => Trouble::Stop { why: why("the hub does not speak TAXII 2.1") },
        429 | 500..=599 => {
            Trouble::Later { why: why("the hub is busy or broken"), after: answer.retry_after }
        }
        _ => Trouble::Stop { why: why("not understood") },
    }
}

/// What the server says about an error: title and description, shortened.
fn said(body: &[u8]) -> String {
    let Ok(error) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let texts = ["title", "description"].iter().filter_map(|key| error.get(key)?.as_str());
    let text: String = texts.collect::<Vec<_>>().join(": ");
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    if text.is_empty() { text } else { format!(" ({text})") }
}

#[cfg(test)]
mod tests;
