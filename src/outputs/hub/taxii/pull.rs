//! Reading: all that is new since the last time, page by page.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Collection, Request, Transport, Trouble, call, parse, trouble};
use crate::outputs::hub::exchange::version;

/// Objects asked for in one page.
pub const PAGE_OBJECTS: usize = 500;
/// Objects taken in one pull at most; the next goes on where it ended.
pub const PULL_OBJECTS_MAX: usize = 200_000;
/// Pages of one pull at most: a server that always says `more` ends here.
const PAGES_MAX: usize = 4_000;
/// Pages in a row that bring nothing new, after which it is left.
const BARREN_MAX: usize = 4;
/// How often a token that has expired makes it begin again.
const RESTARTS_MAX: usize = 3;
/// Objects remembered at the boundary.
const BOUNDARY_MAX: usize = 50_000;
/// Bytes of an identifier or a token at most.
const TEXT_BYTES_MAX: usize = 512;

/// Where reading has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// What the server said it added last.
    added_after: Option<String>,
    /// The objects that were added then: many share one moment, and some servers give those of the
    /// moment itself again.
    boundary: BTreeSet<(String, String)>,
}

/// Reads what is new; gives objects in the server's order, each once, and moves the cursor on.
///
/// # Errors
/// Why it does not go on. What came before was given to `take`, and the cursor stands behind it.
pub fn pull(
    transport: &mut impl Transport,
    collection: &Collection,
    cursor: &mut Cursor,
    take: &mut dyn FnMut(Value),
) -> Result<usize, Trouble> {
    let (mut taken, mut restarts, mut barren) = (0, 0, 0);
    let mut next: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let url = match (&next, &cursor.added_after) {
            // Never with `added_after`: servers lose their place. With the limit: one (medallion
            // 3.0.0) answers a token alone with an error.
            (Some(next), _) => {
                format!("{}?limit={PAGE_OBJECTS}&next={}", collection.objects(), encoded(next))
            }
            (None, Some(after)) => format!(
                "{}?limit={PAGE_OBJECTS}&added_after={}",
                collection.objects(),
                encoded(after)
            ),
            (None, None) => format!("{}?limit={PAGE_OBJECTS}", collection.objects()),
        };
        let answer = call(transport, &Request { url: url.clone(), body: None })?;
        if answer.status == 400 && next.is_some() && restarts < RESTARTS_MAX {
            // The token has expired.
            restarts += 1;
            next = None;
            continue;
        }
        if answer.status != 200 {
            return Err(trouble(&answer, &url));
        }
        let page = parse(&answer.body, &url)?;
        let fresh = page_objects(&page, &answer, cursor, take);
        taken += fresh;
        barren = if fresh == 0 { barren + 1 } else { 0 };
        let more = page.get("more").and_then(Value::as_bool).unwrap_or_default();
        let token = page.get("next").map(|token| match token {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        next = token.filter(|token| token.len() <= TEXT_BYTES_MAX && more);
        // Without a token one asks again from where it ended, as long as that brings something.
        let is_over = !more || fresh == 0 && next.is_none() || barren >= BARREN_MAX;
        if is_over || taken >= PULL_OBJECTS_MAX {
            return Ok(taken);
        }
    }
    Ok(taken)
}

/// Takes what is new of one page, and moves the cursor behind it.
fn page_objects(
    page: &Value,
    answer: &Answer,
    cursor: &mut Cursor,
    take: &mut dyn FnMut(Value),
) -> usize {
    let objects = page.get("objects").and_then(Value::as_array);
    let (mut fresh, mut here) = (0, BTreeSet::new());
    for object in objects.into_iter().flatten() {
        let key = version(object);
        if key.0.is_empty() || key.0.len() > TEXT_BYTES_MAX || key.1.len() > TEXT_BYTES_MAX {
            continue;
        }
        if !cursor.boundary.contains(&key) && here.insert(key) {
            fresh += 1;
            take(object.clone());
        }
    }
    let last = answer.added_last.clone().filter(|last| last.len() <= TEXT_BYTES_MAX);
    if let Some(last) = last {
        if cursor.added_after.as_ref() != Some(&last) {
            cursor.boundary.clear();
        }
        cursor.added_after = Some(last);
    }
    if cursor.boundary.len() + here.len() <= BOUNDARY_MAX {
        cursor.boundary.append(&mut here);
    }
    fresh
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
