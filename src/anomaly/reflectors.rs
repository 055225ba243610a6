//! Services over UDP that answer anybody, and with more than they were asked.

/// How the answers of a service are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Long answers to short questions; hardly anybody asks from elsewhere.
    Plain,
    /// Everybody asks all day: of a mirror port that shows one way only answers are seen.
    Asked,
    /// Much traffic that is no answer: VPNs, relays of calls.
    Tunnel,
    /// Asked through a group address, so that the answer is another flow than the question.
    Group,
}

use Manner::{Asked, Group, Plain, Tunnel};

/// Ports, by number, with the name of the service (C. Rossow, "Amplification Hell", NDSS 2014; US
/// CERT alert TA14-017A; and what attacks have used since).
const SERVICES: &[(u16, &str, Manner)] = &[
    (7, "echo", Plain),
    (17, "QOTD", Plain),
    (19, "chargen", Plain),
    (53, "DNS", Asked),
    (69, "TFTP", Plain),
    (111, "portmapper", Plain),
    (123, "NTP", Asked),
    (137, "NetBIOS", Group),
    (161, "SNMP", Plain),
    (177, "XDMCP", Plain),
    (389, "CLDAP", Plain),
    (427, "SLP", Group),
    (500, "IKE", Tunnel),
    (520, "RIP", Plain),
    (623, "IPMI", Plain),
    (1194, "OpenVPN", Tunnel),
    (1434, "SQL Server", Plain),
    (1604, "Citrix", Plain),
    (1701, "L2TP", Tunnel),
    (1900, "SSDP", Group),
    (3283, "Apple Remote Desktop", Plain),
    (3389, "RDP", Tunnel),
    (3478, "STUN", Tunnel),
    (3702, "WS-Discovery", Group),
    (4500, "IKE", Tunnel),
    (5060, "SIP", Plain),
    (5093, "Sentinel", Plain),
    (5351, "NAT-PMP", Plain),
    (5353, "mDNS", Group),
    (5683, "CoAP", Plain),
    (6881, "BitTorrent", Tunnel),
    (10_001, "Ubiquiti discovery", Group),
    (10_074, "Mitel", Plain),
    (11_211, "memcached", Plain),
    (17_185, "VxWorks", Plain),
    (20_800, "Call of Duty", Plain),
    (26_000, "Quake", Plain),
    (27_015, "Source engine", Plain),
    (27_960, "Quake III", Plain),
    (30_718, "Lantronix", Plain),
    (32_414, "Plex", Group),
    (33_848, "Jenkins", Group),
    (37_810, "DVR discovery", Plain),
    (41_794, "Crestron", Plain),
    (64_738, "Mumble", Plain),
];

/// The service of a port: its name, and how it is judged.
pub(super) fn service(port: u16) -> Option<(&'static str, Manner)> {
    let at = SERVICES.binary_search_by_key(&port, |(known, _, _)| *known).ok()?;
    SERVICES.get(at).map(|(_, name, manner)| (*name, *manner))
}

/// Payload from which on an answer is long, bytes.
pub(super) const LONG: u64 = 300;

/// Whether a datagram of so much payload that nobody answers looks like an answer of such a
/// service itself: it comes from its port, and does not go to one where it may be a question.
/// Servers among themselves speak from port to port, but briefly; attackers like to aim answers at
/// a port that is open.
pub fn is_reflected(source: u16, target: u16, payload: u64) -> bool {
    if service(source).is_none() {
        return false;
    }
    if source < 1024 {
        return service(target).is_none() || (source != target || source == 53) && payload >= LONG;
    }
    // Clients take such ports too.
    service(target).is_none() && !matches!(target, 80 | 443 | 514)
}

/// Whether a datagram comes from the port of such a service and may all the same be a client's, as it goes
/// to a port where questions go: attackers aim answers there, for it is open. Only many senders with this
/// same port tell.
pub fn may_be_reflected(source: u16, target: u16, payload: u64) -> bool {
    source != target && service(source).is_some() && !is_reflected(source, target, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_in_order_and_answers_are_told_from_questions() {
        assert!(SERVICES.is_sorted_by_key(|(port, _, _)| *port));
        assert_eq!(service(11_211), Some(("memcached", Plain)));
        assert!(is_reflected(53, 40_000, 80) && is_reflected(4500, 22, 80));
        assert!(is_reflected(123, 80, 440) && is_reflected(389, 53, 1400));
        // Servers among themselves, a question from a high port, HTTP/3.
        assert!(!is_reflected(123, 123, 48) && !is_reflected(27_015, 53, 40));
        assert!(!is_reflected(53, 53, 60) && is_reflected(53, 53, 900));
        assert!(!is_reflected(40_000, 50_000, 900) && !is_reflected(1900, 443, 1200));
        assert!(may_be_reflected(1900, 443, 1200) && may_be_reflected(11_211, 53, 1400));
        assert!(!may_be_reflected(123, 123, 48) && !may_be_reflected(40_000, 443, 1200));
    }
}
