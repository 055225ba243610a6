//! Explanations without what they quote: addresses, names of hosts, users, files.
//!
//! An explanation is a fixed sentence with pieces of the wire in it. Each piece that cannot be shown
//! to be harmless is replaced by what it is: a host by its pseudonym, anything else by `[omesso]`.
//! Too much is taken out rather than too little; the guard looks at what is left none the less.

use std::net::IpAddr;

use super::names;
use super::site::Site;

/// What stands in place of a piece that is taken out.
pub const OMITTED: &str = "[omesso]";
/// In place of an address of others that the event is not about.
const OTHER_ADDRESS: &str = "[indirizzo esterno]";
/// In place of a network of the site.
const OWN_NETWORK: &str = "[rete interna]";

/// Words in capitals, or with digits, that explanations use and that name nobody.
const TERMS: &[&str] = &[
    "ACN",
    "AES",
    "AMQP",
    "API",
    "ARP",
    "ASCII",
    "ATT&CK",
    "BACNET",
    "CGI",
    "COSC",
    "CPU",
    "CSIRT",
    "CVE",
    "DCE",
    "DCERPC",
    "DCOM",
    "DDOS",
    "DES",
    "DHCP",
    "DMZ",
    "DNP3",
    "DNS",
    "DOS",
    "EICAR",
    "ENIP",
    "FIN",
    "FTP",
    "FTPS",
    "GET",
    "GPO",
    "HMI",
    "HTTP",
    "HTTP/2",
    "HTTPS",
    "ICMP",
    "ICMPV6",
    "IDS",
    "IEC",
    "IGMP",
    "IMAP",
    "IP",
    "IPC",
    "IPS",
    "IPV4",
    "IPV6",
    "IRC",
    "JA3",
    "JA4",
    "JNDI",
    "KRB5",
    "LDAP",
    "LDAPS",
    "LLMNR",
    "LOG4J",
    "LOG4SHELL",
    "MAC",
    "MD5",
    "MDNS",
    "MFA",
    "MQTT",
    "MSSQL",
    "MYSQL",
    "NAS",
    "NBNS",
    "NFS",
    "NTLM",
    "NTP",
    "NULL",
    "OT",
    "PDF",
    "PHP",
    "PING",
    "PLC",
    "POP3",
    "POST",
    "PUT",
    "QUIC",
    "RAT",
    "RC4",
    "RCE",
    "RDP",
    "RFB",
    "RPC",
    "RST",
    "S7",
    "SAMR",
    "SCADA",
    "SCTP",
    "SHA1",
    "SHA256",
    "SIP",
    "SMB",
    "SMB1",
    "SMB2",
    "SMB3",
    "SMTP",
    "SNMP",
    "SOCKS5",
    "SPAN",
    "SQL",
    "SSH",
    "SSL",
    "SVCCTL",
    "SYN",
    "TCP",
    "TCP/IP",
    "TELNET",
    "TFTP",
    "TLS",
    "TXT",
    "UDP",
    "UPNP",
    "URI",
    "URL",
    "USB",
    "UTC",
    "VLAN",
    "VNC",
    "VOIP",
    "VPN",
    "WEB",
    "WINRM",
    "WMI",
    "WSD",
    "XMAS",
    "XSS",
    "KB",
    "MB",
    "GB",
    "TB",
];
/// Beginnings of a bracket that gives examples from the wire.
const EXAMPLES: &[&str] = &["per esempio", "ad esempio", "for instance", "such as", "es."];

/// Whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A detector: a sentence of ours with pieces of the wire in it.
    Detector,
    /// A rule: the same text at every site.
    Rule,
}

/// What is needed to rewrite a text.
pub struct Wording<'a> {
    /// What is the site's.
    pub site: &'a Site,
    /// The pseudonym of an internal address.
    pub pseudonym: &'a dyn Fn(IpAddr) -> String,
    /// Addresses that may be told: the event's external ends.
    pub told: &'a [IpAddr],
    /// Registered domains that may be told.
    pub domains: &'a [String],
    /// Texts of the wire that the record holds.
    pub words: &'a [String],
    /// Whose text it is.
    pub author: Author,
}

