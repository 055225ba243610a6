//! The Huffman code of HPACK (RFC 7541, section 5.2 and appendix B).

/// Longest code, bits.
const LONGEST: usize = 30;
/// The symbol that ends a string; it must not occur in one.
const END: u16 = 256;

/// Length of the code of each symbol, bits. Codes of one length follow each other in the order of
/// their symbols, and shorter codes come first: so the lengths tell all.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// For each length: the first code, how many there are, where their symbols begin in `symbols`.
struct Codes {
    first: [u32; LONGEST + 1],
    count: [u32; LONGEST + 1],
    start: [u32; LONGEST + 1],
    symbols: [u16; 257],
}

static CODES: Codes = codes();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, over fixed sizes")]
const fn codes() -> Codes {
    let mut codes = Codes {
        first: [0; LONGEST + 1],
        count: [0; LONGEST + 1],
        start: [0; LONGEST + 1],
        symbols: [0; 257],
    };
    let (mut code, mut at, mut length) = (0_u32, 0_usize, 1_usize);
    while length <= LONGEST {
        code <<= 1;
        codes.first[length] = code;
        codes.start[length] = at as u32;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                codes.symbols[at] = symbol as u16;
                at += 1;
                code += 1;
            }
            symbol += 1;
        }
        codes.count[length] = at as u32 - codes.start[length];
        length += 1;
    }
    codes
}

/// Undoes the code. `None` when the bytes are not of it: a code that ends strings, or padding that
/// is longer than seven bits or not all ones.
pub fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    // The shortest code is five bits long.
    let mut out = Vec::with_capacity(bytes.len() * 8 / 5);
    let (mut code, mut length) = (0_u32, 0_usize);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        code = code << 1 | u32::from(bit);
        length += 1;
        let (first, count) = (CODES.first.get(length)?, CODES.count.get(length)?);
        if let Some(offset) = code.checked_sub(*first).filter(|offset| offset < count) {
            let at = CODES.start.get(length)? + offset;
            let symbol = *CODES.symbols.get(usize::try_from(at).ok()?)?;
            if symbol == END {
                return None;
            }
            out.push(u8::try_from(symbol).ok()?);
            (code, length) = (0, 0);
        }
    }
    (length < 8 && code + 1 == 1 << length).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_the_standard() {
        // RFC 7541, appendix C.4.
        let authority = b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(decode(authority).as_deref(), Some(&b"www.example.com"[..]));
        let value = b"\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        assert_eq!(decode(value).as_deref(), Some(&b"custom-value"[..]));
        assert_eq!(decode(b"").as_deref(), Some(&b""[..]));
        assert_eq!(decode(b"\xff\xff\xff\xff"), None, "the end in it");
        assert_eq!(decode(b"\x18"), None, "padding of zeros");
    }

    #[test]
    fn every_symbol_has_a_code() {
        let all: f64 = LENGTHS.iter().map(|length| 0.5_f64.powi((*length).into())).sum();
        assert!((all - 1.0).abs() < f64::EPSILON, "the code is complete: {all}");
    }
}
