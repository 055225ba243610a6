//! Identifiers: the same thing has the same one at every sensor and in every run.
//!
//! UUIDv5 (RFC 9562): of observables in the namespace that STIX 2.1 fixes (2.9), from the canonical
//! JSON of the properties that contribute; of all others in a namespace of our own, as the
//! standard's must not be used for them.

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::canonical;

/// The namespace of observables: `00abedb4-aa42-466c-9c01-fed23315a9b7`.
const OBSERVABLES: u128 = 0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7;
/// Ours: `eebb3afa-5bda-420e-8c1a-124ef5df40fb`, made once by chance.
const OURS: u128 = 0xeebb_3afa_5bda_420e_8c1a_124e_f5df_40fb;

/// The identifier of an observable, from the properties that contribute to it.
pub fn observable(kind: &str, contributing: &Value) -> String {
    format!("{kind}--{}", uuid5(OBSERVABLES, canonical::text(contributing).as_bytes()))
}

/// The identifier of any other object, from what makes it what it is.
pub fn object(kind: &str, name: &str) -> String {
    format!("{kind}--{}", uuid5(OURS, format!("{kind}\0{name}").as_bytes()))
}

fn uuid5(namespace: u128, name: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(namespace.to_be_bytes());
    hash.update(name);
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
    let mut bits = u128::from_be_bytes(bytes);
    bits = bits & !(0xf << 76) | 5 << 76;
    bits = bits & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn observables_have_the_identifiers_that_others_give_them() {
        let id = observable("ipv4-addr", &json!({ "value": "198.51.100.7" }));
        assert_eq!(id, "ipv4-addr--12592121-be4c-5a93-a813-5a5af16e50db");
    }

    #[test]
    fn other_objects_have_their_own_namespace() {
        let id = object("sighting", "x");
        assert!(id.starts_with("sighting--"));
        assert_eq!(id, object("sighting", "x"));
        assert_ne!(id.get(10..), object("indicator", "x").get(11..));
        assert_eq!(id.as_bytes().get(24), Some(&b'5'));
    }
}
