//! `geoip`: countries of source and destination.

use std::net::IpAddr;
use std::sync::Arc;

use crate::detect::ends::{Ends, EndsTest};
use crate::detect::operator::{Operator, Problem};
use crate::detect::places::{LastPlaces, Places};
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "geoip:[any|both|src|dst,][!]COUNTRY[,COUNTRY]...;";

/// Countries in one rule; there are about 250.
const COUNTRIES_MAX: usize = 300;

/// See [`Operator`].
pub static GEOIP: Operator = Operator {
    name: "geoip",
    aliases: &[],
    help: "An address is in one of the countries, by the database that `geoip-database` names \
           (two letters, ISO 3166-1); with `!` before the first it is in a known one, and in none \
           of these. Without an end it is about either.",
    syntax: SYNTAX,
    // They need a database: the tests of detection make one.
    examples: &[],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let wrong = |span, message: String| {
            Problem::spanned("R242", span, message).hint(format!("write `{SYNTAX}`"))
        };
        let mut parts = items(text).peekable();
        let (at, word) = parts.peek().cloned().unwrap_or((0..1, ""));
        let ends = match Ends::of(word) {
            Some(ends) => {
                parts.next();
                ends
            }
            // `geoip:US` and `geoip:!US` are about either end.
            None if word.starts_with('!') || word.len() == 2 => Ends::Any,
            None => return Err(wrong(at, format!("`{word}` is no end of a packet"))),
        };
        let mut countries = Vec::new();
        let mut negated = false;
        for (span, name) in parts {
            let name = match name.strip_prefix('!') {
                Some(name) if countries.is_empty() || negated => {
                    negated = true;
                    name.trim_ascii_start()
                }
                Some(_) => {
                    let message = "`!` stands before the first country, for all of them";
                    return Err(Problem::spanned("R242", span, message).hint(
                        "write `!` before the first country, or two rules: who is in one of some \
                         countries is in no other",
                    ));
                }
                None => name,
            };
            match name.as_bytes() {
                [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                    countries.push([a.to_ascii_uppercase(), b.to_ascii_uppercase()]);
                }
                _ => return Err(wrong(span, format!("`{name}` is no country's two letters"))),
            }
        }
        if countries.is_empty() || countries.len() > COUNTRIES_MAX {
            let message = format!("a rule names 1 to {COUNTRIES_MAX} countries");
            return Err(wrong(0..text.len(), message));
        }
        let Some(places) = builder.companions.places.clone() else {
            return Err(Problem::spanned("R243", 0..text.len(), "there is no database of places")
                .hint(
                    "name a file of MaxMind's format, such as GeoLite2-Country.mmdb, with \
                       `geoip-database`",
                ));
        };
        builder.rule.ends.push(Box::new(Countries { places, ends, countries, negated }));
        Ok(())
    },
};

struct Countries {
    places: Arc<Places>,
    ends: Ends,
    countries: Vec<[u8; 2]>,
    negated: bool,
}

impl EndsTest for Countries {
    fn holds(&self, source: IpAddr, destination: IpAddr, last: &LastPlaces) -> bool {
        self.ends.hold(source, destination, |address| {
            let country = last.country(&self.places, address);
            country.is_some_and(|country| self.countries.contains(&country) != self.negated)
        })
    }

    fn every_packet(&self) -> bool {
        true
    }
}
