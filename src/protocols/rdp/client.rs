//! What the client says of itself (sections 2.2.1.3.2 and 2.2.1.3.4).

use super::names;
use crate::field::Tree;
use crate::reader::Reader;

/// Types of blocks.
const CORE: u16 = 0xc001;
const NETWORK: u16 = 0xc003;
/// Virtual channels that are kept; the specification allows 31.
const MAX_CHANNELS: usize = 64;
/// Bytes of a channel's name and its options.
const CHANNEL_NAME: usize = 8;

/// The blocks of a client that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Itself, its screen and its keyboard.
    pub core: Option<Core>,
    /// Names of the virtual channels that it asks for.
    pub channels: Vec<Vec<u8>>,
}

/// A client, its screen and its keyboard. Texts are UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Core {
    /// Version of the protocol, as sent.
    pub version: u32,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Bits of a pixel.
    pub depth: Option<u16>,
    /// Language of the keyboard, as Windows numbers it.
    pub layout: u32,
    /// Build of Windows.
    pub build: u32,
    /// Name of the host.
    pub name: String,
    /// Kind of keyboard.
    pub keyboard: u32,
    /// Function keys of the keyboard.
    pub function_keys: u32,
    /// Number of the product.
    pub product: Option<u16>,
    /// What it can do: bits.
    pub capabilities: u16,
    /// Identifier of the product.
    pub product_id: String,
}

impl Client {
    /// From what follows the head of a connect request: the blocks stand behind `Duca`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        const KEY: &[u8] = b"Duca";
        let at = bytes.windows(KEY.len()).position(|four| four == KEY)?;
        let mut reader = Reader::new(bytes.get(at.checked_add(KEY.len())?..)?);
        // A length of one or two bytes (X.691, section 10.9).
        let first = reader.u8()?;
        let length = match first {
            0x80.. => usize::from(first & 0x3f) << 8 | usize::from(reader.u8()?),
            _ => usize::from(first),
        };
        let mut blocks = Reader::new(reader.take(length.min(reader.left()))?);
        let mut client = Self::default();
        while let (Some(kind), Some(length)) = (blocks.u16_le(), blocks.u16_le()) {
            let Some(block) = usize::from(length).checked_sub(4).and_then(|n| blocks.take(n))
            else {
                break;
            };
            match kind {
                CORE => client.core = Core::parse(block),
                NETWORK => client.channels = channels(block).unwrap_or_default(),
                _ => {}
            }
        }
        Some(client)
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let core = |core: &Core| core.name.capacity() + core.product_id.capacity();
        self.core.as_ref().map_or(0, core)
            + self.channels.len() * (CHANNEL_NAME + size_of::<Vec<u8>>())
    }

    /// Writes it as EVE shows it.
    pub fn describe(&self, tree: &mut dyn Tree) {
        if let Some(core) = &self.core {
            tree.object("client", &mut |tree| core.describe(tree));
        }
        if !self.channels.is_empty() {
            tree.list("channels", &mut |tree| {
                self.channels.iter().for_each(|name| tree.text("", name));
            });
        }
    }
}

impl Core {
    fn parse(block: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(block);
        let (version, width, height) = (reader.u32_le()?, reader.u16_le()?, reader.u16_le()?);
        let oldest = depth(reader.u16_le()?);
        reader.skip(2)?;
        let (layout, build) = (reader.u32_le()?, reader.u32_le()?);
        let name = utf16(reader.take(32)?);
        let (keyboard, _subtype, function_keys) =
            (reader.u32_le()?, reader.u32_le()?, reader.u32_le()?);
        reader.skip(64)?;
        let mut core = Self {
            version,
            width,
            height,
            depth: oldest,
            layout,
            build,
            name,
            keyboard,
            function_keys,
            ..Self::default()
        };
        core.extend(&mut reader);
        Some(core)
    }

    /// What newer clients add; each needs all before it.
    fn extend(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.depth = depth(reader.u16_le()?).or(self.depth);
        self.product = Some(reader.u16_le()?);
        reader.skip(4)?;
        let high = reader.u16_le()?;
        self.depth = matches!(high, 4 | 8 | 15 | 16 | 24).then_some(high).or(self.depth);
        reader.skip(2)?;
        self.capabilities = reader.u16_le()?;
        self.product_id = utf16(reader.take(64)?);
        Some(())
    }

    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("version", names::version(self.version).as_bytes());
        tree.int("desktop_width", self.width.into());
        tree.int("desktop_height", self.height.into());
        if let Some(depth) = self.depth {
            tree.int("color_depth", depth.into());
        }
        tree.text("keyboard_layout", names::language(self.layout).as_bytes());
        tree.text("build", names::build(self.build).as_bytes());
        if !self.name.is_empty() {
            tree.text("client_name", self.name.as_bytes());
        }
        if let Some(keyboard) = names::keyboard(self.keyboard) {
            tree.text("keyboard_type", keyboard.as_bytes());
        }
        if self.function_keys != 0 {
            tree.int("function_keys", self.function_keys.into());
        }
        if let Some(product) = self.product {
            tree.int("product_id", product.into());
        }
        let can = || names::capabilities(self.capabilities);
        if can().next().is_some() {
            tree.list("capabilities", &mut |tree| {
                can().for_each(|name| tree.text("", name.as_bytes()));
            });
        }
        if !self.product_id.is_empty() {
            tree.text("id", self.product_id.as_bytes());
        }
    }
}

/// Bits of a pixel, from how older clients say it.
const fn depth(code: u16) -> Option<u16> {
    match code {
        0xca00 => Some(4),
        0xca01 => Some(8),
        0xca02 => Some(15),
        0xca03 => Some(16),
        0xca04 => Some(24),
        _ => None,
    }
}

/// UTF-16, little-endian, up to its first zero.
fn utf16(bytes: &[u8]) -> String {
    let units =
        bytes.chunks_exact(2).filter_map(|two| Some(u16::from_le_bytes(two.try_into().ok()?)));
    let text = char::decode_utf16(units.take_while(|unit| *unit != 0));
    text.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn channels(block: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(block);
    let count = usize::try_from(reader.u32_le()?).ok()?.min(MAX_CHANNELS);
    let mut names = Vec::new();
    for _ in 0..count {
        let name = reader.take(CHANNEL_NAME)?;
        reader.skip(4)?;
        names.push(name.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_lies_ends_the_reading() {
        assert_eq!(Client::parse(b"xxDuca\x04\x01\xc0\xff\xff"), Some(Client::default()));
        assert_eq!(Client::parse(b"xxDuca"), None);
        assert_eq!(Client::parse(b"none"), None);
        assert_eq!(utf16(b"a\0\xe8\0\0\0b\0"), "a\u{e8}");
        assert_eq!(channels(b"\xff\0\0\0rdpdr\0\0\0....cut"), None);
        assert_eq!(channels(b"\x01\0\0\0rdpdr\0\0\0...."), Some(vec![b"rdpdr".to_vec()]));
    }
}
