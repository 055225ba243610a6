//! `iprep`: reputations of source and destination.

use std::net::IpAddr;
use std::sync::Arc;

use crate::detect::ends::{Ends, EndsTest};
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::places::LastPlaces;
use crate::detect::reputation::{LEVEL_MAX, Reputations};
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "iprep:any|both|src|dst,CATEGORY,<|<=|=|!=|>=|>,LEVEL; or \
                      iprep:any|both|src|dst,CATEGORY,isset|isnotset;";

/// See [`Operator`].
pub static IPREP: Operator = Operator {
    name: "iprep",
    aliases: &[],
    help: "An address has a reputation in a category (`reputation-categories-file`, \
           `reputation-files`) that compares as asked. An address without one compares with \
           nothing. A rule that asks for no more than that and addresses is asked once for each \
           flow and direction.",
    syntax: SYNTAX,
    examples: &[Example { rule: "iprep:src,CnC,>,30;", payload: b"x", alerts: false }],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let wrong = |span, message: String| {
            Problem::spanned("R240", span, message).hint(format!("write `{SYNTAX}`"))
        };
        let mut parts = items(text);
        let mut next = || parts.next().unwrap_or((0..text.len(), ""));
        let ((at, word), (place, name), (sign_at, sign)) = (next(), next(), next());
        let Some(ends) = Ends::of(word) else {
            return Err(wrong(at, format!("`{word}` is no end of a packet")));
        };
        let (level_at, level) = next();
        let test = match sign {
            "isset" | "isnotset" if level.is_empty() => Err(sign == "isset"),
            "<" | "<=" | "=" | "==" | "!=" | ">=" | ">" => {
                if level.parse::<u8>().is_ok_and(|level| level <= LEVEL_MAX) {
                    let sign = if sign == "==" { "=" } else { sign };
                    let test = IntegerTest::parse(&format!("{sign}{level}"), 8, &[]);
                    Ok(test.map_err(|problem| Problem { span: level_at, ..problem })?)
                } else {
                    let message = format!("a level is a number from 0 to {LEVEL_MAX}");
                    return Err(wrong(level_at, message));
                }
            }
            _ => return Err(wrong(sign_at, format!("`{sign}` compares nothing"))),
        };
        if let Some((span, more)) = parts.next() {
            return Err(wrong(span, format!("`{more}` means nothing here")));
        }
        let Some(known) = builder.companions.reputations.clone() else {
            return Err(Problem::spanned("R241", place, "there are no reputations of addresses")
                .hint(
                    "name their files with `reputation-categories-file` and `reputation-files`",
                ));
        };
        let Some(category) = known.category(name) else {
            let message = format!("the category `{name}` is not in the file of categories");
            let problem = Problem::spanned("R241", place, message);
            return Err(match known.near(name) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("`reputation-categories-file` names the file: add it there"),
            });
        };
        builder.rule.ends.push(Box::new(Reputation { known, ends, category, test }));
        Ok(())
    },
};

struct Reputation {
    known: Arc<Reputations>,
    ends: Ends,
    category: u8,
    /// Of the level, or whether there must be one.
    test: Result<IntegerTest, bool>,
}

impl EndsTest for Reputation {
    fn holds(&self, source: IpAddr, destination: IpAddr, _: &LastPlaces) -> bool {
        self.ends.hold(source, destination, |address| {
            let level = self.known.level(self.category, address);
            match self.test {
                Ok(test) => level.is_some_and(|level| test.matches(level.into())),
                Err(set) => level.is_some() == set,
            }
        })
    }

    fn every_packet(&self) -> bool {
        false
    }
}
