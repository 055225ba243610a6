//! The keywords that do something: one file each, or one for a few of a kind, and one list.

mod absent;
mod app_layer_protocol;
mod app_layer_state;
mod arguments;
mod asn1;
mod attempts;
mod base64;
mod byte_extract;
mod byte_jump;
mod byte_math;
mod byte_test;
mod captures;
mod certificate;
mod checksums;
mod config;
mod content;
mod dataset;
mod dcerpc;
mod domain;
mod entropy;
mod events;
mod extraction;
mod fast_pattern;
mod file_hash;
mod file_names;
mod filestore;
mod flow;
mod flowbits;
mod flowint;
mod flowvar;
mod frame;
mod ftpbounce;
mod geoip;
mod hash;
mod header_bits;
mod hostbits;
mod industrial;
mod inflate;
mod iprep;
mod isdataat;
mod kerberos;
mod linear;
mod meta;
mod modbus;
mod named_number;
mod nocase;
mod pcre;
mod pcrexform;
mod pkt_data;
mod position;
mod rawbytes;
pub mod requires;
mod rpc;
mod size;
mod stream_size;
mod tag;
mod threshold;
mod tls_store;
mod transform;
mod uricontent;
mod without_effect;

pub use base64::{encoded as base64_encoded, strict as base64_strict};

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::operator::Operator;

/// Every operator. Their order has no meaning; names and aliases are unique.
pub static OPERATORS: &[&Operator] = &[
    &absent::ABSENT,
    &app_layer_protocol::APP_LAYER_PROTOCOL,
    &app_layer_state::APP_LAYER_STATE,
    &asn1::ASN1,
    &base64::BASE64_DATA,
    &base64::BASE64_DECODE,
    &base64::FROM_BASE64,
    &byte_extract::BYTE_EXTRACT,
    &byte_jump::BYTE_JUMP,
    &byte_math::BYTE_MATH,
    &byte_test::BYTE_TEST,
    &certificate::TLS_FINGERPRINT,
    &certificate::TLS_ISSUER,
    &certificate::TLS_SUBJECT,
    &checksums::ICMPV4,
    &checksums::ICMPV6,
    &checksums::IPV4,
    &checksums::TCPV4,
    &checksums::TCPV6,
    &checksums::UDPV4,
    &checksums::UDPV6,
    &config::CONFIG,
    &content::CONTENT,
    &dataset::DATAREP,
    &dataset::DATASET,
    &dcerpc::DCERPC_IFACE,
    &dcerpc::DCERPC_OPNUM,
    &domain::DOMAIN,
    &domain::TLD,
    &entropy::ENTROPY,
    &events::APP_LAYER_EVENT,
    &events::DECODE_EVENT,
    &events::STREAM_EVENT,
    &fast_pattern::FAST_PATTERN,
    &file_hash::FILEMD5,
    &file_hash::FILESHA1,
    &file_hash::FILESHA256,
    &file_names::FILEEXT,
    &file_names::FILEMAGIC,
    &file_names::FILENAME,
    &filestore::FILESTORE,
    &flow::FLOW,
    &flowbits::ALERT,
    &flowbits::FLOWBITS,
    &flowbits::NOALERT,
    &flowint::FLOWINT,
    &flowvar::FLOWVAR,
    &flowvar::PKTVAR,
    &frame::FRAME,
    &named_number::CHOSEN_SA_ATTRIBUTE,
    &ftpbounce::FTPBOUNCE,
    &geoip::GEOIP,
    &named_number::HTTP2_SETTINGS,
    &hash::TO_MD5,
    &hash::TO_SHA1,
    &hash::TO_SHA256,
    &header_bits::FRAGBITS,
    &header_bits::IPOPTS,
    &header_bits::SAMEIP,
    &header_bits::TCP_FLAGS,
    &hostbits::HOSTBITS,
    &hostbits::XBITS,
    &industrial::CIP_SERVICE,
    &industrial::DNP3_IND,
    &industrial::DNP3_OBJ,
    &inflate::GUNZIP,
    &inflate::ZLIB_DEFLATE,
    &iprep::IPREP,
    &isdataat::ISDATAAT,
    &kerberos::KRB5_TICKET_ENCRYPTION,
    &meta::CLASSTYPE,
    &meta::GID,
    &meta::METADATA,
    &meta::MSG,
    &meta::PRIORITY,
    &meta::REFERENCE,
    &meta::REV,
    &meta::SID,
    &meta::TARGET,
    &modbus::MODBUS,
    &nocase::NOCASE,
    &pcre::PCRE,
    &pcrexform::PCREXFORM,
    &pkt_data::PKT_DATA,
    &position::DEPTH,
    &position::DISTANCE,
    &position::ENDSWITH,
    &position::OFFSET,
    &position::STARTSWITH,
    &position::WITHIN,
    &rawbytes::RAWBYTES,
    &requires::REQUIRES,
    &rpc::RPC,
    &size::BSIZE,
    &size::DSIZE,
    &size::URILEN,
    &stream_size::STREAM_SIZE,
    &threshold::DETECTION_FILTER,
    &threshold::THRESHOLD,
    &transform::COMPRESS_WHITESPACE,
    &transform::DOTPREFIX,
    &transform::HEADER_LOWERCASE,
    &transform::STRIP_PSEUDO_HEADERS,
    &transform::STRIP_WHITESPACE,
    &transform::TO_LOWERCASE,
    &transform::TO_UPPERCASE,
    &transform::URL_DECODE,
    &transform::XOR,
    &uricontent::URICONTENT,
    &without_effect::BYPASS,
    &without_effect::NFQ_SET_MARK,
    &without_effect::PREFILTER,
    &without_effect::REPLACE,
    &tag::TAG,
    &tls_store::TLS_STORE,
];

