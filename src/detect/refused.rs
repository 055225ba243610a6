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

/// Every keyword that is known and refused.
static REFUSED: &[Refused] = &[
    refused("lua", SCRIPTS, SCRIPT_HINT),
    refused("luajit", SCRIPTS, SCRIPT_HINT),
    refused("luaxform", SCRIPTS, SCRIPT_HINT),
    refused("template2", "it is only a pattern for those who write keywords", "use `ip.ttl`"),
];

/// Why a keyword is refused, if it is known to be.
pub fn refusal(keyword: &str) -> Option<&'static Refused> {
    REFUSED.iter().find(|known| known.name == keyword)
}
