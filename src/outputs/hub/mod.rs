//! The exchange with the sharing hub: what leaves the site, in which shape, and what never does.
//!
//! Nothing leaves unless a [`policy`] is there that says on which legal basis, to whom and up to
//! which mark. This room makes what is to be sent and keeps it until it is acknowledged; it opens
//! no connection: the clients are in `control`.
//!
//! ```text
//! EVE ─► seen ─► privacy::clear ─► cleared ─► Format (stix) ─► privacy::guard ─► spool ─► client
//! ```

pub mod audit;
pub mod cef;
pub mod cleared;
pub mod exchange;
pub mod identity;
pub mod idmef;
pub mod inbound;
pub mod live;
pub mod misp;
pub mod policy;
pub mod privacy;
pub mod seen;
pub mod snapshot;
pub mod spool;
pub mod stix;
pub mod syslog;
pub mod taxii;
pub mod time;

use serde_json::Value;

use crate::time::Timestamp;
use cleared::Cleared;
use identity::Identity;

/// A format of the exchange. It sees nothing but what was cleared.
pub trait Format: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What stands before all events: who speaks, and what is referred to. Always the same.
    fn preamble(&self) -> Vec<Value>;

    /// The objects of one event, those that are referred to first. A line of text is a
    /// [`Value::String`].
    fn objects(&self, of: &Cleared) -> Vec<Value>;

    /// Objects of several events as they leave together: an envelope of TAXII, if a format has
    /// nothing of its own.
    fn batch(&self, objects: Vec<Value>, _now: Timestamp) -> Vec<Value> {
        vec![exchange::envelope(objects)]
    }
}

/// A format as the command line knows it.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Makes it, in the name of an identity.
    pub make: fn(&Identity) -> Box<dyn Format>,
}

/// Every format. All of them are made of what was cleared, and pass the same guard.
pub static FORMATS: &[Kind] = &[
    Kind {
        name: "stix",
        help: "STIX 2.1 in envelopes of TAXII: what is sent to a hub.",
        make: |identity| Box::new(stix::Stix::new(identity)),
    },
    Kind {
        name: "misp",
        help: "Events of MISP, to be read as files.",
        make: |identity| Box::new(misp::Misp::new(identity)),
    },
    Kind {
        name: "idmef",
        help: "Messages of IDMEFv2, one a line.",
        make: |identity| Box::new(idmef::Idmef::new(identity)),
    },
    Kind {
        name: "syslog",
        help: "Lines of syslog (RFC 5424).",
        make: |identity| Box::new(syslog::Syslog::new(identity)),
    },
    Kind { name: "cef", help: "Lines of CEF.", make: |identity| Box::new(cef::Cef::new(identity)) },
];
