//! What kind of attack a rule is about: the names that `classtype` takes.

use std::collections::HashMap;

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classification {
    /// As alerts show it.
    pub description: &'static str,
    /// 1 is most severe.
    pub priority: u8,
}

/// Classifications by name in lower case: what alerts show, and the priority.
pub type Classes = HashMap<String, (String, u8)>;

/// Reads a file of lines `config classification: NAME,DESCRIPTION,PRIORITY`.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn parse(text: &str) -> Result<Classes, Vec<String>> {
    let mut classes = Classes::new();
    let problems = lines(text, "config classification:", |line| {
        let (name, rest) = line.split_once(',')?;
        let (description, priority) = rest.rsplit_once(',')?;
        let priority = priority.trim().parse().ok()?;
        let known = (description.trim().to_owned(), priority);
        classes.insert(name.trim().to_ascii_lowercase(), known);
        Some(())
    });
    if problems.is_empty() { Ok(classes) } else { Err(problems) }
}

/// Reads a file of lines `config reference: SYSTEM PREFIX`: what URLs of a system begin with.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn parse_references(text: &str) -> Result<HashMap<String, String>, Vec<String>> {
    let mut systems = HashMap::new();
    let problems = lines(text, "config reference:", |line| {
        let (system, prefix) = line.split_once(char::is_whitespace)?;
        systems.insert(system.to_ascii_lowercase(), prefix.trim().to_owned());
        Some(())
    });
    if problems.is_empty() { Ok(systems) } else { Err(problems) }
}

/// Reads what stands behind `keyword` in each line; gives what is wrong.
fn lines(text: &str, keyword: &str, mut read: impl FnMut(&str) -> Option<()>) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.strip_prefix(keyword).and_then(|rest| read(rest.trim())).is_none() {
            problems.push(format!("line {number}: not of the form `{keyword} ...`"));
        }
    }
    problems
}

/// What a name stands for: Suricata's stock classification, by which published rules are written.
pub fn classification(name: &str) -> Option<Classification> {
    STOCK
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(name))
        .map(|(_, description, priority)| Classification { description, priority: *priority })
}

/// All names, for hints and the manual.
pub fn names() -> impl Iterator<Item = &'static str> {
    STOCK.iter().map(|(name, ..)| *name)
}

static STOCK: &[(&str, &str, u8)] = &[
    ("not-suspicious", "Not Suspicious Traffic", 3),
    ("unknown", "Unknown Traffic", 3),
    ("bad-unknown", "Potentially Bad Traffic", 2),
    ("attempted-recon", "Attempted Information Leak", 2),
    ("successful-recon-limited", "Information Leak", 2),
    ("successful-recon-largescale", "Large Scale Information Leak", 2),
    ("attempted-dos", "Attempted Denial of Service", 2),
    ("successful-dos", "Denial of Service", 2),
    ("attempted-user", "Attempted User Privilege Gain", 1),
    ("unsuccessful-user", "Unsuccessful User Privilege Gain", 1),
    ("successful-user", "Successful User Privilege Gain", 1),
    ("attempted-admin", "Attempted Administrator Privilege Gain", 1),
    ("successful-admin", "Successful Administrator Privilege Gain", 1),
    ("rpc-portmap-decode", "Decode of an RPC Query", 2),
    ("shellcode-detect", "Executable code was detected", 1),
    ("string-detect", "A suspicious string was detected", 3),
    ("suspicious-filename-detect", "A suspicious filename was detected", 2),
    ("suspicious-login", "An attempted login using a suspicious username was detected", 2),
    ("system-call-detect", "A system call was detected", 2),
    ("tcp-connection", "A TCP connection was detected", 4),
    ("trojan-activity", "A Network Trojan was detected", 1),
    ("unusual-client-port-connection", "A client was using an unusual port", 2),
    ("network-scan", "Detection of a Network Scan", 3),
    ("denial-of-service", "Detection of a Denial of Service Attack", 2),
    ("non-standard-protocol", "Detection of a non-standard protocol or event", 2),
    ("protocol-command-decode", "Generic Protocol Command Decode", 3),
    ("web-application-activity", "access to a potentially vulnerable web application", 2),
    ("web-application-attack", "Web Application Attack", 1),
    ("misc-activity", "Misc activity", 3),
    ("misc-attack", "Misc Attack", 2),
    ("icmp-event", "Generic ICMP event", 3),
    ("inappropriate-content", "Inappropriate Content was Detected", 1),
    ("policy-violation", "Potential Corporate Privacy Violation", 1),
    ("default-login-attempt", "Attempt to login by a default username and password", 2),
    ("targeted-activity", "Targeted Malicious Activity was Detected", 1),
    ("exploit-kit", "Exploit Kit Activity Detected", 1),
    ("external-ip-check", "Device Retrieving External IP Address Detected", 2),
    ("domain-c2", "Domain Observed Used for C2 Detected", 1),
    ("pup-activity", "Possibly Unwanted Program Detected", 2),
    ("credential-theft", "Successful Credential Theft Detected", 1),
    ("social-engineering", "Possible Social Engineering Attempted", 2),
    ("coin-mining", "Crypto Currency Mining Activity Detected", 2),
    ("command-and-control", "Malware Command and Control Activity Detected", 1),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn files_of_both_kinds_are_read() {
        let classes =
            parse("# c\nconfig classification: Own-Kind, What it is, or not,2\n").unwrap();
        assert_eq!(classes.get("own-kind").unwrap(), &("What it is, or not".to_owned(), 2));
        assert_eq!(parse("config classification: a,b\n\nx\n").unwrap_err().len(), 2);
        let systems = parse_references("config reference: CVE https://example.org/?n=\n").unwrap();
        assert_eq!(systems.get("cve").unwrap(), "https://example.org/?n=");
        assert_eq!(parse_references("config reference: cve\n").unwrap_err().len(), 1);
    }
}