impl Wording<'_> {
    /// The text without them.
    pub fn rewrite(&self, text: &str) -> String {
        let mut text = self.without_words(text);
        if self.author == Author::Detector {
            text = without_quotes(&without_examples(&text));
        }
        let mut out = String::with_capacity(text.len());
        let mut after_address = false;
        let mut skipping = false;
        for piece in text.split_inclusive(char::is_whitespace) {
            let token = piece.trim_end();
            let space = piece.get(token.len()..).unwrap_or_default();
            // What a host is called stands in brackets behind its address.
            let opens = after_address && token.starts_with('(');
            if opens || skipping {
                skipping = !token.contains(')');
                let tail = token.rsplit_once(')').map_or("", |(_, tail)| tail);
                if !skipping {
                    out.truncate(out.trim_end().len());
                    out.push_str(
                        &tail.chars().filter(char::is_ascii_punctuation).collect::<String>(),
                    );
                    out.push_str(space);
                }
                after_address = false;
                continue;
            }
            let (token, is_address) = self.token(token);
            after_address = is_address;
            out.push_str(&token);
            out.push_str(space);
        }
        out.chars().map(|c| if is_written(c) { c } else { '?' }).collect()
    }

    /// Without the texts of the record that come from the wire.
    fn without_words(&self, text: &str) -> String {
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.retain(|word| {
            let is_told = word.parse().is_ok_and(|address| self.told.contains(&address));
            word.len() >= 2 && !is_told && word.parse::<IpAddr>().is_err()
        });
        // The longest first, so that no rest of one is left.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        let mut text = text.to_owned();
        for word in words {
            let instead = names::registered(word, &self.site.names)
                .filter(|domain| self.domains.contains(domain))
                .unwrap_or_else(|| OMITTED.to_owned());
            text = replace_whole(&text, word, &instead);
            // As explanations show long texts: cut.
            let shown: String = word.chars().take(80).collect();
            if shown.len() < word.len() {
                text = replace_whole(&text, &shown, OMITTED);
            }
        }
        text
    }

    /// One token, and whether it was an address.
    fn token(&self, token: &str) -> (String, bool) {
        let core = token.trim_matches(|c: char| !c.is_alphanumeric() && !"[]:".contains(c));
        let core = core.trim_matches([':', ']']);
        // `[fd00::1]:80` keeps its bracket, that of a sentence is none of the token's.
        let core = if core.contains(']') { core } else { core.trim_start_matches('[') };
        if core.is_empty() || core == "omesso" {
            return (token.to_owned(), false);
        }
        let (instead, is_address) = self.core(core);
        match instead {
            Some(instead) => (token.replacen(core, &instead, 1), is_address),
            None => (token.to_owned(), is_address),
        }
    }

    /// What stands in place of a token without its punctuation; `None` when it may stay.
    fn core(&self, core: &str) -> (Option<String>, bool) {
        if let Ok(address) = core.parse::<IpAddr>() {
            return (self.address(address), true);
        }
        if let Some((address, rest)) = core.rsplit_once([':', '/'])
            && rest.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>()
        {
            let is_network = core.contains('/');
            return match self.address(address) {
                Some(_) if is_network && self.site.is_internal(address) => {
                    (Some(OWN_NETWORK.to_owned()), false)
                }
                Some(host) => (Some(host), true),
                None => (None, true),
            };
        }
        let omitted = Some(OMITTED.to_owned());
        if core.contains(['@', '\\', '=', '%']) || core.matches(':').count() > 1 {
            return (omitted, false);
        }
        if core.contains('.') && core.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            let domain = names::registered(core, &self.site.names);
            let told = domain.filter(|domain| self.domains.contains(domain));
            let is_technique = core.starts_with('T') && core.len() == 9;
            return if is_technique { (None, false) } else { (told.or(omitted), false) };
        }
        if self.author == Author::Detector && !is_a_word(core) {
            return (omitted, false);
        }
        (None, false)
    }

    fn address(&self, address: IpAddr) -> Option<String> {
        if self.told.contains(&address) && self.site.is_external(address) {
            return None;
        }
        if self.site.is_internal(address) {
            return Some((self.pseudonym)(address));
        }
        Some(OTHER_ADDRESS.to_owned())
    }
}

/// Letters as people write them in Italian and English, and what stands between them.
const fn is_written(c: char) -> bool {
    matches!(c, ' '..='~' | '\n' | '\u{a0}'..='\u{17f}' | '\u{2010}'..='\u{2027}' | '€')
}