/// The operator that a rule names by `keyword`, alias or not.
pub fn operator(keyword: &str) -> Option<&'static Operator> {
    BY_NAME.get(keyword).copied()
}

/// The list by name and alias: rules name hundreds of thousands. Of two of one name the first.
static BY_NAME: LazyLock<HashMap<&'static str, &'static Operator, FixedState>> =
    LazyLock::new(|| {
        let names = OPERATORS.iter().rev().flat_map(|operator| {
            let names = std::iter::once(&operator.name).chain(operator.aliases);
            names.map(|name| (*name, *operator))
        });
        names.collect()
    });

#[cfg(test)]
mod stall_tests;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;
    use crate::detect::buffer::{Scratch, matches};
    use crate::detect::catalog::Catalog;
    use crate::detect::compile::compile;
    use crate::detect::evaluate::transformed;
    use crate::detect::rule::{Buffer, FlowTest, Rule};
    use crate::detect::syntax::RuleFile;
    use crate::detect::variables::Variables;

    pub(super) fn rule(options: &str) -> Result<Rule, String> {
        let sid = if options.contains("sid:") { "" } else { " sid:1;" };
        let text = format!("alert tcp any any -> any any ({options}{sid})\n");
        let file = RuleFile::new("example", text);
        let rules = file.rules();
        let parsed = rules.rules.first().unwrap_or_else(|| panic!("{options}"));
        compile(parsed, &mut Variables::default(), &Catalog::new())
            .map_err(|refusal| format!("{options}: {:?}", refusal.problems))
    }

    /// What the payload's chains say, for rules that test nothing else.
    fn holds(rule: &Rule, payload: &[u8]) -> bool {
        let mut scratch = Scratch::default();
        rule.buffers
            .iter()
            .all(|test| matches(&test.steps, &transformed(test, payload), &mut scratch))
    }

    #[test]
    fn examples_over_the_payload_hold() {
        let mut count = 0;
        for operator in OPERATORS {
            for example in operator.examples {
                let rule = match rule(example.rule) {
                    Ok(rule) => rule,
                    Err(_) if !example.alerts => continue,
                    Err(problem) => panic!("{problem}"),
                };
                let payload_only = !rule.buffers.is_empty()
                    && rule.buffers.iter().all(|test| test.buffer == Buffer::Payload)
                    && rule.packets.is_empty()
                    && rule.numbers.is_empty()
                    && rule.lists.is_empty()
                    && rule.flowbits.is_empty()
                    && rule.flowints.is_empty()
                    && rule.texts.is_empty()
                    && rule.ends.is_empty()
                    && rule.host_bits.is_empty()
                    && rule.events.is_empty()
                    && rule.application.is_empty()
                    && rule.flow == FlowTest::default()
                    && !rule.silent
                    && rule.signature.threshold.is_none();
                if payload_only {
                    count += 1;
                    let payload = example.payload;
                    assert_eq!(
                        holds(&rule, payload),
                        example.alerts,
                        "{} {payload:?}",
                        example.rule
                    );
                }
            }
        }
        assert!(count > 80, "{count}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for options in [
            "content:abc;",
            "content:\"\";",
            "content:\"|0|\";",
            "content:\"|zz|\";",
            "content:\"a|00\";",
            "nocase;",
            "content:\"abc\"; depth:2;",
            "content:\"abc\"; within:2;",
            "content:\"abc\"; depth:5; distance:1;",
            "content:\"abc\"; depth:5; depth:6;",
            "content:\"abc\"; offset:nothing;",
            "content:\"abc\"; bsize:2;",
            "content:\"abc\"; fast_pattern:2,2;",
            "content:\"a\"; fast_pattern; content:\"b\"; fast_pattern;",
            "pcre:\"/a(/\";",
            "pcre:\"a\";",
            "pcre:\"/a/k\";",
            "byte_test:9,=,1,0;",
            "byte_test:1,~,1,0;",
            "byte_test:1,=,1;",
            "byte_jump:1;",
            "byte_extract:1,0,9x;",
            "byte_math:bytes 1, offset 0;",
            "isdataat:x;",
            "base64_data; content:\"a\";",
            "content:\"a\"; to_lowercase;",
            "xor:\"0g\";",
        ] {
            assert!(rule(options).is_err(), "{options}");
        }
    }
}
