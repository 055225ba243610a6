//! What rules ask of files beside their fields, and what they want done with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::field::Side;
use crate::file::{File, Wants};

/// Files of one flow that rules asked for before they came; of further ones nothing is noted.
pub const STORES_MAX: usize = 32;

/// A test of a file.
pub trait FileTest: Send + Sync {
    /// Whether the file passes.
    fn matches(&self, file: &File) -> bool;

    /// Whether it asks something of the file, so that another file is news.
    fn asks(&self) -> bool {
        true
    }

    /// What must be learned of files for it.
    fn wants(&self) -> Wants {
        Wants::NOTHING
    }
}

/// Any file will do: what `filestore` by itself asks.
pub struct AnyFile;

impl FileTest for AnyFile {
    fn matches(&self, _: &File) -> bool {
        true
    }

    fn asks(&self) -> bool {
        false
    }
}

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the hashes")]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
}

impl Hash {
    /// Its length in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// Whether a file's hash is in a list.
pub struct HashTest {
    /// Which hash.
    pub hash: Hash,
    /// It must not be there.
    pub negated: bool,
    /// The list.
    pub list: Arc<BTreeSet<Vec<u8>>>,
}

impl FileTest for HashTest {
    fn matches(&self, file: &File) -> bool {
        let found = match self.hash {
            Hash::Md5 => file.md5(),
            Hash::Sha1 => file.sha1(),
            Hash::Sha256 => file.sha256(),
        };
        found.is_some_and(|hash| self.list.contains(hash) != self.negated)
    }

    fn wants(&self) -> Wants {
        let mut wants = Wants::NOTHING;
        match self.hash {
            Hash::Md5 => wants.md5 = true,
            Hash::Sha1 => wants.sha1 = true,
            Hash::Sha256 => wants.sha256 = true,
        }
        wants
    }
}

/// What `filestore` wants stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// Files of which sides: request, response.
    pub sides: [bool; 2],
    /// Which of them.
    pub scope: Scope,
}

/// How far a `filestore` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The file that the rule matched.
    File,
    /// All of the transaction.
    Transaction,
    /// All of the flow from now on.
    Flow,
}

/// What a flow is to have stored from now on.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Of one transaction, or of all.
    pub transaction: Option<u64>,
    /// Of which sides.
    pub sides: [bool; 2],
    /// The rule that said so.
    pub sid: u32,
}

impl Order {
    /// Whether it concerns a file.
    pub fn concerns(&self, transaction: u64, side: Side) -> bool {
        let [request, response] = self.sides;
        let of_side = if side == Side::Response { response } else { request };
        of_side && self.transaction.is_none_or(|id| id == transaction)
    }
}

/// A file that a rule wants stored.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Its flow's slot.
    pub slot: u32,
    /// Its transaction.
    pub transaction: u64,
    /// Its number there.
    pub index: u32,
    /// The rule.
    pub sid: u32,
}
