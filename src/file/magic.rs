//! The kind of a file, told from its first bytes in the words of libmagic that rules look for.

/// A signature: where it stands, its bytes, and what it means.
type Known = (usize, &'static [u8], &'static str);

/// Signatures in the order in which they are tried. The words are those of the public documentation
/// of the formats and of `file` as analysts know them, so that rules written for libmagic match.
static KNOWN: &[Known] = &[
    (0, b"%PDF-", "PDF document"),
    (0, b"{\\rtf", "Rich Text Format data"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG image data"),
    (0, b"\xff\xd8\xff", "JPEG image data"),
    (0, b"GIF87a", "GIF image data, version 87a"),
    (0, b"GIF89a", "GIF image data, version 89a"),
    (0, b"II*\0", "TIFF image data, little-endian"),
    (0, b"MM\0*", "TIFF image data, big-endian"),
    (0, b"8BPS", "Adobe Photoshop Image"),
    (0, b"\0\0\x01\0", "MS Windows icon resource"),
    (0, b"\x1f\x8b", "gzip compressed data"),
    (0, b"BZh", "bzip2 compressed data"),
    (0, b"\xfd7zXZ\0", "XZ compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard compressed data"),
    (0, b"\x04\x22\x4d\x18", "LZ4 compressed data"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-zip archive data"),
    (0, b"Rar!\x1a\x07\x01\0", "RAR archive data, v5"),
    (0, b"Rar!\x1a\x07\0", "RAR archive data"),
    (0, b"MSCF", "Microsoft Cabinet archive data"),
    (0, b"ITSF", "MS Windows HtmlHelp Data"),
    (0, b"PK\x05\x06", "Zip archive data (empty)"),
    (257, b"ustar\0", "POSIX tar archive"),
    (257, b"ustar ", "POSIX tar archive (GNU)"),
    (0, b"!<arch>\ndebian", "Debian binary package"),
    (0, b"!<arch>\n", "current ar archive"),
    (0, b"\xed\xab\xee\xdb", "RPM"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Composite Document File V2 Document"),
    (0, b"\xca\xfe\xba\xbe\0\0\0\x02", "Mach-O universal binary with 2 architectures"),
    (0, b"\xca\xfe\xba\xbe", "compiled Java class data"),
    (0, b"\xcf\xfa\xed\xfe", "Mach-O 64-bit"),
    (0, b"\xce\xfa\xed\xfe", "Mach-O"),
    (0, b"dex\n", "Dalvik dex file"),
    (0, b"\0asm", "WebAssembly (wasm) binary module"),
    (0, b"FWS", "Macromedia Flash data"),
    (0, b"CWS", "Macromedia Flash data (compressed)"),
    (0, b"ZWS", "Macromedia Flash data (lzma compressed)"),
    (0, b"L\0\0\0\x01\x14\x02\0", "MS Windows shortcut"),
    (0, b"regf", "MS Windows registry file"),
    (0, b"SQLite format 3\0", "SQLite 3.x database"),
    (0, b"ID3", "Audio file with ID3"),
    (0, b"OggS", "Ogg data"),
    (0, b"fLaC", "FLAC audio bitstream data"),
    (0, b"\x1aE\xdf\xa3", "Matroska data"),
    (0, b"FLV\x01", "Macromedia Flash Video"),
    (0, b"wOFF", "Web Open Font Format"),
    (0, b"wOF2", "Web Open Font Format (Version 2)"),
    (0, b"\xd4\xc3\xb2\xa1", "pcap capture file, microsecond ts (little-endian)"),
    (0, b"\xa1\xb2\xc3\xd4", "pcap capture file, microsecond ts (big-endian)"),
    (0, b"\x0a\x0d\x0d\x0a", "pcapng capture file"),
    (0x8001, b"CD001", "ISO 9660 CD-ROM filesystem data"),
    (4, b"Standard Jet DB", "Microsoft Access Database"),
    (0, b"-----BEGIN CERTIFICATE-----", "PEM certificate"),
    (0, b"-----BEGIN RSA PRIVATE KEY-----", "PEM RSA private key"),
];

/// What a file is, from its beginning; empty bytes are nothing.
pub fn magic(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        return None;
    }
    let at =
        |from: usize, bytes: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(bytes));
    Some(if at(0, b"MZ") {
        executable(head)
    } else if at(0, b"\x7fELF") {
        elf(head)
    } else if at(0, b"PK\x03\x04") {
        zip(head)
    } else if at(0, b"RIFF") {
        match head.get(8..12) {
            Some(b"WAVE") => "RIFF (little-endian) data, WAVE audio",
            Some(b"AVI ") => "RIFF (little-endian) data, AVI",
            Some(b"WEBP") => "RIFF (little-endian) data, Web/P image",
            _ => "RIFF (little-endian) data",
        }
    } else if at(4, b"ftyp") {
        "ISO Media"
    } else if let Some((.., name)) = KNOWN.iter().find(|(from, bytes, _)| at(*from, bytes)) {
        name
    } else if at(0, b"BM") && head.len() >= 26 {
        "PC bitmap"
    } else {
        text(head)
    })
}

/// A program of MS-DOS or Windows: the field at 0x3c tells where its newer header stands.
fn executable(head: &[u8]) -> &'static str {
    let field = |at: usize| Some(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?]));
    let newer = head.get(0x3c..0x40).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    let at = newer.map_or(0, |bytes| u32::from_le_bytes(bytes) as usize);
    match head.get(at..at.saturating_add(4)) {
        Some(b"PE\0\0") => {
            let library = field(at + 22).is_some_and(|flags| flags & 0x2000 != 0);
            let wide = field(at + 24) == Some(0x20b);
            let console = field(at + 92) == Some(3);
            match (wide, library, console) {
                (true, true, _) => "PE32+ executable (DLL) for MS Windows",
                (true, false, true) => "PE32+ executable (console) for MS Windows",
                (true, false, false) => "PE32+ executable (GUI) for MS Windows",
                (false, true, _) => "PE32 executable (DLL) for MS Windows",
                (false, false, true) => "PE32 executable (console) for MS Windows",
                (false, false, false) => "PE32 executable (GUI) for MS Windows",
            }
        }
        Some([b'N', b'E', ..]) if at > 0 => "MS-DOS executable, NE for MS Windows 3.x",
        Some([b'L', b'E', ..]) if at > 0 => "MS-DOS executable, LE executable",
        _ => "MS-DOS executable",
    }
}

