//! Rule text to parsed rules, each part with its place in the file.
//!
//! The grammar is Suricata's (user guide, "Rules Format"), in EBNF:
//!
//! ```text
//! file       = { line } ;
//! line       = blank | comment | rule ;
//! comment    = ( "#" | ";" ) { any character } ;    (* one that holds a rule: a disabled rule *)
//! rule       = header , "(" , { option } , ")" ;    (* a "\" at a line's end continues it *)
//! header     = action , protocol , addresses , ports , direction , addresses , ports ;
//! action     = "alert" | "pass" | "drop" | "reject" | "rejectsrc" | "rejectdst" | "rejectboth" ;
//! direction  = "->" | "<>" | "=>" ;
//! addresses  = address-item | list of addresses ;
//! ports      = port-item | list of ports ;
//! list of X  = [ "!" ] , "[" , X , { "," , X } , "]" ;
//! address    = [ "!" ] , ( "any" | variable | ip , [ "/" , prefix | "-" , ip ] ) ;
//! port       = [ "!" ] , ( "any" | variable | number | [ number ] , ":" , [ number ] ) ;
//! variable   = "$" , name ;
//! option     = name , [ ":" , value ] , ";" ;
//! value      = { any character but ";" and "\" | "\" , any character } ;
//! ```
//!
//! Header words are parted by blanks; a list may hold blanks within its brackets. Quotes belong
//! to the value and do not protect a `;`: it is written `\;` everywhere.

mod header;
mod integer;
mod protocol;
mod quoting;
mod rule;
mod source;

pub use header::resolve_header;
pub use integer::integer;
pub use protocol::{
    Moment, application_name, hook, protocol_carrier, protocol_moment, protocol_word,
};
pub use quoting::{bare, items, negation, quoted, required};
pub use source::{RuleFile, Rules};

use std::borrow::Cow;

use super::rule::{Action, Origin};

/// A piece of a rule file and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<'a> {
    /// The text, blanks around it taken away.
    pub text: &'a str,
    /// Where it begins: bytes from the start of the file.
    pub at: usize,
}

impl Spanned<'_> {
    /// The bytes of the file that it takes.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.text.len()
    }
}

/// Between source and destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// `->`.
    There,
    /// `<>`.
    BothWays,
    /// `=>`: request and response of one transaction.
    Transaction,
}

/// One option as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionText<'a> {
    /// The keyword.
    pub name: Spanned<'a>,
    /// What stands after the colon, raw; `None` without a colon.
    pub value: Option<Spanned<'a>>,
}

impl<'a> OptionText<'a> {
    /// The keyword in small letters: capitals mean the same, and are seen in hand-written rules.
    pub fn keyword(&self) -> Cow<'a, str> {
        let text = self.name.text;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// One rule as written; nothing is looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedRule<'a> {
    /// File and line.
    pub origin: Origin,
    /// What it wants done.
    pub action: Action,
    /// The protocol word.
    pub protocol: Spanned<'a>,
    /// Source addresses.
    pub source: Spanned<'a>,
    /// Source ports.
    pub source_ports: Spanned<'a>,
    /// The arrow.
    pub arrow: Arrow,
    /// Where the arrow stands.
    pub direction: Spanned<'a>,
    /// Destination addresses.
    pub destination: Spanned<'a>,
    /// Destination ports.
    pub destination_ports: Spanned<'a>,
    /// The options, in order.
    pub options: Vec<OptionText<'a>>,
    /// All of it, from the action to the last parenthesis.
    pub text: Spanned<'a>,
}
