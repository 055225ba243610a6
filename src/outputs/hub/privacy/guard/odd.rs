//! Characters that stand for others, or for nothing that is seen.

use std::ops::RangeInclusive;

use super::is_plain;

/// Digits that people read as such: where ten in a row begin with the one for zero.
const ZEROS: &[char] = &[
    '\u{660}',
    '\u{6f0}',
    '\u{966}',
    '\u{2080}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1fbf0}',
];
/// Characters of ASCII in full width (Unicode, Halfwidth and Fullwidth Forms).
const FULL_WIDTH: RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';

/// The text as it is read: wide characters and digits of other writings as those of ASCII, without
/// anything that is not seen or not written here.
pub(super) fn without(text: &str) -> String {
    text.chars().map(plain).filter(|c| is_plain(*c)).collect()
}

fn plain(c: char) -> char {
    match c {
        c if FULL_WIDTH.contains(&c) => {
            char::from_u32(u32::from(c).saturating_sub(0xfee0)).unwrap_or(c)
        }
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{b7}' | '\u{2024}' | '\u{2027}' | '\u{3002}' | '\u{ff61}' => '.',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{b9}' => '1',
        '\u{b2}' => '2',
        '\u{b3}' => '3',
        '\u{2070}' => '0',
        '\u{2074}'..='\u{2079}' => digit(c, '\u{2070}').unwrap_or(c),
        c => ZEROS.iter().find_map(|zero| digit(c, *zero)).unwrap_or(c),
    }
}

fn digit(c: char, zero: char) -> Option<char> {
    let value = u32::from(c).checked_sub(u32::from(zero))?;
    char::from_digit(value, 10)
}
