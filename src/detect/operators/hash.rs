//! Transforms to a hash: `to_md5`, `to_sha1`, `to_sha256`.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::arguments::none;
use super::transform::add;
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static TO_MD5: Operator = Operator {
    name: "to_md5",
    aliases: &[],
    help: "Transforms the buffer: to its MD5, 16 bytes.",
    syntax: "to_md5",
    examples: &[Example {
        rule: "to_md5; content:\"|90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72|\"; bsize:16;",
        payload: b"abc",
        alerts: true,
    }],
    compile: |argument, builder| hash::<Md5>("to_md5", argument, builder),
};

/// See [`Operator`].
pub static TO_SHA1: Operator = Operator {
    name: "to_sha1",
    aliases: &[],
    help: "Transforms the buffer: to its SHA-1, 20 bytes.",
    syntax: "to_sha1",
    examples: &[Example {
        rule: "to_sha1; content:\"|a9 99 3e 36 47 06 81 6a|\"; startswith; bsize:20;",
        payload: b"abc",
        alerts: true,
    }],
    compile: |argument, builder| hash::<Sha1>("to_sha1", argument, builder),
};

/// See [`Operator`].
pub static TO_SHA256: Operator = Operator {
    name: "to_sha256",
    aliases: &[],
    help: "Transforms the buffer: to its SHA-256, 32 bytes.",
    syntax: "to_sha256",
    examples: &[Example {
        rule: "to_sha256; content:\"|ba 78 16 bf 8f 01 cf ea|\"; startswith; bsize:32;",
        payload: b"abc",
        alerts: true,
    }],
    compile: |argument, builder| hash::<Sha256>("to_sha256", argument, builder),
};

fn hash<D: Digest>(
    keyword: &str,
    argument: Option<&str>,
    builder: &mut Builder,
) -> Result<(), Problem> {
    none(keyword, argument)?;
    add(keyword, None, builder, |input, output| {
        output.extend_from_slice(&D::digest(input));
        true
    })
}
