//! Who is in the house, and where what is beyond the gateway stands.

use super::wire::Host;

/// The machines of the town hall.
#[derive(Clone, Debug)]
pub struct Town {
    pub people: Vec<Host>,
    /// Router, DHCP.
    pub gateway: Host,
    /// Domain controller: names, time, logons.
    pub controller: Host,
    /// Files, intranet, backup.
    pub server: Host,
    /// Mail of the house.
    pub mail: Host,
    /// Pings and asks all others how they are.
    pub monitor: Host,
    /// Takes the inventory at ten o'clock, with leave.
    pub scanner: Host,
    /// Where people stamp their hours.
    pub timeclock: Host,
    pub switch: Host,
    pub printers: Vec<Host>,
    pub exchange: Host,
    pub phones: Vec<Host>,
    /// Operator's station of the waterworks.
    pub operator: Host,
    /// Its controllers: tank and pumps.
    pub plants: Vec<Host>,
    pub cameras: Vec<Host>,
    pub recorder: Host,
}

/// Names that everybody goes to, the most popular first. All are answered from the network that is
/// set aside for measurements (RFC 2544), so that no address is anybody's.
pub const POPULAR: &[&str] = &[
    "www.google.com",
    "www.youtube.com",
    "www.corriere.it",
    "www.repubblica.it",
    "www.inps.it",
    "www.agenziaentrate.gov.it",
    "www.gazzettaufficiale.it",
    "www.anci.it",
    "www.wikipedia.org",
    "www.amazon.it",
    "www.poste.it",
    "www.interno.gov.it",
    "www.comuni-italiani.it",
    "www.ansa.it",
    "www.meteo.it",
    "www.paginebianche.it",
    "www.normattiva.it",
    "www.pagopa.gov.it",
    "www.anpr.it",
    "www.spid.gov.it",
    "www.trenitalia.com",
    "www.ilsole24ore.com",
    "www.linkedin.com",
    "www.acquistinretepa.it",
    "www.mef.gov.it",
    "www.regione.toscana.it",
    "www.istat.it",
];

/// What pages load from elsewhere.
pub const BESIDE: &[&str] = &[
    "fonts.gstatic.com",
    "www.google-analytics.com",
    "cdn.jsdelivr.net",
    "ajax.googleapis.com",
    "static.cloudflareinsights.com",
    "d1a2b3c4.cloudfront.net",
    "securepubads.doubleclick.net",
    "cdn.iubenda.com",
    "ocsp.digicert.com",
    "i.ytimg.com",
    "consent.cookiebot.com",
    "e7f1.akamaiedge.net",
    "scontent-mxp1-1.xx.fbcdn.net",
    "www.gstatic.com",
];

impl Town {
    /// A town hall where so many people work.
    pub fn new(people: usize) -> Self {
        let many = |net: u8, from: u8, count: usize| {
            (0..count).map(|n| Host::here([192, 168, net, from + n as u8])).collect()
        };
        Self {
            people: many(10, 101, people),
            gateway: Host::here([192, 168, 10, 1]),
            controller: Host::here([192, 168, 10, 10]),
            server: Host::here([192, 168, 10, 11]),
            mail: Host::here([192, 168, 10, 12]),
            monitor: Host::here([192, 168, 10, 15]),
            scanner: Host::here([192, 168, 10, 16]),
            timeclock: Host::here([192, 168, 10, 60]),
            switch: Host::here([192, 168, 10, 2]),
            printers: many(10, 50, 4),
            exchange: Host::here([192, 168, 20, 5]),
            phones: many(20, 101, 8),
            operator: Host::here([192, 168, 30, 10]),
            plants: many(30, 20, 2),
            cameras: many(40, 101, 4),
            recorder: Host::here([192, 168, 40, 10]),
        }
    }

    /// The machine that answers to a name of the internet.
    pub fn beyond(&self, name: &str) -> Host {
        let hash = name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let [a, b, c, d] = (hash ^ (hash >> 15)).to_be_bytes();
        Host::beyond(self.gateway, [198, 18 + (a & 1), b, 1 + (c ^ d) % 254])
    }

    /// An address of the internet.
    pub fn outside(&self, ip: [u8; 4]) -> Host {
        Host::beyond(self.gateway, ip)
    }

    /// All that have a plug, for those who look after them.
    pub fn all(&self) -> Vec<Host> {
        let few = [self.gateway, self.controller, self.server, self.mail, self.timeclock];
        let many = [&self.printers, &self.phones, &self.cameras, &self.people];
        few.into_iter().chain(many.into_iter().flatten().copied()).collect()
    }
}
