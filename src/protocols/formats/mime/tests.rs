//! Messages line by line.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

/// A file: its name, its content, whether it ended.
type Attached = (Vec<u8>, Vec<u8>, bool);

/// Reads a whole message; what came of its files.
fn read(text: &[u8]) -> (Message, Vec<Attached>) {
    let mut message = Message::default();
    let mut files: Vec<Attached> = Vec::new();
    let mut sink = |step: Step<'_>| match step {
        Step::Open(name) => files.push((name.to_vec(), Vec::new(), false)),
        Step::Data(data) => files.last_mut().unwrap().1.extend_from_slice(data),
        Step::Close => files.last_mut().unwrap().2 = true,
    };
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        let line = Line { text, ending: &line[text.len()..], start: true };
        message.line(line, &mut sink);
    }
    message.end(&mut sink);
    (message, files)
}

#[test]
fn parts_within_parts_and_both_encodings() {
    let (message, files) = read(
        b"From: a@example.org\r\nSubject: one\r\n two\r\n\
          Content-Type: multipart/mixed; boundary=\"out\"\r\n\r\n\
          --out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n\
          --in\r\nContent-Type: text/plain\r\n\r\nsee HTTP://example.org/a and\r\n\
          --in\r\nContent-Type: text/html\r\n\r\n<a href=\"http://example.org/b\">x</a>\r\n--in--\r\n\
          --out\r\nContent-Type: application/zip; name=a.zip\r\n\
          Content-Transfer-Encoding: base64\r\n\r\nUEsDB\r\nAo=\r\n\
          --out\r\nContent-Disposition: attachment; filename*0=\"b.\"; filename*1=\"txt\"\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n\
          --out\r\nContent-Disposition: attachment; filename=c.bin\r\n\r\nx\r\ny\r\n--out--\r\n",
    );
    assert_eq!(message.header_value(b"subject"), Some(&b"onetwo"[..]));
    assert_eq!(message.urls(), [b"example.org/a".to_vec(), b"example.org/b".to_vec()]);
    let wanted: [(&[u8], &[u8]); 3] =
        [(b"a.zip", b"PK\x03\x04\x0a"), (b"b.txt", b"a=bc\r\n"), (b"c.bin", b"x\r\ny")];
    for ((name, data, closed), wanted) in files.iter().zip(wanted) {
        assert_eq!((name.as_slice(), data.as_slice(), *closed), (wanted.0, wanted.1, true));
    }
    assert_eq!((files.len(), message.attachments().len(), message.flaws()), (3, 3, 0));
}

#[test]
fn a_message_within_says_itself_how_it_is_encoded() {
    let (_, files) = read(
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\
          Content-Disposition: attachment; filename=\"harmless.txt\"\r\n\r\n\
          Content-Disposition: attachment; filename=\"real.exe\"\r\n\r\nMZ plain\r\n",
    );
    assert_eq!(files, [(b"real.exe".to_vec(), b"MZ plain".to_vec(), true)]);
}

#[test]
fn flaws_are_told() {
    let head = b"Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: ";
    let flaws = |tail: &[u8]| read(&[&head[..], tail].concat()).0.flaws();
    assert_eq!(flaws(b"base64\r\n\r\nQU!=\r\n"), flaw::BASE64);
    assert_eq!(flaws(b"quoted-printable\r\n\r\n=zz\r\n"), flaw::QUOTED_PRINTABLE);
    let long = [&b"base64\r\n\r\n"[..], &[b'A'; 1000], b"\r\n"].concat();
    assert_eq!(flaws(&long), flaw::LONG_LINE | flaw::LONG_ENCODED_LINE);
    let name = [&b"X: y\r\nContent-Type: a; name="[..], &[b'n'; 300], b"\r\n\r\n"].concat();
    assert_eq!(read(&name).0.flaws(), flaw::LONG_FILENAME);
}

#[test]
fn a_message_without_end_stays_small() {
    let mut message = Message::default();
    for number in 0..100_000 {
        let text = format!("X-{number}: http://example.org/{number}");
        message.line(Line { text: text.as_bytes(), ending: b"\r\n", start: true }, &mut |_| {});
    }
    message.line(Line { text: b"", ending: b"\n", start: true }, &mut |_| {});
    for _ in 0..10_000 {
        let text = b"http://example.org/ http://example.com/";
        message.line(Line { text, ending: b"", start: false }, &mut |_| {});
    }
    assert!(message.memory() < 1 << 20, "{}", message.memory());
    assert_eq!(message.urls().len(), URLS_MAX);
}
