//! NTLMSSP: who logs on, by name and challenge (MS-NLMP, 2.2.1).

use crate::reader::Reader;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Type of the message that names the user.
const AUTHENTICATE: u32 = 3;
/// Flag: the message tells the version of the client's system.
const VERSION: u32 = 0x0200_0000;
/// Bytes of a name that are kept.
const NAME_BYTES: usize = 512;

/// What an AUTHENTICATE message says of who logs on. Names are UTF-16 without its zero bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authenticate {
    /// Domain or host that knows the user.
    pub domain: Vec<u8>,
    /// User.
    pub user: Vec<u8>,
    /// The client's host.
    pub host: Vec<u8>,
    /// Major, minor, build and revision of the client's system.
    pub version: Option<(u8, u8, u16, u8)>,
}

impl Authenticate {
    /// Finds a message anywhere in `bytes`; `None` when there is none or it is another or broken.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let start = bytes.windows(SIGNATURE.len()).position(|window| window == SIGNATURE)?;
        let message = bytes.get(start..)?;
        let mut reader = Reader::new(message);
        reader.skip(SIGNATURE.len())?;
        if reader.u32_le()? != AUTHENTICATE {
            return None;
        }
        reader.skip(16)?;
        let domain = name(&mut reader, message)?;
        let user = name(&mut reader, message)?;
        let host = name(&mut reader, message)?;
        reader.skip(8)?;
        let version = (reader.u32_le()? & VERSION != 0).then(|| version(&mut reader)).flatten();
        Some(Self { domain, user, host, version })
    }

    /// The version as EVE shows it.
    pub fn version_text(&self) -> Option<String> {
        let (major, minor, build, revision) = self.version?;
        Some(format!("{major}.{minor} build {build} rev {revision}"))
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.domain.capacity() + self.user.capacity() + self.host.capacity()
    }
}

fn version(reader: &mut Reader<'_>) -> Option<(u8, u8, u16, u8)> {
    let (major, minor, build) = (reader.u8()?, reader.u8()?, reader.u16_le()?);
    reader.skip(3)?;
    Some((major, minor, build, reader.u8()?))
}

/// A name by its length and place in the message.
fn name(reader: &mut Reader<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(reader.u16_le()?);
    reader.skip(2)?;
    let offset = usize::try_from(reader.u32_le()?).ok()?;
    let bytes = message.get(offset..)?.get(..length)?;
    Some(bytes.iter().copied().filter(|byte| *byte != 0).take(NAME_BYTES).collect())
}
