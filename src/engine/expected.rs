//! Flows that other flows announced, until they come.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::net::Endpoint;
use crate::protocols::Expectation;
use crate::time::{Duration, Timestamp};

/// Announced flows that one shard of address pairs waits for; past it the oldest is forgotten. By
/// shard, so that what is forgotten does not depend on the number of workers.
pub const EXPECTED_MAX: usize = 64;

/// How long an announced flow is waited for: an active data connection is opened at once.
const WAIT: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Default)]
pub struct Expected {
    shards: HashMap<u8, VecDeque<Waiting>>,
    forgotten: u64,
}

struct Waiting {
    from: IpAddr,
    to: IpAddr,
    until: Timestamp,
    expectation: Expectation,
}

impl Expected {
    /// A flow between `client` and `server`, in a frame of that shard, announced another; one to a third host is not
    /// believed, as anybody could redirect us so.
    pub fn add(
        &mut self,
        shard: u8,
        client: Endpoint,
        server: Endpoint,
        now: Timestamp,
        expectation: Expectation,
    ) {
        let to = expectation.address.unwrap_or(server.addr);
        let from = match (to == server.addr, to == client.addr) {
            (true, _) => client.addr,
            (_, true) => server.addr,
            _ => return,
        };
        let waiting = self.shards.entry(shard).or_default();
        waiting.retain(|known| known.until >= now);
        if waiting.len() >= EXPECTED_MAX {
            waiting.pop_front();
            self.forgotten += 1;
        }
        waiting.push_back(Waiting { from, to, until: now.after(WAIT), expectation });
    }

    /// Takes out what announced a flow from `client` to `server`.
    pub fn take(
        &mut self,
        shard: u8,
        client: Endpoint,
        server: Endpoint,
        now: Timestamp,
    ) -> Option<Expectation> {
        if self.shards.is_empty() {
            return None;
        }
        let waiting = self.shards.get_mut(&shard)?;
        let fits = |known: &Waiting| {
            known.to == server.addr
                && known.from == client.addr
                && known.expectation.port == server.port
                && known.until >= now
        };
        let found = waiting.iter().rposition(fits).and_then(|at| waiting.remove(at));
        if waiting.is_empty() {
            self.shards.remove(&shard);
        }
        found.map(|found| found.expectation)
    }

    /// Announced flows that were forgotten for want of room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str, port: u16) -> Endpoint {
        Endpoint { addr: text.parse().unwrap_or(IpAddr::from([0; 4])), port }
    }

    fn data(port: u16, address: Option<IpAddr>) -> Expectation {
        Expectation { address, port, protocol: "ftp-data", context: Vec::new() }
    }

    #[test]
    fn only_the_two_ends_are_believed_and_once() {
        let (client, server) = (end("10.0.0.1", 40_000), end("10.0.0.2", 21));
        let mut expected = Expected::default();
        let at = Timestamp::new(100, 0);
        expected.add(7, client, server, at, data(5000, None));
        expected.add(7, client, server, at, data(5001, Some(client.addr)));
        expected.add(7, client, server, at, data(5002, Some(end("10.9.9.9", 0).addr)));
        let to_server = end("10.0.0.2", 5000);
        assert_eq!(expected.take(7, server, to_server, at), None);
        assert!(expected.take(7, client, to_server, at).is_some());
        assert_eq!(expected.take(7, client, to_server, at), None);
        assert!(expected.take(7, server, end("10.0.0.1", 5001), at).is_some());
        assert_eq!(expected.take(7, client, end("10.9.9.9", 5002), at), None);
        expected.add(7, client, server, at, data(5000, None));
        assert_eq!(expected.take(7, client, to_server, Timestamp::new(200, 0)), None);
    }

    #[test]
    fn what_never_comes_is_bounded() {
        let (client, server) = (end("10.0.0.1", 40_000), end("10.0.0.2", 21));
        let mut expected = Expected::default();
        let at = Timestamp::new(100, 0);
        (0..1000).for_each(|port| expected.add(7, client, server, at, data(port, None)));
        let waiting: usize = expected.shards.values().map(VecDeque::len).sum();
        assert_eq!((waiting, expected.forgotten()), (EXPECTED_MAX, 1000 - EXPECTED_MAX as u64));
        assert!(expected.take(7, client, end("10.0.0.2", 999), at).is_some());
    }
}
