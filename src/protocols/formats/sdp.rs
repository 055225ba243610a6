//! Session descriptions (SDP, RFC 8866): which media two parties will exchange, and where.

use crate::field::Tree;

/// Lines that are read of a description.
const LINES_MAX: usize = 512;

/// A description: each value as sent, without what names it.
#[derive(Debug, Default)]
pub struct Description {
    /// `v=`.
    pub version: u64,
    /// `o=`.
    pub origin: Option<Vec<u8>>,
    /// `s=`.
    pub session_name: Option<Vec<u8>>,
    /// `u=`.
    pub uri: Option<Vec<u8>>,
    /// `e=`.
    pub email: Option<Vec<u8>>,
    /// `p=`.
    pub phone_number: Option<Vec<u8>>,
    /// `t=` and the last `r=` behind it.
    pub times: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// `z=`.
    pub timezone: Option<Vec<u8>>,
    /// What holds for all media.
    pub session: Part,
    /// `m=` and what holds for it alone.
    pub media: Vec<(Vec<u8>, Part)>,
}

/// What may be said of the session and of each of its media.
#[derive(Debug, Default)]
pub struct Part {
    /// `i=`.
    pub info: Option<Vec<u8>>,
    /// `c=`.
    pub connection: Option<Vec<u8>>,
    /// `b=`.
    pub bandwidths: Vec<Vec<u8>>,
    /// `k=`.
    pub key: Option<Vec<u8>>,
    /// `a=`.
    pub attributes: Vec<Vec<u8>>,
}

impl Part {
    fn add(&mut self, name: u8, value: &[u8]) {
        let one = |place: &mut Option<Vec<u8>>| *place = Some(value.to_vec());
        match name {
            b'i' => one(&mut self.info),
            b'c' => one(&mut self.connection),
            b'k' => one(&mut self.key),
            b'b' => self.bandwidths.push(value.to_vec()),
            b'a' => self.attributes.push(value.to_vec()),
            _ => {}
        }
    }

    fn memory(&self) -> usize {
        let lists = self.bandwidths.iter().chain(&self.attributes);
        let all = lists.chain(&self.info).chain(&self.connection).chain(&self.key);
        all.map(|bytes| bytes.capacity() + size_of::<Vec<u8>>()).sum()
    }
}

impl Description {
    /// Reads a description; `None` when it does not begin with a version.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|byte| *byte == b'\n').take(LINES_MAX);
        let version = lines.next()?.trim_ascii_end().strip_prefix(b"v=")?;
        let version = std::str::from_utf8(version).ok()?.parse().ok()?;
        let mut all = Self { version, ..Self::default() };
        for line in lines {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let [name, b'=', value @ ..] = line else { break };
            all.add(*name, value);
        }
        Some(all)
    }

    fn add(&mut self, name: u8, value: &[u8]) {
        let one = |place: &mut Option<Vec<u8>>| *place = Some(value.to_vec());
        if name == b'm' {
            self.media.push((value.to_vec(), Part::default()));
            return;
        }
        if let Some((_, part)) = self.media.last_mut() {
            part.add(name, value);
            return;
        }
        match name {
            b'o' => one(&mut self.origin),
            b's' => one(&mut self.session_name),
            b'u' => one(&mut self.uri),
            b'e' => one(&mut self.email),
            b'p' => one(&mut self.phone_number),
            b'z' => one(&mut self.timezone),
            b't' => self.times.push((value.to_vec(), None)),
            b'r' => {
                if let Some((_, repeat)) = self.times.last_mut() {
                    one(repeat);
                }
            }
            _ => self.session.add(name, value),
        }
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let media = self.media.iter();
        let media: usize =
            media.map(|(line, part)| line.capacity() + size_of::<Part>() + part.memory()).sum();
        let times = self.times.iter().flat_map(|(time, repeat)| [Some(time), repeat.as_ref()]);
        let single = [&self.origin, &self.session_name, &self.uri, &self.email];
        let single = single.into_iter().map(Option::as_ref);
        let single = single.chain([self.phone_number.as_ref(), self.timezone.as_ref()]);
        let rest: usize = single
            .chain(times)
            .flatten()
            .map(|bytes| bytes.capacity() + size_of::<Vec<u8>>())
            .sum();
        size_of::<Self>() + media + self.session.memory() + rest
    }

    /// Writes it as EVE shows it.
    pub fn describe(&self, tree: &mut dyn Tree) {
        tree.int("version", self.version);
        text("origin", &self.origin, tree);
        text("session_name", &self.session_name, tree);
        text("session_info", &self.session.info, tree);
        text("uri", &self.uri, tree);
        text("email", &self.email, tree);
        text("phone_number", &self.phone_number, tree);
        text("connection_data", &self.session.connection, tree);
        list("bandwidths", &self.session.bandwidths, tree);
        if !self.times.is_empty() {
            tree.list("time_descriptions", &mut |tree| {
                for (time, repeat) in &self.times {
                    tree.object("", &mut |tree| {
                        tree.text("time", time);
                        text("repeat_time", repeat, tree);
                    });
                }
            });
        }
        text("timezone", &self.timezone, tree);
        text("encryption_key", &self.session.key, tree);
        list("attributes", &self.session.attributes, tree);
        if !self.media.is_empty() {
            tree.list("media_descriptions", &mut |tree| {
                for (media, part) in &self.media {
                    tree.object("", &mut |tree| {
                        tree.text("media", media);
                        text("media_info", &part.info, tree);
                        list("bandwidths", &part.bandwidths, tree);
                        text("connection_data", &part.connection, tree);
                        text("encryption_key", &part.key, tree);
                        list("attributes", &part.attributes, tree);
                    });
                }
            });
        }
    }
}

fn text(key: &str, value: &Option<Vec<u8>>, tree: &mut dyn Tree) {
    if let Some(value) = value {
        tree.text(key, value);
    }
}

fn list(key: &str, values: &[Vec<u8>], tree: &mut dyn Tree) {
    if !values.is_empty() {
        tree.list(key, &mut |tree| values.iter().for_each(|value| tree.text("", value)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_follows_a_medium_belongs_to_it() {
        let text = b"v=0\r\no=a 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
            r=7d 1h 0 25h\r\na=tool:x\r\nm=audio 5004 RTP/AVP 0\r\na=sendrecv\r\n\r\na=lost\r\n";
        let all = Description::read(text).unwrap();
        assert_eq!(all.session.attributes, [b"tool:x".to_vec()]);
        assert_eq!(all.media[0].1.attributes, [b"sendrecv".to_vec()]);
        assert_eq!(all.times, [(b"0 0".to_vec(), Some(b"7d 1h 0 25h".to_vec()))]);
        assert!(Description::read(b"o=a\r\n").is_none());
    }

    #[test]
    fn an_endless_description_is_cut() {
        let all = Description::read(&[b"v=0\n".to_vec(), b"m=a\n".repeat(9999)].concat()).unwrap();
        assert_eq!(all.media.len(), LINES_MAX - 1);
    }
}
