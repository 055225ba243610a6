//! The one syntax of all numbers (user guide, "Integer Keywords").
//!
//! ```text
//! test   = number | name | "=" number | "!" number | "!" name | "!=" number
//!        | ( "<" | "<=" | ">" | ">=" ) number
//!        | [ "!" ] number ( "-" | "<>" ) number           (* both ends left out *)
//!        | "&" number ( "=" | "!=" ) number ;             (* value and mask *)
//! among  = [ "!" ] name "," name { "," name }           (* where the names are of values *)
//! flags  = [ "!" ] name { "," [ "!" ] name }            (* where the names are of bits *)
//! number = ( digits | "0x" hex digits ) , [ unit ] ;
//! unit   = "kb" | "kib" | "mb" | "mib" | "gb" | "gib" ;   (* 1024 and its powers; any case *)
//! ```

use crate::detect::diagnostic::nearest;
use crate::detect::integer::{AMONG_MAX, IntegerTest};
use crate::detect::operator::Problem;

impl IntegerTest {
    /// Reads a test of a number that is `bits` wide and whose values may have names.
    ///
    /// # Errors
    /// When it is no such test, when a number does not fit, and when no value, or every value,
    /// would pass: nobody means that. Spans are in bytes of `text`.
    pub fn parse(text: &str, bits: u8, names: &[(&str, u64)]) -> Result<Self, Problem> {
        Numbers { all: text, bits, names }.test()
    }
}

/// Reads a plain number, decimal or hexadecimal, with or without a unit.
///
/// # Errors
/// When it is no number or is wider than `bits`.
pub fn integer(text: &str, bits: u8) -> Result<u64, Problem> {
    Numbers { all: text, bits, names: &[] }.number(text)
}

struct Numbers<'a> {
    all: &'a str,
    bits: u8,
    names: &'a [(&'a str, u64)],
}

