//! Which end of a conversation is the site's.
//!
//! That is what the home networks say. Yet a site with public addresses whose networks were never named
//! has no host in them: nobody would be watched. Where next to no conversation has an end in them, whoever
//! begins one is taken for the site's, and the other end too if it is of the same network.

use std::net::{IpAddr, Ipv4Addr};

use super::Site;
use crate::net::is_group;
use crate::time::{Duration, Timestamp};

/// For each conversation with an end in the home networks there are more than so many without, before it
/// is held that these are not the site's: one printer that was left on its maker's address tells nothing.
const STRANGE_MIN: u64 = 16;

/// The same as a share of all conversations.
pub const STRANGE_SHARE: f64 = STRANGE_MIN as f64 / (STRANGE_MIN + 1) as f64;

/// A part of the conversations has no end in the home networks from this share on: some of the site's
/// networks were not named, or the sensor sees what passes through.
pub const PART_SHARE: f64 = 0.2;

/// After so long what was seen counts half: networks may be named, or others come.
const HALF_LIFE: Duration = Duration::from_secs(3600);

/// The versions of IP, each by itself: networks are often named of one alone.
pub const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];

/// What was seen of the home networks, of each of [`FAMILIES`].
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Homes {
    of: [Family; FAMILIES.len()],
    /// When the numbers were last halved.
    since: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Family {
    /// Conversations with an end in them, and with none: those that were answered, as a flood makes up
    /// others.
    begun: [u64; 2],
    /// Whether they are not the site's, as of the last tick.
    untold: bool,
}

impl Homes {
    /// A conversation began, and was answered.
    pub(super) fn begun(&mut self, client: IpAddr, server: IpAddr, site: &Site) {
        let [four, six] = &mut self.of;
        let [with, without] = if client.is_ipv4() { &mut four.begun } else { &mut six.begun };
        if !is_routed(client) || !is_routed(server) {
            return;
        }
        let is_with = site.is_home(client) || site.is_home(server);
        let number = if is_with { with } else { without };
        *number = number.saturating_add(1);
    }

    /// Decides anew; not in between, so that the order of records within a round does not matter. Before
    /// anything was seen nothing speaks for the home networks.
    pub(super) fn tick(&mut self, now: Timestamp) {
        let is_first = self.since == Timestamp::default();
        let halves = !is_first && now.since(self.since) >= HALF_LIFE;
        if halves || is_first {
            self.since = now;
        }
        for Family { begun: [with, without], untold } in &mut self.of {
            if halves {
                (*with, *without) = (*with / 2, *without / 2);
            }
            *untold = *with == 0 || *without > with.saturating_mul(STRANGE_MIN);
        }
    }

    /// Of each family the conversations with an end in the home networks and without, when these are not
    /// the site's.
    pub(super) fn untold(&self) -> [Option<[u64; 2]>; FAMILIES.len()] {
        self.of.map(|family| family.untold.then_some(family.begun))
    }

    /// The same when these are the site's, but for some that nobody named.
    pub(super) fn partly(&self) -> [Option<[u64; 2]>; FAMILIES.len()] {
        self.of.map(|Family { begun: [with, without], untold }| {
            let share = without as f64 / with.saturating_add(without).max(1) as f64;
            (!untold && share >= PART_SHARE).then_some([with, without])
        })
    }

    /// Whether it is only a guess which of two ends is the site's.
    pub(super) fn guesses(&self, client: IpAddr, server: IpAddr, site: &Site) -> bool {
        let [four, six] = self.of;
        let untold = if client.is_ipv4() { four.untold } else { six.untold };
        untold && !site.is_home(client) && !site.is_home(server)
    }

    /// Whether the client is the site's, and whether the server is.
    #[inline]
    pub(super) fn of(&self, client: IpAddr, server: IpAddr, site: &Site) -> (bool, bool) {
        let ours = (site.is_home(client), site.is_home(server));
        if ours != (false, false) || !self.guesses(client, server, site) {
            return ours;
        }
        let client_is = is_routed(client);
        (client_is, client_is && is_near(client, server))
    }
}

/// Whether two addresses are of one site whatever its networks are: of the same 256 of IPv4; of IPv6 of
/// the least that a site gets (RFC 6177); or both of those that no other site can reach (RFC 1918, 4193,
/// 6598).
fn is_near(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let same = (one.to_bits() ^ other.to_bits()) >> 8 == 0;
            same || is_private(one) && is_private(other)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let same = (one.to_bits() ^ other.to_bits()) >> (128 - 56) == 0;
            same || one.is_unique_local() && other.is_unique_local()
        }
        _ => false,
    }
}

const fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || matches!(address.octets(), [100, 64..=127, ..])
}

/// Whether an address is one of a single host that may lie beyond the next router.
fn is_routed(address: IpAddr) -> bool {
    let near = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !near && !address.is_loopback() && !is_group(address)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::net::AddressSet;

    #[test]
    fn who_begins_is_ours_where_the_networks_were_never_named() {
        let home = AddressSet::network([10, 0, 0, 0].into(), 8);
        let site = Site { home, ..Site::default() };
        let [ours, near, far]: [IpAddr; 3] =
            [[10, 0, 0, 5].into(), [198, 51, 100, 7].into(), [203, 0, 113, 9].into()];
        let (mut homes, now) = (Homes::default(), Timestamp::new(1_600_000_000, 0));
        assert_eq!(homes.of(near, far, &site), (false, false));
        homes.begun(near, [224, 0, 0, 251].into(), &site);
        homes.begun([169, 254, 3, 4].into(), far, &site);
        homes.tick(now);
        assert_eq!(
            (homes.of(near, far, &site), homes.untold()),
            ((true, false), [Some([0, 0]); 2])
        );
        homes.begun(near, far, &site);
        homes.tick(now);
        assert_eq!(
            (homes.of(near, far, &site), homes.untold()),
            ((true, false), [Some([0, 1]), Some([0, 0])])
        );
        assert_eq!(homes.of([169, 254, 3, 4].into(), far, &site), (false, false));
        assert_eq!(homes.of(far, ours, &site), (false, true));
        assert_eq!(homes.of(near, [198, 51, 100, 9].into(), &site), (true, true));
        let six = |text: &str| text.parse::<IpAddr>().unwrap();
        let pair = |one, other| homes.of(six(one), six(other), &site);
        assert_eq!(pair("2001:db8:1:2::3", "2001:db8:1:7::4"), (true, true));
        assert_eq!(pair("2001:db8:1:2::3", "2001:db8:2:2::3"), (true, false));
        assert_eq!(pair("fd01::3", "fd02::4"), (true, true));
        assert_eq!(pair("172.16.1.5", "192.168.9.9"), (true, true));
        assert_eq!(pair("100.64.1.5", "100.127.2.9"), (true, true));
        assert!(homes.guesses(near, far, &site) && !homes.guesses(ours, far, &site));
        // One host that is named is a chance, one conversation of seventeen is none.
        homes.begun(ours, far, &site);
        assert_eq!(homes.of(near, far, &site), (true, false), "not before the next tick");
        homes.tick(now);
        assert_eq!(homes.of(near, far, &site), (false, false));
        (0..16).for_each(|_| homes.begun(far, near, &site));
        homes.tick(now);
        assert_eq!(homes.of(near, far, &site), (true, false));
    }
}
