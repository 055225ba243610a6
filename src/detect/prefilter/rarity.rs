//! How rare bytes are in traffic: what makes a pattern a good one to look for first.
//!
//! The tables come from general knowledge of what sensors see: runs of zeros, ASCII text, the
//! words of HTTP, of certificates and of names. They choose among a rule's literals; no result depends on them.

/// Length in bytes of the part of a pattern that decides how rare it is.
pub const WINDOW: usize = 8;

/// Text that is in nearly every buffer of its kind: each pair of bytes in it counts little.
const COMMON_TEXT: &[&[u8]] = &[
    b"http/1.1 200 ok\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: ",
    b"\r\nhost: www.\r\nuser-agent: mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36",
    b"\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\naccept-language: en-us\r\n",
    b"connection: keep-alive\r\ncookie: cache-control: no-cache\r\nreferer: https://www.",
    b"get / post / .php?id= .html .js .com .net .org .exe &id=1 application/json\r\n\r\n",
    b"application/x-www-form-urlencoded text/plain compatible; msie 7.0; like gecko",
    b"</div><a href=\"http://\"><script type=\"text/javascript\">function( var  = ); return ",
    b"the and for that with this from error server date last-modified: gmt ",
    b"microsoft windows system32 cmd.exe kernel32.dll this program cannot be run in dos mode",
    b"\xffsmb \xfesmb ntlmssp\0 \0\\pipe\\ ssh-2.0-openssh_ smtp ftp nick privmsg",
    b"\x16\x03\x01 \x16\x03\x03 \x17\x03\x03 \x30\x82 \x2a\x86\x48\x86\xf7\x0d\x01\x01\x09\x01 \x01\x01\x05\0",
    b"\x06\x03\x55\x04\x03 \x55\x04\x06\x13\x02 \x55\x04\x07 \x55\x04\x08 \x55\x04\x0a \x55\x04\x0b \x55\x1d",
    b"\x31\x0b\x30\x09\x06\x03 \x31\x0c\x30\x0a\x06\x03 \x31\x0d\x30\x0b\x06\x03 \x31\x0e\x30\x0c\x06\x03",
];

/// Pairs of bytes of [`COMMON_TEXT`], as bits by `first * 256 + second`.
static COMMON_PAIRS: [u64; 1024] = common_pairs();

/// How rare `pattern` is: the higher, the fewer false hits when it is looked for; 0 for an empty
/// one. About 8 for each bit of information in the rarest [`WINDOW`] bytes of it.
pub fn score(pattern: &[u8], nocase: bool) -> u32 {
    if pattern.len() <= WINDOW {
        return of_window(pattern, nocase);
    }
    let (start, end) = best_window(pattern, WINDOW, nocase);
    of_window(pattern.get(start..end).unwrap_or_default(), nocase)
}

/// The rarest part of `pattern` of at most `length` bytes, as start and end.
pub fn best_window(pattern: &[u8], length: usize, nocase: bool) -> (usize, usize) {
    let length = length.min(pattern.len());
    if length < 2 {
        let windows = pattern.windows(length.max(1)).map(|window| of_window(window, nocase));
        let highest = windows.clone().max().unwrap_or(0);
        let first = windows.take_while(|score| *score < highest).count();
        return (first, first + length);
    }
    // Of each window the first byte counts alone and each other behind the one before it: so the
    // next window has one of these less and one more.
    let behind =
        || pattern.iter().zip(pattern.iter().skip(1)).map(|(a, b)| of_next(*a, *b, nocase));
    let mut inner: u32 = behind().take(length - 1).sum();
    let mut best = (0, length);
    let mut highest = 0;
    let (mut leaves, mut comes) = (behind(), behind().skip(length - 1));
    let starts = pattern.iter().enumerate().take(pattern.len() + 1 - length);
    for (start, first) in starts {
        let score = of_byte(*first, nocase) + inner;
        if score > highest {
            highest = score;
            best = (start, start + length);
        }
        inner = inner + comes.next().unwrap_or(0) - leaves.next().unwrap_or(0);
    }
    best
}

/// How rare a byte is, 1 to 64.
pub fn of_byte(byte: u8, nocase: bool) -> u32 {
    let [cased, caseless] = &BYTES;
    let table = if nocase { caseless } else { cased };
    table.get(usize::from(byte)).map_or(0, |rarity| u32::from(*rarity))
}