impl Numbers<'_> {
    fn test(&self) -> Result<IntegerTest, Problem> {
        let text = self.all.trim_ascii();
        if let Some(test) = self.flags(text).or_else(|| self.among(text)) {
            return Ok(test);
        }
        if let Some(rest) = text.strip_prefix('&') {
            return self.mask(rest);
        }
        if let Some(rest) = text.strip_prefix("!=") {
            return Ok(IntegerTest::NotEqual(self.value(rest)?));
        }
        if let Some(rest) = text.strip_prefix('!') {
            return match self.range(rest)? {
                Some((low, high)) => Ok(IntegerTest::NotBetween(low, high)),
                None => Ok(IntegerTest::NotEqual(self.value(rest)?)),
            };
        }
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(IntegerTest::GreaterEqual(self.number(rest)?));
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(IntegerTest::LessEqual(self.number(rest)?));
        }
        if let Some(rest) = text.strip_prefix('>') {
            let number = self.number(rest)?;
            if number == self.largest() {
                return Err(self.wrong(rest, format!("no number is larger than {number}")));
            }
            return Ok(IntegerTest::Greater(number));
        }
        if let Some(rest) = text.strip_prefix('<') {
            let number = self.number(rest)?;
            if number == 0 {
                return Err(self.wrong(rest, "no number is less than 0".to_owned()));
            }
            return Ok(IntegerTest::Less(number));
        }
        if let Some(rest) = text.strip_prefix('=') {
            return Ok(IntegerTest::Equal(self.value(rest)?));
        }
        match self.range(text)? {
            Some((low, high)) => Ok(IntegerTest::Between(low, high)),
            None => Ok(IntegerTest::Equal(self.value(text)?)),
        }
    }

    /// Names of bits: those that must be set, and behind `!` those that must not.
    fn flags(&self, text: &str) -> Option<IntegerTest> {
        let (mut mask, mut set) = (0, 0);
        for part in text.split(',') {
            let part = part.trim_ascii();
            let name = part.strip_prefix('!').map_or(part, str::trim_ascii_start);
            let is = |known: &str| known.strip_prefix('&').is_some_and(|bit| bit == name);
            let (_, bits) = self.names.iter().find(|(known, _)| is(known))?;
            mask |= bits;
            if !part.starts_with('!') {
                set |= bits;
            }
        }
        Some(IntegerTest::Mask(mask, set, true))
    }

    /// Names of values: it must be one of them, or behind `!` none.
    fn among(&self, text: &str) -> Option<IntegerTest> {
        let list = text.strip_prefix('!').unwrap_or(text);
        let first = u16::try_from(self.named(list.split(',').next()?)?).ok()?;
        let mut values = [first; AMONG_MAX];
        let mut places = values.iter_mut();
        for name in list.split(',') {
            *places.next()? = u16::try_from(self.named(name)?).ok()?;
        }
        list.contains(',').then_some(IntegerTest::Among(values, list.len() == text.len()))
    }

    /// `a-b` or `a<>b`; `None` when it is neither. Names may hold a `-`, numbers may not.
    fn range(&self, text: &str) -> Result<Option<(u64, u64)>, Problem> {
        if self.named(text).is_some() {
            return Ok(None);
        }
        let Some((low, high)) = text.split_once("<>").or_else(|| text.split_once('-')) else {
            return Ok(None);
        };
        let (first, last) = (self.number(low)?, self.number(high)?);
        if last.saturating_sub(first) < 2 {
            let problem =
                self.wrong(text, format!("nothing lies strictly between {first} and {last}"));
            return Err(problem.hint("both ends of a range are left out: 4-6 means 5"));
        }
        Ok(Some((first, last)))
    }

    fn mask(&self, text: &str) -> Result<IntegerTest, Problem> {
        let (mask, value, equal) = match (text.split_once("!="), text.split_once('=')) {
            (Some((mask, value)), _) => (mask, value, false),
            (None, Some((mask, value))) => (mask, value, true),
            (None, None) => {
                let problem = self.wrong(text, "a mask must be compared with a value".to_owned());
                return Err(problem.hint("write `&0x80=0x80` or `&0x80!=0`"));
            }
        };
        let (bits, wanted) = (self.number(mask)?, self.number(value)?);
        if wanted & !bits != 0 {
            let message = format!("{wanted:#x} has bits that the mask {bits:#x} takes away");
            return Err(self.wrong(value, message));
        }
        Ok(IntegerTest::Mask(bits, wanted, equal))
    }

    fn named(&self, text: &str) -> Option<u64> {
        let text = text.trim_ascii();
        let found = self.names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, value)| *value)
    }

    fn value(&self, text: &str) -> Result<u64, Problem> {
        match self.named(text) {
            Some(value) => Ok(value),
            None => self.number(text).map_err(|problem| {
                let word = text.trim_ascii().to_ascii_lowercase();
                let names = self.names.iter().map(|(name, _)| name.trim_start_matches('&'));
                match nearest(&word, names) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem,
                }
            }),
        }
    }

    fn number(&self, text: &str) -> Result<u64, Problem> {
        let text = text.trim_ascii();
        let lower = text.to_ascii_lowercase();
        let (digits, shift) = match lower.strip_prefix("0x") {
            Some(_) => (lower.as_str(), 0),
            None => unit(&lower),
        };
        let parsed = match digits.strip_prefix("0x") {
            Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                u64::from_str_radix(hex, 16).ok()
            }
            None if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = parsed else {
            return Err(self.wrong(text, format!("`{text}` is not a number")));
        };
        let fits = |number: &u64| *number <= self.largest();
        number
            .checked_mul(1 << shift)
            .filter(fits)
            .ok_or_else(|| self.wrong(text, format!("`{text}` is larger than {}", self.largest())))
    }

    fn largest(&self) -> u64 {
        u64::MAX.checked_shr(64u32.saturating_sub(self.bits.into())).unwrap_or(0)
    }

    fn wrong(&self, part: &str, message: String) -> Problem {
        let start = (part.as_ptr() as usize).saturating_sub(self.all.as_ptr() as usize);
        let start = start.min(self.all.len());
        let end = (start + part.len()).min(self.all.len()).max(start + 1);
        Problem::spanned("R030", start..end, message)
    }
}

