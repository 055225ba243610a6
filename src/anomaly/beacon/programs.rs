//! Which programs use TLS, on which hosts and for which places: by their greeting (JA4).

use crate::anomaly::stats::Recent;

/// Programs remembered.
const PROGRAMS_MAX: usize = 2048;
/// Hosts remembered.
const HOSTS_MAX: usize = 4096;

/// One value, or more than one.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Only {
    value: u64,
    more: bool,
}

impl Only {
    fn take(&mut self, value: u64) {
        if self.value == 0 {
            self.value = value;
        } else if self.value != value {
            self.more = true;
        }
    }
}

/// Where a program is used.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Use {
    host: Only,
    place: Only,
}

/// See the module's page.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Programs {
    uses: Recent<u64, Use>,
    /// The programs of each host.
    hosts: Recent<u64, Only>,
}

impl Programs {
    pub(super) const fn new() -> Self {
        Self { uses: Recent::new(PROGRAMS_MAX), hosts: Recent::new(HOSTS_MAX) }
    }

    /// A host has been seen.
    pub(super) fn host(&mut self, host: u64) {
        self.hosts.touch(&host);
    }

    /// A host used a program for a place. None of the three is 0.
    pub(super) fn used(&mut self, print: u64, host: u64, place: u64) {
        let of = self.uses.touch(&print);
        of.host.take(host);
        of.place.take(place);
        self.hosts.touch(&host).take(print);
    }

    /// Whether a program is one host's, for one place alone, and that host has others.
    pub(super) fn is_own(&self, print: u64, host: u64) -> bool {
        let alone = self.uses.peek(&print).is_some_and(|of| !of.host.more && !of.place.more);
        alone && self.hosts.peek(&host).is_some_and(|programs| programs.more)
    }

    /// Hosts that were seen.
    pub(super) const fn hosts(&self) -> usize {
        self.hosts.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.uses.memory() + self.hosts.memory()
    }
}
