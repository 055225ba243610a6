//! How unlike a word a string is: mean surprise of its pairs of letters.
//!
//! The table holds, for a letter (row) and the next one (column), the surprise in bits, rounded and
//! at most nine: minus the binary logarithm of how often the pair follows. Row and column 27 stand
//! for the edge of a word. It was counted over the 30,000 commonest words of Italian and of
//! English each (accents taken off, a common word weighing more by the logarithm of its
//! frequency, two added to every count). Over other words of these languages the mean is 3.4 and
//! 3.7 bits, and one word in a hundred passes 4.5 and 5.0; of random letters, twelve at a time,
//! nineteen in twenty pass 5.3.

/// Surprise of a pair that has anything but letters in it: digits, bytes over 127.
const OTHER: u32 = 9;
/// The edge of a word.
const EDGE: usize = 26;

const SURPRISE: [&[u8; 27]; 27] = [
    b"965597586973439593436689763",
    b"348839993893893993584999695",
    b"394939933955992995855999795",
    b"499629792997883995595889792",
    b"575467597994537693348687772",
    b"399933992994993994764999795",
    b"399939453994844994684999792",
    b"389829982997773995755989693",
    b"464556599995533695447599963",
    b"299929994899992798892999995",
    b"489828863985855897486979592",
    b"387628892983693899655799594",
    b"258929993999583399695999794",
    b"494436394979954999436799863",
    b"775687597974426593455569892",
    b"399939953994993492665999895",
    b"789999997998999999990999995",
    b"376528693976563795446799694",
    b"484937953987684599435889892",
    b"398929952997993994545999694",
    b"454557594994436593339899976",
    b"299919992999993997997699996",
    b"278727943976843975579989893",
    b"484848963997896399836686692",
    b"576759995996665696467989991",
    b"299939991998995999997999835",
    b"443455564775465484346569899",
];

/// Mean surprise of the pairs of a text, in bits: words of Italian and English stay under 5,
/// encoded or random text is over 5.5. Hyphens, underscores and dots end a word; case means
/// nothing.
pub fn surprise(text: &[u8]) -> f64 {
    let (mut sum, mut pairs, mut last) = (0u32, 0u32, Some(EDGE));
    for byte in text.iter().copied().chain(std::iter::once(b'.')) {
        let this = match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => Some(usize::from(letter - b'a')),
            b'-' | b'.' | b'_' => Some(EDGE),
            _ => None,
        };
        if (last, this) != (Some(EDGE), Some(EDGE)) {
            let known = last.zip(this).and_then(|(a, b)| SURPRISE.get(a)?.get(b));
            sum += known.map_or(OTHER, |digit| u32::from(digit - b'0'));
            pairs += 1;
        }
        last = this;
    }
    f64::from(sum) / f64::from(pairs.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_languages_are_told_from_encoded_text() {
        for word in ["anagrafe", "protocollo", "windowsupdate", "Comune-di-Milano", "sharepoint"] {
            assert!(surprise(word.as_bytes()) < 5.0, "{word} {}", surprise(word.as_bytes()));
        }
        for code in ["dnscat.546b03f5000000", "laegpumiplhhpz12ynd1", "xhkuyiwdqnvg", "q2x4z9"] {
            assert!(surprise(code.as_bytes()) > 5.5, "{code} {}", surprise(code.as_bytes()));
        }
        assert!(surprise(b"").is_finite() && surprise(b"...").is_finite());
    }
}
