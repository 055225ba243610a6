//! A request and its response.

use super::body::Body;
use super::events;
use super::head::{Head, Notes};
use super::multipart::Multipart;
use super::range::Range;
use super::uri;
use crate::field::Side;
use crate::file::{File as Carried, Wants};
use crate::protocols::formats::parameter::parameter;

/// A request and its response; either may be missing.
#[derive(Default)]
pub struct Transaction {
    /// What the client asked.
    pub request: Head,
    /// What it sent with it.
    pub request_body: Body,
    /// What the server answered.
    pub response: Head,
    /// What it sent with it, decompressed.
    pub response_body: Body,
    /// The normalised target, when it differs from the raw one.
    uri: Option<Vec<u8>>,
    /// In lower case, without port.
    host: Option<Vec<u8>>,
    port: Option<u16>,
    pub(super) request_over: bool,
    pub(super) response_over: bool,
    pub(super) seen_continue: bool,
}

impl Transaction {
    /// From a request's head.
    pub fn from_request(bytes: &[u8], notes: &mut Notes) -> Self {
        let request = Head::request(bytes, notes);
        let mut new = Self::default();
        let target = request.part(1).unwrap_or_default();
        let connect = request.part(0) == Some(b"CONNECT");
        if !connect {
            new.uri = uri::normalise(target);
        }
        let authority = if connect { Some(target) } else { uri::Target::parse(target).authority };
        new.find_host(&request, authority, notes);
        if let Some(value) = request.get(b"authorization") {
            let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            let known: [&[u8]; 3] = [b"basic", b"digest", b"bearer"];
            if !known.iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
                notes.add(&events::REQUEST_AUTH_UNRECOGNIZED);
            }
        }
        new.request = request;
        new
    }

    /// The target's host wins over the Host field.
    fn find_host(&mut self, request: &Head, authority: Option<&[u8]>, notes: &mut Notes) {
        let field = request.get(b"host").map(uri::host_port);
        let target = authority.map(uri::host_port);
        if field.is_none() && is_protocol(request.part(2), b"1.1") {
            notes.add(&events::MISSING_HOST);
        }
        if let Some((host, port, valid)) = &field {
            if !valid {
                notes.add(&events::REQUEST_HOST_INVALID);
            }
            if let Some((other, other_port, _)) = &target
                && (host != other || (port.is_some() && other_port.is_some() && port != other_port))
            {
                notes.add(&events::HOST_AMBIGUOUS);
            }
        }
        if target.as_ref().is_some_and(|(_, _, valid)| !valid) {
            notes.add(&events::REQUEST_URI_HOST_INVALID);
        }
        if let Some((host, port, _)) = target.or(field) {
            self.host = Some(host);
            self.port = port;
        }
    }

    /// Takes over the response that came for it while it was not complete.
    pub fn take_response(&mut self, early: &mut Self) {
        self.response = std::mem::take(&mut early.response);
        self.response_body = std::mem::take(&mut early.response_body);
        self.response_over = early.response_over;
        self.seen_continue = early.seen_continue;
    }

    /// The normalised target.
    pub fn uri(&self) -> Option<&[u8]> {
        self.uri.as_deref().or_else(|| self.request.part(1))
    }

    /// The host in lower case without port, from the target or the Host field.
    pub fn host(&self) -> Option<&[u8]> {
        self.host.as_deref()
    }

    /// The host as sent, without port when it is from the target.
    pub fn raw_host(&self) -> Option<&[u8]> {
        let target = self.request.part(1).and_then(|uri| uri::Target::parse(uri).authority);
        match target {
            Some(authority) => {
                let length = self.host.as_ref().map_or(authority.len(), Vec::len);
                authority.get(..length)
            }
            None => self.request.get(b"host"),
        }
    }

    /// The port in the target or the Host field.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The status as a number, when it is one of three digits.
    pub fn status(&self) -> Option<u16> {
        match self.response.part(1)? {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
                Some(digit(*a) * 100 + digit(*b) * 10 + digit(*c)).filter(|status| *status >= 100)
            }
            _ => None,
        }
    }

    /// The normalised path of the target, which names files that have no name of their own.
    fn path(&self) -> &[u8] {
        let uri = self.uri().unwrap_or_default();
        let end = uri.iter().position(|byte| matches!(byte, b'?' | b'#'));
        uri.get(..end.unwrap_or(uri.len())).unwrap_or_default()
    }

    /// The body that follows a request's head is a file when it is of POST or PUT, or holds files
    /// when it is in parts.
    pub fn expect_request_files(&mut self, wants: Wants) {
        let post = self.request.part(0) == Some(b"POST");
        let kind = self.request.get(b"content-type").filter(|_| post);
        if let Some(parts) = kind.and_then(|kind| Multipart::new(kind, wants)) {
            self.request_body.has_parts(parts);
        } else if (post || self.request.part(0) == Some(b"PUT")) && !self.path().is_empty() {
            self.request_body.is_file(Carried::open(self.path(), Side::Request, wants));
        }
    }

    /// The body that follows a response's head is a file, named by Content-Disposition or by the
    /// path that was asked for.
    pub fn expect_response_file(&mut self, wants: Wants) {
        let disposition = self.response.get(b"content-disposition");
        let named = disposition.and_then(|value| parameter(value, "filename"));
        let name = named.as_deref().unwrap_or_else(|| self.path());
        if name.is_empty() && !self.request.is_empty() {
            return;
        }
        let mut file = Carried::open(name, Side::Response, wants);
        let range = self.response.get(b"content-range").and_then(Range::parse);
        if let Some((start, size)) = range.and_then(|range| range.part()) {
            let key = [self.host().unwrap_or_default(), b" ", name].concat();
            file = file.from_offset(start).in_parts(&key, size);
        }
        self.response_body.is_file(file);
    }

    /// A file by its number: 0 is the response's body, those of the request begin at 1.
    pub fn file(&self, index: u32) -> Option<&Carried> {
        match index {
            0 => self.response_body.files().first(),
            _ => self.request_body.files().get(index as usize - 1),
        }
    }

    /// The same, to mark it.
    pub fn file_mut(&mut self, index: u32) -> Option<&mut Carried> {
        match index {
            0 => self.response_body.files_mut().first_mut(),
            _ => self.request_body.files_mut().get_mut(index as usize - 1),
        }
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        let small = [&self.uri, &self.host];
        let small: usize = small.iter().filter_map(|part| part.as_ref()).map(Vec::capacity).sum();
        small
            + self.request.memory()
            + self.response.memory()
            + self.request_body.memory()
            + self.response_body.memory()
    }
}

/// Whether `protocol` is `HTTP/` and this version.
pub fn is_protocol(protocol: Option<&[u8]>, version: &[u8]) -> bool {
    protocol.is_some_and(|text| {
        text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"http/"))
            && text.get(5..) == Some(version)
    })
}