/// A program of Unix: class, byte order and type (System V ABI, ELF header).
fn elf(head: &[u8]) -> &'static str {
    let wide = head.get(4) == Some(&2);
    let kind = if head.get(5) == Some(&2) { head.get(17) } else { head.get(16) };
    match (wide, kind) {
        (true, Some(1)) => "ELF 64-bit relocatable",
        (true, Some(3)) => "ELF 64-bit shared object",
        (true, Some(4)) => "ELF 64-bit core file",
        (true, _) => "ELF 64-bit executable",
        (false, Some(1)) => "ELF 32-bit relocatable",
        (false, Some(3)) => "ELF 32-bit shared object",
        (false, Some(4)) => "ELF 32-bit core file",
        (false, _) => "ELF 32-bit executable",
    }
}

/// What a zip archive is used for, told from its first entries.
fn zip(head: &[u8]) -> &'static str {
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    if has(b"word/") {
        "Microsoft Word 2007+"
    } else if has(b"xl/") {
        "Microsoft Excel 2007+"
    } else if has(b"ppt/") {
        "Microsoft PowerPoint 2007+"
    } else if has(b"[Content_Types].xml") {
        "Microsoft OOXML"
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.text") {
        "OpenDocument Text"
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") {
        "OpenDocument Spreadsheet"
    } else if has(b"META-INF/") {
        "Java archive data (JAR)"
    } else {
        "Zip archive data, at least v2.0 to extract"
    }
}

/// Text of some kind, or data of none that is known.
fn text(head: &[u8]) -> &'static str {
    let trimmed = head.trim_ascii_start();
    let begins = |word: &[u8]| {
        trimmed.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") {
        return "HTML document, ASCII text";
    }
    if begins(b"<?xml") {
        return "XML 1.0 document, ASCII text";
    }
    if begins(b"<?php") {
        return "PHP script, ASCII text";
    }
    if head.starts_with(b"#!") {
        return "script, ASCII text executable";
    }
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e | b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    if head.iter().all(plain) {
        return "ASCII text";
    }
    // What is cut within a character is still text.
    match std::str::from_utf8(head) {
        Ok(_) if !head.contains(&0) => "UTF-8 Unicode text",
        Err(error) if error.error_len().is_none() && !head.contains(&0) => "UTF-8 Unicode text",
        _ => "data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_kinds() {
        let mut windows = vec![0; 0x100];
        for (at, bytes) in [
            (0, &b"MZ"[..]),
            (0x3c, b"\x80"),
            (0x80, b"PE\0\0"),
            (0x98, b"\x0b\x01"),
            (0xdc, b"\x02"),
        ] {
            windows.splice(at..at + bytes.len(), bytes.iter().copied());
        }
        let gui = "PE32 executable (GUI) for MS Windows";
        let cases: [(&[u8], &str); 9] = [
            (&windows, gui),
            (b"MZ", "MS-DOS executable"),
            (b"%PDF-1.7\n", "PDF document"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0", "ELF 64-bit executable"),
            (b"PK\x03\x04\x14\0word/document.xml", "Microsoft Word 2007+"),
            (b"\n <!DOCTYPE HTML>", "HTML document, ASCII text"),
            (b"hello\n", "ASCII text"),
            ("però è così".as_bytes(), "UTF-8 Unicode text"),
            (b"\x01\x02\x03\xff", "data"),
        ];
        for (head, expected) in cases {
            assert_eq!(magic(head), Some(expected), "{}", head.escape_ascii());
        }
        assert_eq!(magic(b""), None);
    }
}
