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
pub mod cleared;
pub mod exchange;
pub mod identity;
pub mod inbound;
pub mod live;
pub mod policy;
pub mod privacy;
pub mod seen;
pub mod snapshot;
pub mod spool;
pub mod stix;
pub mod taxii;
pub mod time;

use serde_json::Value;

use cleared::Cleared;

/// A format of the exchange. It sees nothing but what was cleared.
pub trait Format: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What stands before all events: who speaks, and what is referred to. Always the same.
    fn preamble(&self) -> Vec<Value>;

    /// The objects of one event, those that are referred to first.
    fn objects(&self, of: &Cleared) -> Vec<Value>;
}
