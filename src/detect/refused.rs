//! Keywords of the language that are not evaluated here: why, and what to do instead.

/// A keyword that is known and refused.
pub struct Refused {
    /// The keyword.
    pub name: &'static str,
    /// Why it is not evaluated.
    pub why: &'static str,
    /// What to do instead.
    pub hint: &'static str,
}

const fn refused(name: &'static str, why: &'static str, hint: &'static str) -> Refused {
    Refused { name, why, hint }
}

const SCRIPTS: &str = "no scripts are run";
const SCRIPT_HINT: &str = "write the test with `content`, `pcre` and `byte_test`";
const CAPTURES: &str = "what expressions capture is not kept";
const SUFFIXES: &str = "there is no list of public suffixes";

/// Every keyword that is known and refused.
static REFUSED: &[Refused] = &[
    refused("lua", SCRIPTS, SCRIPT_HINT),
    refused("luajit", SCRIPTS, SCRIPT_HINT),
    refused("luaxform", SCRIPTS, SCRIPT_HINT),
    refused(
        "geoip",
        "there is no database of places",
        "name the networks in the header, or ask a `dataset` of addresses: `ip.src; dataset:...`",
    ),
    refused(
        "iprep",
        "there are no reputations of addresses",
        "ask a set of addresses: `ip.src; datarep:NAME,>,LEVEL,load FILE,type ip;`",
    ),
    refused(
        "frame",
        "parsers do not mark frames",
        "use the buffers of the protocol: `rivellino rules keywords`",
    ),
    refused("flowvar", CAPTURES, "mark the conversation with `flowbits` or `flowint`"),
    refused("pktvar", CAPTURES, "write both tests in one `pcre`"),
    refused("domain", SUFFIXES, "use `dotprefix` and a `content` with `endswith`"),
    refused("tld", SUFFIXES, "use a `content` with `endswith`"),
    refused("template2", "it is only a pattern for those who write keywords", "use `ip.ttl`"),
];

/// Why a keyword is refused, if it is known to be.
pub fn refusal(keyword: &str) -> Option<&'static Refused> {
    REFUSED.iter().find(|known| known.name == keyword)
}
