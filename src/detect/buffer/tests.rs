//! Chains as rules write them.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn content(bytes: &[u8]) -> Content {
    Content::new(bytes.to_vec(), false)
}

fn behind(bytes: &[u8], distance: i64, within: Option<i64>) -> Content {
    let mut content = content(bytes);
    content.distance = Some(Number::Fixed(distance));
    content.within = within.map(Number::Fixed);
    content
}

fn holds(contents: Vec<Content>, buffer: &[u8]) -> bool {
    let steps: Vec<_> =
        contents.into_iter().map(|content| Step::Content(Box::new(content))).collect();
    matches(&steps, buffer, &mut Scratch::default())
}

#[test]
fn a_relative_test_that_fails_asks_for_a_later_match() {
    let chain = || vec![content(b"a"), behind(b"b", 0, Some(1)), behind(b"c", 0, Some(1))];
    assert!(holds(chain(), b"ab-a-ab-abc"));
    assert!(!holds(chain(), b"ab-a-ab-ab"));
    let chain = || vec![content(b"a"), behind(b"b", 0, Some(3)), behind(b"c", 0, Some(1))];
    assert!(holds(chain(), b"abbbc") && !holds(chain(), b"abbbbc"));
}

#[test]
fn a_negated_relative_test_looks_behind_each_match() {
    let chain = || {
        let mut not = behind(b"b", 0, Some(1));
        not.negated = true;
        vec![content(b"a"), not]
    };
    assert!(holds(chain(), b"abac"));
    assert!(!holds(chain(), b"abab"));
    assert!(holds(chain(), b"aba"));
}

#[test]
fn a_hopeless_chain_costs_little() {
    let mut scratch = Scratch::default();
    let steps: Vec<_> = [content(b"a"), behind(b"a", 0, None), behind(b"b", 0, None)]
        .into_iter()
        .map(|content| Step::Content(Box::new(content)))
        .collect();
    assert!(!matches(&steps, &[b'a'; 65_536], &mut scratch));
    assert_eq!(scratch.exhausted, 0);
}

#[test]
fn a_costly_chain_is_given_up_and_counted() {
    let mut scratch = Scratch::default();
    let steps: Vec<_> = [content(b"a"), behind(b"a", 0, Some(60_000)), behind(b"b", 0, Some(9))]
        .into_iter()
        .map(|content| Step::Content(Box::new(content)))
        .collect();
    assert!(!matches(&steps, &[b'a'; 65_536], &mut scratch));
    assert_eq!(scratch.exhausted, 1);
}
