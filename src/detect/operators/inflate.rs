//! Transforms that decompress: `gunzip`, `zlib_deflate`.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use super::arguments::unsigned;
use super::extraction::{split, unknown};
use super::transform::add;
use crate::detect::operator::{Example, Operator, Problem};

/// Bytes that come out unless the rule says otherwise: as Suricata.
const DEFAULT_BYTES: u64 = 1_024;

/// Bytes that may come out at most.
const MAX_BYTES: u64 = 1 << 20;

/// See [`Operator`].
pub static GUNZIP: Operator = Operator {
    name: "gunzip",
    aliases: &[],
    help: "Transforms the buffer: unpacks gzip; leaves it as it is when there is none.",
    syntax: "gunzip[:max-size <bytes>]",
    examples: &[Example { rule: "gunzip; content:\"abc\";", payload: b"abc", alerts: true }],
    compile: |argument, builder| {
        let limit = limit("gunzip", argument)?;
        add("gunzip", argument, builder, move |input, output| {
            unpack(GzDecoder::new(input), limit, output)
        })
    },
};

/// See [`Operator`].
pub static ZLIB_DEFLATE: Operator = Operator {
    name: "zlib_deflate",
    aliases: &[],
    help: "Transforms the buffer: unpacks zlib; leaves it as it is when there is none.",
    syntax: "zlib_deflate[:max-size <bytes>]",
    examples: &[Example {
        rule: "zlib_deflate; content:\"abc\";",
        payload: b"\x78\x01\x01\x03\x00\xfc\xffabc\x02\x4d\x01\x27",
        alerts: true,
    }],
    compile: |argument, builder| {
        let limit = limit("zlib_deflate", argument)?;
        add("zlib_deflate", argument, builder, move |input, output| {
            unpack(ZlibDecoder::new(input), limit, output)
        })
    },
};

fn limit(keyword: &str, argument: Option<&str>) -> Result<u64, Problem> {
    let Some(argument) = argument else { return Ok(DEFAULT_BYTES) };
    match split(argument) {
        ("max-size", value) => unsigned(value).filter(|size| (1..=MAX_BYTES).contains(size)),
        _ => None,
    }
    .ok_or_else(|| unknown(keyword, argument, argument).hint("write `max-size <bytes>`"))
}

/// What comes out before an error counts too. False when nothing comes out, or too much.
fn unpack(packed: impl Read, limit: u64, output: &mut Vec<u8>) -> bool {
    let end = packed.take(limit + 1).read_to_end(output);
    let size = u64::try_from(output.len()).unwrap_or(u64::MAX);
    drop(end);
    size > 0 && size <= limit
}