/// A word of a language, a number, or a term of the field.
fn is_a_word(core: &str) -> bool {
    if TERMS.contains(&core.to_uppercase().as_str()) {
        return true;
    }
    core.split(['-', '/', '\'', '\u{2019}', ',', '+', '(', ')', ':', ';', '_']).all(|part| {
        let letters = part.chars().filter(|c| c.is_alphabetic()).count();
        let digits = part.chars().filter(char::is_ascii_digit).count();
        let capitals = part.chars().filter(|c| c.is_uppercase()).count();
        let whole = part.chars().count();
        if TERMS.contains(&part.to_uppercase().as_str()) || part.is_empty() {
            return true;
        }
        // A number with a sign or a unit: 90%, 0x10 is none.
        if digits > 0 {
            return letters == 0 || part.starts_with('T') && letters == 1 && digits == 4;
        }
        letters == whole && (capitals == 0 || capitals == 1 && part.starts_with(char::is_uppercase))
    }) && !core.contains('_')
}

/// Replaces `word` where it is not part of a longer word.
fn replace_whole(text: &str, word: &str, instead: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let left = before.chars().next_back().or_else(|| out.chars().next_back());
        let begins = word.chars().next().is_some_and(char::is_alphanumeric);
        let ends = word.chars().next_back().is_some_and(char::is_alphanumeric);
        out.push_str(before);
        if begins && joins(left) || ends && joins(after.chars().next()) {
            out.push_str(word);
        } else {
            out.push_str(instead);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Without brackets that give examples.
fn without_examples(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, within)) = rest.split_once('(') {
        out.push_str(before);
        if EXAMPLES.iter().any(|word| within.starts_with(word)) {
            out.truncate(out.trim_end().len());
            rest = within.split_once(')').map_or("", |(_, after)| after);
        } else {
            out.push('(');
            rest = within;
        }
    }
    out.push_str(rest);
    out
}

/// Without what stands between quotation marks.
fn without_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut until = None;
    for c in text.chars() {
        match until {
            Some(end) if c == end => {
                out.push_str(OMITTED);
                until = None;
            }
            Some(_) => {}
            None => match c {
                '"' => until = Some('"'),
                '\u{ab}' => until = Some('\u{bb}'),
                '\u{201c}' => until = Some('\u{201d}'),
                '`' => until = Some('`'),
                c => out.push(c),
            },
        }
    }
    // A quotation that does not end reaches to the end.
    if until.is_some() {
        out.push_str(OMITTED);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str, words: &[&str]) -> String {
        let site = Site::default();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let wording = Wording {
            site: &site,
            pseudonym: &|_| "host-aaaaa".to_owned(),
            told: &[IpAddr::from([203, 0, 113, 66])],
            domains: &["example.org".to_owned()],
            words: &words,
            author: Author::Detector,
        };
        wording.rewrite(text)
    }

    #[test]
    fn hosts_become_pseudonyms_and_quotations_go() {
        for (text, words, wanted) in [
            (
                "203.0.113.66 ha provato 8 porte di 192.168.10.20 in 1 secondo (90 %).",
                &[][..],
                "203.0.113.66 ha provato 8 porte di host-aaaaa in 1 secondo (90 %).",
            ),
            (
                "10.0.0.5 (srv1.comune.local) su 10.0.0.9 (nas del sindaco): 3 file.",
                &[],
                "host-aaaaa su host-aaaaa: 3 file.",
            ),
            (
                "verso 10.1.2.3:445, rete 10.1.0.0/16, [fd00::1]:80.",
                &[],
                "verso host-aaaaa, rete [rete interna], host-aaaaa.",
            ),
            ("apre \"buste paga.xls\" (per esempio c:/utenti/rossi).", &[], "apre [omesso]."),
            (
                "l'utente rossi di PC-ANAGRAFE01 scrive a m.rossi@comune.it",
                &["rossi"],
                "l'utente [omesso] di [omesso] scrive a [omesso]",
            ),
            (
                "chiede www.example.org e intranet.paese.it",
                &["www.example.org"],
                "chiede example.org e [omesso]",
            ),
            (
                "server dei nomi 198.51.100.9, DNS e TCP/IP, T1595.001",
                &[],
                "server dei nomi [indirizzo esterno], DNS e TCP/IP, T1595.001",
            ),
            ("scheda 02:42:ac:11:00:02 in SRV_DATI", &[], "scheda [omesso] in [omesso]"),
            ("\u{ab}Mario\u{bb} non finisce \"mai", &[], "[omesso] non finisce [omesso]"),
            ("dalle 02:00 alle 04:00 UTC.", &[], "dalle 02:00 alle 04:00 UTC."),
            ("c'è già; perché l'attività è così", &[], "c'è già; perché l'attività è così"),
        ] {
            assert_eq!(rewritten(text, words), wanted);
        }
    }
}
