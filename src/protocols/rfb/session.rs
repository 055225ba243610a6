//! The beginning of a session: what rules read from it, and how EVE shows it.

use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};
use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// No authentication (section 7.2.1).
pub const NONE: u32 = 1;
/// A way of authentication with a challenge (section 7.2.2).
pub const VNC: u32 = 2;

/// The beginning of a session. What has not come is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Version that the server offers: two numbers of three digits.
    pub server: Option<[[u8; 3]; 2]>,
    /// Version that the client chose.
    pub client: Option<[[u8; 3]; 2]>,
    /// The way of authentication.
    pub security: Option<u32>,
    /// What the server sent to be encrypted with the password.
    pub challenge: Option<[u8; 16]>,
    /// What came of it.
    pub response: Option<[u8; 16]>,
    /// What the server made of it: 0 is well.
    pub result: Option<u32>,
    /// Whether others may stay connected.
    pub shared: Option<bool>,
    /// What is shared.
    pub screen: Option<Screen>,
}

/// A screen (section 7.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// How a pixel is sent.
    pub format: PixelFormat,
    /// Name of the desktop.
    pub name: Vec<u8>,
}

/// How a pixel is sent (section 7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PixelFormat {
    /// Bits that are sent.
    pub bits: u8,
    /// Bits that are used.
    pub depth: u8,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Whether it is a colour, not an index.
    pub true_color: bool,
    /// Largest values of red, green, blue.
    pub max: [u16; 3],
    /// Positions of red, green, blue.
    pub shift: [u8; 3],
}

impl Screen {
    /// A screen without its name, and the name's length.
    pub fn parse(bytes: &[u8]) -> Option<(Self, u32)> {
        let mut reader = Reader::new(bytes);
        let (width, height) = (reader.u16()?, reader.u16()?);
        let (bits, depth) = (reader.u8()?, reader.u8()?);
        let (big_endian, true_color) = (reader.u8()? != 0, reader.u8()? != 0);
        let max = [reader.u16()?, reader.u16()?, reader.u16()?];
        let shift = reader.array()?;
        reader.skip(3)?;
        let format = PixelFormat { bits, depth, big_endian, true_color, max, shift };
        Some((Self { width, height, format, name: Vec::new() }, reader.u32()?))
    }
}

const RESULTS: &[(&str, u64)] = &[("ok", 0), ("fail", 1), ("toomany", 2), ("unknown", 3)];

/// A row: kind, side, name, help, example, and how it is read.
const fn row(
    (kind, side): (Kind, Side),
    name: &'static str,
    help: &'static str,
    example: &'static str,
    read: Read<Session>,
) -> Field<Session> {
    Field { name, aliases: &[], kind, eve: "", side, stage: Stage::Body, help, example, read }
}

impl Fields for Session {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            (Kind::Bytes, Side::Response),
            "rfb.name",
            "Name of the desktop that is shared.",
            "rfb.name; content:\"desktop\";",
            |s, sink| s.screen.iter().for_each(|screen| sink(Value::Bytes(&screen.name))),
        ),
        row(
            (Kind::Int { bits: 32, names: &[] }, Side::Request),
            "rfb.sectype",
            "Way of authentication that was chosen: 1 none, 2 with a challenge.",
            "rfb.sectype:2;",
            |s, sink| s.security.iter().for_each(|kind| sink(Value::Int((*kind).into()))),
        ),
        row(
            (Kind::Int { bits: 32, names: RESULTS }, Side::Response),
            "rfb.secresult",
            "Result of the authentication: ok, fail, toomany, unknown.",
            "rfb.secresult:ok;",
            |s, sink| s.result.iter().for_each(|what| sink(Value::Int((*what).min(3).into()))),
        ),
    ];
}

impl Describe for Session {
    fn describe(&self, tree: &mut dyn Tree) {
        version("server_protocol_version", self.server.as_ref(), tree);
        version("client_protocol_version", self.client.as_ref(), tree);
        tree.object("authentication", &mut |tree| self.authentication(tree));
        if let Some(shared) = self.shared {
            tree.bool("screen_shared", shared);
        }
        if let Some(screen) = &self.screen {
            tree.object("framebuffer", &mut |tree| {
                tree.int("width", screen.width.into());
                tree.int("height", screen.height.into());
                tree.text("name", &screen.name);
                tree.object("pixel_format", &mut |tree| pixel(&screen.format, tree));
            });
        }
    }

    fn is_logged(&self) -> bool {
        self.server.is_some()
    }
}

impl Session {
    fn authentication(&self, tree: &mut dyn Tree) {
        if let Some(security) = self.security {
            tree.int("security_type", security.into());
        }
        if self.security == Some(VNC) {
            tree.object("vnc", &mut |tree| {
                for (key, secret) in [("challenge", &self.challenge), ("response", &self.response)]
                {
                    if let Some(secret) = secret {
                        tree.text(key, hex(secret, "").as_bytes());
                    }
                }
            });
        }
        match self.result {
            None => {}
            Some(0) => tree.text("security_result", b"OK"),
            Some(1) => tree.text("security_result", b"FAIL"),
            Some(2) => tree.text("security_result", b"TOOMANY"),
            Some(other) => tree.text("security_result", format!("UNKNOWN ({other})").as_bytes()),
        }
    }
}

fn version(key: &str, version: Option<&[[u8; 3]; 2]>, tree: &mut dyn Tree) {
    if let Some([major, minor]) = version {
        tree.object(key, &mut |tree| {
            tree.text("major", major);
            tree.text("minor", minor);
        });
    }
}

fn pixel(format: &PixelFormat, tree: &mut dyn Tree) {
    tree.int("bits_per_pixel", format.bits.into());
    tree.int("depth", format.depth.into());
    tree.bool("big_endian", format.big_endian);
    tree.bool("true_color", format.true_color);
    for (key, max) in ["red_max", "green_max", "blue_max"].iter().zip(format.max) {
        tree.int(key, max.into());
    }
    for (key, shift) in ["red_shift", "green_shift", "blue_shift"].iter().zip(format.shift) {
        tree.int(key, shift.into());
    }
}
