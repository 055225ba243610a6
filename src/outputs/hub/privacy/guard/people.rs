//! What names people and their things: hardware addresses, codici fiscali, mail addresses, IBAN.
//! All texts come in small letters.

/// Six pairs with one sign between, three groups of four, or twelve digits in a row.
pub(super) fn has_mac(text: &str) -> bool {
    let words = |signs: &'static [char]| {
        text.split(move |c: char| !c.is_ascii_hexdigit() && !signs.contains(&c))
    };
    let grouped = |word: &str, sign: char, count: usize, length: usize| {
        let groups: Vec<&str> = word.split(sign).collect();
        groups.windows(count).any(|groups| groups.iter().all(|group| group.len() == length))
    };
    words(&[':']).any(|word| grouped(word, ':', 6, 2))
        || words(&['-']).any(|word| grouped(word, '-', 6, 2))
        || words(&['.']).any(|word| grouped(word, '.', 3, 4) || grouped(word, '.', 6, 2))
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
            let word = word.strip_prefix("0x").unwrap_or(word);
            word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Sixteen characters: six letters, two digits, a month, two digits, a letter, three digits, a
/// letter that is a check (DM 23 December 1976). Digits may be written as letters (omocodia).
pub(super) fn has_fiscal_code(text: &str) -> bool {
    let joined: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '.')).collect();
    let alone = |text: &str, word: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word)
    };
    [text, joined.as_str()].into_iter().any(|text| {
        text.as_bytes().windows(16).any(|window| {
            has_shape_of_fiscal_code(window)
                // Within a longer word only with a right check: letters in a row are many.
                && (check_of(window) == window.last().copied()
                    || std::str::from_utf8(window).is_ok_and(|word| alone(text, word)))
        })
    })
}

fn has_shape_of_fiscal_code(window: &[u8]) -> bool {
    const DIGITS: &[u8] = b"0123456789lmnpqrstuv";
    const MONTHS: &[u8] = b"abcdehlmprst";
    window.iter().enumerate().all(|(at, byte)| match at {
        0..=5 | 11 | 15 => byte.is_ascii_lowercase(),
        8 => MONTHS.contains(byte),
        _ => DIGITS.contains(byte),
    })
}

/// The check that the first fifteen characters ask for.
fn check_of(code: &[u8]) -> Option<u8> {
    /// Values of characters at odd places, letters and digits alike: A or 0, B or 1...
    const ODD: [u8; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let mut sum = 0_u32;
    for (at, byte) in code.iter().take(15).enumerate() {
        let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.checked_sub(b'a')? };
        let odd = at % 2 == 0;
        sum += u32::from(if odd { *ODD.get(usize::from(value))? } else { value });
    }
    Some(b'a' + u8::try_from(sum % 26).ok()?)
}

/// A name, `@`, a name with a dot.
pub(super) fn has_mail(text: &str) -> bool {
    let text = text.replace("[at]", "@").replace("(at)", "@").replace(" @ ", "@");
    text.match_indices('@').any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + 1..).unwrap_or_default();
        let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-'".contains(c);
        let domain: String = after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
            .collect();
        let domain = domain.trim_matches(['.', '-']);
        before.ends_with(is_local)
            && domain.split_once('.').is_some_and(|(name, rest)| {
                !name.is_empty() && rest.bytes().any(|byte| byte.is_ascii_alphabetic())
            })
    })
}

/// Two letters, two digits, eleven to thirty letters and digits, with a right check (ISO 13616).
pub(super) fn has_iban(text: &str) -> bool {
    let joined: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
    [text, joined.as_str()].into_iter().any(|text| {
        let bytes = text.as_bytes();
        (0..bytes.len()).any(|at| {
            let rest = bytes.get(at..).unwrap_or_default();
            let head = matches!(rest, [a, b, c, d, ..]
                if a.is_ascii_lowercase() && b.is_ascii_lowercase()
                    && c.is_ascii_digit() && d.is_ascii_digit());
            head && length_of_iban(rest).is_some_and(|length| {
                rest.get(..length).is_some_and(|iban| {
                    iban.iter().all(u8::is_ascii_alphanumeric) && remainder(iban) == 1
                })
            })
        })
    })
}

/// By country; others than those that are met in Italy are not looked for, as any word with two
/// digits could be one.
fn length_of_iban(text: &[u8]) -> Option<usize> {
    const LENGTHS: &[(&[u8; 2], usize)] = &[
        (b"it", 27),
        (b"sm", 27),
        (b"va", 22),
        (b"de", 22),
        (b"fr", 27),
        (b"mc", 27),
        (b"es", 24),
        (b"at", 20),
        (b"ch", 21),
        (b"be", 16),
        (b"nl", 18),
        (b"lu", 20),
        (b"gb", 22),
        (b"ie", 22),
        (b"pt", 25),
        (b"gr", 27),
        (b"mt", 31),
        (b"si", 19),
        (b"hr", 21),
        (b"ro", 24),
        (b"bg", 22),
        (b"pl", 28),
        (b"cz", 24),
        (b"sk", 24),
        (b"hu", 28),
        (b"lt", 20),
        (b"lv", 21),
        (b"ee", 20),
        (b"fi", 18),
        (b"se", 24),
        (b"dk", 18),
        (b"no", 15),
        (b"cy", 28),
        (b"li", 21),
        (b"ua", 29),
        (b"al", 28),
    ];
    LENGTHS.iter().find(|(country, _)| text.starts_with(*country)).map(|(_, length)| *length)
}

/// The number that an IBAN stands for, modulo 97.
fn remainder(iban: &[u8]) -> u32 {
    let (head, body) = iban.split_at_checked(4).unwrap_or_default();
    body.iter().chain(head).fold(0, |sum, byte| {
        if byte.is_ascii_digit() {
            (sum * 10 + u32::from(byte - b'0')) % 97
        } else {
            (sum * 100 + u32::from(byte.saturating_sub(b'a')) + 10) % 97
        }
    })
}