/// Splits `kb`, `mib` and the like off: the digits, and by how many bits to shift them.
fn unit(text: &str) -> (&str, u32) {
    let Some(rest) = text.strip_suffix('b') else { return (text, 0) };
    let rest = rest.strip_suffix('i').unwrap_or(rest);
    let units = [('k', 10), ('m', 20), ('g', 30)];
    let found = units
        .iter()
        .find_map(|(letter, shift)| rest.strip_suffix(*letter).map(|digits| (digits, *shift)));
    found.unwrap_or((text, 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use IntegerTest as T;

    #[test]
    fn every_form_of_the_guide_is_read() {
        let forms = [
            ("19", T::Equal(19)),
            ("=0x13", T::Equal(19)),
            ("!0x14", T::NotEqual(20)),
            ("!=20", T::NotEqual(20)),
            ("> 21", T::Greater(21)),
            (">=21", T::GreaterEqual(21)),
            ("<22", T::Less(22)),
            ("<=22", T::LessEqual(22)),
            ("19-22", T::Between(19, 22)),
            ("19 <> 22", T::Between(19, 22)),
            ("!19-22", T::NotBetween(19, 22)),
            ("&0xc0=0x80", T::Mask(0xc0, 0x80, true)),
            ("&0xc0!=0", T::Mask(0xc0, 0, false)),
            ("2KiB", T::Equal(2048)),
            (">1mb", T::Greater(1 << 20)),
            ("3gb", T::Equal(3 << 30)),
        ];
        for (text, test) in forms {
            assert_eq!(T::parse(text, 32, &[]).unwrap(), test, "{text}");
        }
    }

    #[test]
    fn names_stand_for_numbers() {
        let names = [("ping", 9), ("a-txt", 10)];
        assert_eq!(T::parse("ping", 8, &names).unwrap(), T::Equal(9));
        assert_eq!(T::parse("!PING", 8, &names).unwrap(), T::NotEqual(9));
        assert_eq!(T::parse("a-txt", 8, &names).unwrap(), T::Equal(10));
        let slip = T::parse("pong", 8, &names).unwrap_err();
        assert_eq!(slip.help.as_deref(), Some("did you mean `ping`?"));
    }

    #[test]
    fn names_of_values_are_listed() {
        let names = [("one", 1), ("two", 2), ("nine", 9)];
        let passes = |text: &str| {
            let test = T::parse(text, 8, &names).unwrap();
            [1, 2, 9, 10].map(|value| test.matches(value))
        };
        assert_eq!(passes("one,nine"), [true, false, true, false]);
        assert_eq!(passes("one, TWO ,nine"), [true, true, true, false]);
        assert_eq!(passes("!two,nine"), [true, false, false, true]);
        for wrong in ["one,", "one,!two", "one,three", "one,two,one,two,one,two,one"] {
            assert_eq!(T::parse(wrong, 8, &names).unwrap_err().code, "R030", "{wrong}");
        }
    }

    #[test]
    fn names_of_bits_are_put_together() {
        let names = [("&fin", 0x80), ("&comp", 0x40)];
        assert_eq!(T::parse("fin", 8, &names).unwrap(), T::Mask(0x80, 0x80, true));
        assert_eq!(T::parse("fin, !comp", 8, &names).unwrap(), T::Mask(0xc0, 0x80, true));
        assert_eq!(T::parse("&0x80=0x80", 8, &names).unwrap(), T::Mask(0x80, 0x80, true));
        let slip = T::parse("fim", 8, &names).unwrap_err();
        assert_eq!(slip.help.as_deref(), Some("did you mean `fin`?"));
    }

    #[test]
    fn what_nobody_means_is_refused() {
        for text in [
            "", "x", "256", "1kb", ">255", "<0", "4-5", "9-2", "&0xc0=2", "&4", "0x", "-1", "1-",
            "+1", "kb",
        ] {
            let problem = T::parse(text, 8, &[]).unwrap_err();
            assert_eq!(problem.code, "R030", "{text}");
        }
        assert_eq!(T::parse("2-300", 8, &[]).unwrap_err().span, 2..5);
        assert_eq!(integer(&u64::MAX.to_string(), 64).unwrap(), u64::MAX);
    }
}
