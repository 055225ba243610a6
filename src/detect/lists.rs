//! Tests of all values that a number field has: `KEYWORD:VALUE[,INDEX[,SLICE]]`, `KEYWORD:count N`
//! (user guide, "Multi-integers").

use super::integer::IntegerTest;
use super::operator::Problem;

/// Values of one field that are looked at; further ones are not.
pub const VALUES_MAX: usize = 4_096;

/// Which of the values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// One at least.
    Any,
    /// Every one, and there must be one.
    All,
    /// Every one, if there is one.
    AllOrAbsent,
    /// One at least, if there is one.
    OrAbsent,
    /// So many.
    Number(IntegerTest),
    /// The one at this place, from the end when negative; or that there is none, with `true`.
    At(i64, bool),
}

/// A test of all values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListTest {
    /// The row's name.
    pub field: &'static str,
    /// What a value must be; `None` for any.
    test: Option<IntegerTest>,
    which: Which,
    slice: Option<(i64, i64)>,
}

impl ListTest {
    /// Reads the argument of a number keyword as such a test; `None` when it is none.
    ///
    /// # Errors
    /// When a number in it is wrong; spans are in bytes of `text`.
    pub fn parse(
        field: &'static str,
        text: &str,
        bits: u8,
        names: &[(&str, u64)],
    ) -> Result<Option<Self>, Problem> {
        let whole = |problem: Problem| Problem { span: 0..text.len(), ..problem };
        if let Some(number) = text.trim().strip_prefix("count") {
            let which = Which::Number(IntegerTest::parse(number, 32, &[]).map_err(whole)?);
            return Ok(Some(Self { field, test: None, which, slice: None }));
        }
        let mut parts = text.split(',').map(str::trim);
        let (value, index) = (parts.next().unwrap_or(""), parts.next());
        let Some(which) = index.and_then(which) else { return Ok(None) };
        let slice = match parts.next().map(slice) {
            None => None,
            Some(Some(slice)) => Some(slice),
            Some(None) => return Ok(None),
        };
        let test = Some(IntegerTest::parse(value, bits, names).map_err(whole)?);
        Ok(Some(Self { field, test, which, slice }))
    }

    /// Whether the values pass.
    pub fn holds(&self, values: &[u64]) -> bool {
        let values = match self.slice {
            None => values,
            Some((from, until)) => {
                let place = |at: i64| place(at, values.len());
                let range = place(from).zip(place(until));
                range.and_then(|(from, until)| values.get(from..until)).unwrap_or_default()
            }
        };
        let passes = |value: &u64| self.test.is_none_or(|test| test.matches(*value));
        match self.which {
            Which::Any => values.iter().any(passes),
            Which::All => !values.is_empty() && values.iter().all(passes),
            Which::AllOrAbsent => values.iter().all(passes),
            Which::OrAbsent => values.is_empty() || values.iter().any(passes),
            Which::Number(test) => test.matches(values.iter().filter(|v| passes(v)).count() as u64),
            Which::At(at, or_missing) => {
                let value = place(at, values.len()).and_then(|at| values.get(at));
                value.map_or(or_missing, passes)
            }
        }
    }
}

/// A place counted from the start, or from the end when negative.
fn place(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { i64::try_from(length).ok()?.checked_add(at)? } else { at };
    usize::try_from(at).ok().filter(|at| *at <= length)
}

fn which(text: &str) -> Option<Which> {
    Some(match text {
        "any" => Which::Any,
        "all" => Which::All,
        "all_or_absent" => Which::AllOrAbsent,
        "or_absent" => Which::OrAbsent,
        _ => match (text.strip_prefix("nb"), text.strip_prefix("oob_or")) {
            (Some(number), _) => Which::Number(IntegerTest::parse(number, 32, &[]).ok()?),
            (_, Some(at)) => Which::At(at.trim().parse().ok()?, true),
            _ => Which::At(text.parse().ok()?, false),
        },
    })
}

fn slice(text: &str) -> Option<(i64, i64)> {
    let (from, until) = text.split_once(':')?;
    Some((from.trim().parse().ok()?, until.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn holds(text: &str, values: &[u64]) -> bool {
        ListTest::parse("x", text, 8, &[("ping", 9)]).unwrap().unwrap().holds(values)
    }

    #[test]
    fn every_index_of_the_guide_is_read() {
        assert!(holds("3,any", &[1, 3]) && !holds("3,any", &[]));
        assert!(holds(">0,all", &[1, 3]) && !holds(">0,all", &[]) && !holds(">1,all", &[1, 3]));
        assert!(holds(">0,all_or_absent", &[]) && holds("ping,or_absent", &[]));
        assert!(holds("3,nb>1", &[3, 3]) && !holds("3,nb>1", &[3]));
        assert!(holds("3,1", &[1, 3]) && holds("3,-1", &[1, 3]) && !holds("3,2", &[1, 3]));
        assert!(holds("3,oob_or 2", &[1, 3]) && !holds("3,oob_or 1", &[1, 2]));
        assert!(holds("count >1", &[0, 0]) && !holds("count 1", &[]));
    }

    #[test]
    fn a_slice_counts_from_either_end() {
        let values = [1, 2, 3, 4, 5, 6];
        for (slice, sum) in [("2:4", 7), ("-4:-1", 12), ("3:-1", 9), ("-4:4", 7)] {
            let (from, until) = super::slice(slice).unwrap();
            let range = place(from, 6).unwrap()..place(until, 6).unwrap();
            assert_eq!(values.get(range).unwrap().iter().sum::<i32>(), sum, "{slice}");
        }
        assert!(!holds("3,any,2:9", &[1, 2, 3]) && holds("3,any,1:3", &[1, 2, 3]));
    }

    #[test]
    fn other_lists_are_not_meant() {
        assert_eq!(ListTest::parse("x", "5", 8, &[]), Ok(None));
        assert_eq!(ListTest::parse("x", "fin,!comp", 8, &[]), Ok(None));
        assert!(ListTest::parse("x", "999,all", 8, &[]).is_err());
    }
}
