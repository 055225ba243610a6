//! Which end of a conversation is the site's.
//!
//! That is what the home networks say. Yet a site with public addresses whose networks were never named
//! has no host in them: nobody would be watched. Where next to no conversation has an end in them, whoever
//! begins one is taken for the site's.

use std::net::IpAddr;

use super::Site;
use crate::net::is_group;

/// For each conversation with an end in the home networks there are more than so many without, before it
/// is held that these are not the site's: one printer that was left on its maker's address tells nothing,
/// and where IPv6 alone is not named there are as many with as without.
const STRANGE_MIN: u64 = 16;

/// What was seen of the home networks.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Homes {
    /// Conversations begun with an end in them, and with none.
    begun: [u64; 2],
    /// Whether they are not the site's, as of the last tick.
    untold: bool,
}

impl Homes {
    /// A conversation began.
    pub(super) fn begun(&mut self, client: IpAddr, server: IpAddr, site: &Site) {
        let [with, without] = &mut self.begun;
        if site.is_home(client) || site.is_home(server) {
            *with = with.saturating_add(1);
        } else if is_routed(client) && is_routed(server) {
            *without = without.saturating_add(1);
        }
    }

    /// Decides anew; not in between, so that the order of records within a round does not matter. Before
    /// anything was seen nothing speaks for the home networks.
    pub(super) const fn tick(&mut self) {
        let [with, without] = self.begun;
        self.untold = with == 0 || without > with.saturating_mul(STRANGE_MIN);
    }

    /// Conversations with an end in the home networks and without, when these are not the site's.
    pub(super) fn untold(&self) -> Option<[u64; 2]> {
        self.untold.then_some(self.begun)
    }

    /// Whether the client is the site's, and whether the server is.
    #[inline]
    pub(super) fn of(&self, client: IpAddr, server: IpAddr, site: &Site) -> (bool, bool) {
        let ours = (site.is_home(client), site.is_home(server));
        if self.untold && ours == (false, false) { (is_routed(client), false) } else { ours }
    }
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
    use super::*;
    use crate::net::AddressSet;

    #[test]
    fn who_begins_is_ours_where_the_networks_were_never_named() {
        let home = AddressSet::network([10, 0, 0, 0].into(), 8);
        let site = Site { home, ..Site::default() };
        let [ours, near, far]: [IpAddr; 3] =
            [[10, 0, 0, 5].into(), [198, 51, 100, 7].into(), [203, 0, 113, 9].into()];
        let mut homes = Homes::default();
        assert_eq!(homes.of(near, far, &site), (false, false));
        homes.begun(near, [224, 0, 0, 251].into(), &site);
        homes.begun([169, 254, 3, 4].into(), far, &site);
        homes.tick();
        assert_eq!((homes.of(near, far, &site), homes.untold()), ((true, false), Some([0, 0])));
        homes.begun(near, far, &site);
        homes.tick();
        assert_eq!((homes.of(near, far, &site), homes.untold()), ((true, false), Some([0, 1])));
        assert_eq!(homes.of([169, 254, 3, 4].into(), far, &site), (false, false));
        assert_eq!(homes.of(far, ours, &site), (false, true));
        // One host that is named is a chance, one conversation of seventeen is none.
        homes.begun(ours, far, &site);
        assert_eq!(homes.of(near, far, &site), (true, false), "not before the next tick");
        homes.tick();
        assert_eq!(homes.of(near, far, &site), (false, false));
        (0..16).for_each(|_| homes.begun(far, near, &site));
        homes.tick();
        assert_eq!(homes.of(near, far, &site), (true, false));
    }
}