/// Of each byte how rare it is, and how rare where case does not tell: asked for millions of bytes as
/// rules load.
static BYTES: [[u8; 256]; 2] = [bytes(false), bytes(true)];

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time: an error cannot ship")]
const fn bytes(nocase: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = rarity(byte as u8, nocase);
        byte += 1;
    }
    table
}

const fn rarity(byte: u8, nocase: bool) -> u8 {
    let rarity = match byte {
        0 => 10,
        b' ' | b'e' => 28,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 32,
        b'\r' | b'\n' | b'.' | b'/' | b'-' | b':' | b'=' | b'0' | b'1' | b'2' | 0xff => 34,
        b'l' | b'c' | b'd' | b'u' | b'm' | b'p' | b'h' | b'g' | 1 => 36,
        b'f' | b'w' | b'y' | b'b' | b'v' | b'3'..=b'9' | b'"' | b',' | b';' | b'<' | b'>' => 40,
        b'k' | b'x' | b'j' | b'q' | b'z' | b'&' | b'(' | b')' | b'_' | b'%' | 2..=8 => 44,
        b'A'..=b'Z' => 46,
        0x20..=0x7e => 50,
        _ => 56,
    };
    if nocase && byte.is_ascii_alphabetic() { rarity - 4 } else { rarity }
}

/// The sum of its bytes, where a byte that usually follows the one before tells little.
fn of_window(window: &[u8], nocase: bool) -> u32 {
    let mut previous = None;
    let mut sum = 0;
    for byte in window.iter().copied() {
        sum += match previous {
            None => of_byte(byte, nocase),
            Some(before) => of_next(before, byte, nocase),
        };
        previous = Some(byte);
    }
    sum
}

/// How rare a byte is behind another.
fn of_next(before: u8, byte: u8, nocase: bool) -> u32 {
    match of_byte(byte, nocase) {
        _ if before == byte => 2,
        alone if is_common_pair(before, byte) => alone / 4,
        alone => alone,
    }
}

fn is_common_pair(first: u8, second: u8) -> bool {
    let at = pair(first.to_ascii_lowercase(), second.to_ascii_lowercase());
    COMMON_PAIRS.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

const fn pair(first: u8, second: u8) -> usize {
    first as usize * 256 + second as usize
}

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time: an error cannot ship")]
const fn common_pairs() -> [u64; 1024] {
    let mut pairs = [0; 1024];
    let mut line = 0;
    while line < COMMON_TEXT.len() {
        let text = COMMON_TEXT[line];
        let mut at = 1;
        while at < text.len() {
            let bit = pair(text[at - 1].to_ascii_lowercase(), text[at].to_ascii_lowercase());
            pairs[bit / 64] |= 1 << (bit % 64);
            at += 1;
        }
        line += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rare_scores_above_the_common() {
        for (rare, common) in [
            (&b"|zk"[..], &b"\0\0\0\0\0\0\0\0\0\0\0\0"[..]),
            (b"evilbot", b"User-Agent: "),
            (b"/gate.php?x", b"HTTP/1.1"),
            (b"\x90\x90\xeb\x04", b"\0\0\0\0\0"),
            (b"abcd", b"abc"),
        ] {
            assert!(score(rare, false) > score(common, false), "{rare:?} {common:?}");
        }
        assert!(score(b"AbCd", false) > score(b"abcd", true));
        assert_eq!(score(b"", false), 0);
    }

    #[test]
    fn the_best_window_leaves_the_common_part_out() {
        let pattern = b"User-Agent: Zyklon-X9";
        let (start, end) = best_window(pattern, 8, false);
        assert!(start >= 11 && end - start == 8, "{start} {end}");
        assert_eq!(best_window(b"abc", 8, false), (0, 3));
        assert_eq!(best_window(b"", 8, false), (0, 0));
    }

    #[test]
    fn the_best_window_is_the_first_of_the_highest_score() {
        let pattern = b"GET /index.php?id=\0\0\0\x90\x90zzq HTTP/1.1\r\n";
        for length in 1..pattern.len() + 3 {
            for end in 1..=pattern.len() {
                let part = pattern.get(..end).unwrap_or_default();
                let size = length.min(part.len());
                let score = |start: &usize| {
                    of_window(part.get(*start..start + size).unwrap_or_default(), true)
                };
                let highest = (0..=part.len() - size).map(|start| score(&start)).max();
                let first = (0..).find(|start| Some(score(start)) == highest).unwrap_or(0);
                assert_eq!(best_window(part, length, true), (first, first + size));
            }
        }
    }
}
