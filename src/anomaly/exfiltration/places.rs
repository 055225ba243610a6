//! Names that say what kind of place data goes to.

use crate::anomaly::domain::Listed;

/// Services that tell who asks under which address he is seen.
static ADDRESS_SERVICES: Listed = Listed::new(&[
    "anysrc.net",
    "checkip.amazonaws.com",
    "checkip.dyndns.org",
    "curlmyip.net",
    "db-ip.com",
    "eth0.me",
    "freegeoip.app",
    "geoplugin.net",
    "icanhazip.com",
    "ident.me",
    "ifconfig.co",
    "ifconfig.io",
    "ifconfig.me",
    "iplogger.org",
    "ip-api.com",
    "ip.sb",
    "ipapi.co",
    "ipecho.net",
    "ipify.org",
    "ipinfo.io",
    "ipwho.is",
    "ipwhois.app",
    "l2.io",
    "myexternalip.com",
    "myip.com",
    "myip.opendns.com",
    "reallyfreegeoip.org",
    "seeip.org",
    "showip.net",
    "tnedi.me",
    "whatismyip.akamai.com",
    "whatismyipaddress.com",
    "wtfismyip.com",
]);

/// Where offices send much with leave: clouds, mail, meetings, copies.
static USUAL: Listed = Listed::new(&[
    "acronis.com",
    "adobe.com",
    "apple.com",
    "aruba.it",
    "backblazeb2.com",
    "box.com",
    "dropbox.com",
    "dropboxapi.com",
    "facebook.com",
    "fbcdn.net",
    "gmail.com",
    "google.com",
    "googleapis.com",
    "googlevideo.com",
    "icloud-content.com",
    "icloud.com",
    "legalmail.it",
    "live.com",
    "live.net",
    "microsoft.com",
    "microsoftonline.com",
    "office.com",
    "office.net",
    "office365.com",
    "onedrive.com",
    "outlook.com",
    "sharepoint.com",
    "skype.com",
    "slack.com",
    "veeam.com",
    "webex.com",
    "wetransfer.com",
    "wetransfer.net",
    "whatsapp.net",
    "windows.com",
    "youtube.com",
    "zoom.us",
]);

/// Words in the name of a place for copies.
const COPIES: &[&str] = &["backup", "vault", "veeam", "acronis"];

/// Whether a name is a service that tells the asker's address.
pub(super) fn tells_address(name: &[u8]) -> bool {
    is_under(name, &ADDRESS_SERVICES)
}

/// Whether offices send much there with leave.
pub(super) fn is_usual(name: &str) -> bool {
    is_under(name.as_bytes(), &USUAL)
}

/// Whether the name says that copies are kept there.
pub(super) fn keeps_copies(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    COPIES.iter().any(|word| name.contains(word))
}

/// Whether a name, or what it is below, is in a list.
fn is_under(name: &[u8], list: &Listed) -> bool {
    let after_dot = |(at, byte): (usize, &u8)| (*byte == b'.').then_some(at + 1);
    let starts = std::iter::once(0).chain(name.iter().enumerate().filter_map(after_dot));
    starts.filter_map(|at| name.get(at..)).any(|ending| list.has(ending))
}
