//! SMB 2 ([MS-SMB2]) within NetBIOS frames.

use super::super::chance::Chance;

pub const NEGOTIATE: u16 = 0;
pub const SETUP: u16 = 1;
pub const TREE: u16 = 3;
pub const CREATE: u16 = 5;
pub const CLOSE: u16 = 6;
pub const READ: u16 = 8;
pub const WRITE: u16 = 9;
pub const SET: u16 = 17;

const MORE: u32 = 0xc000_0016;
const LOGON_FAILURE: u32 = 0xc000_006d;
const RESPONSE: u32 = 1;
/// The head of NTLM's messages.
const NTLM: &[u8] = b"NTLMSSP\0";

/// A conversation: numbers of messages, session and files.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    message: u64,
    session: u64,
    tree: u32,
    file: u64,
}

/// Question and answer.
pub type Pair = (Vec<u8>, Vec<u8>);

impl Talk {
    /// Which dialects there are.
    pub fn negotiate(&mut self, chance: &mut Chance) -> Pair {
        let guid = chance.noise(16);
        let ask = Part::new(36).u16(4).u16(1).u16(0).u32(0x7f).put(guid).u64(0);
        let ask = ask.u16(0x0202).u16(0x0210).u16(0x0300).u16(0x0302);
        let say = Part::new(65).u16(1).u16(0x0302).u16(0).put(guid).u32(0x7f).u32(1 << 20);
        let say =
            say.u32(1 << 20).u32(1 << 20).u64(0).u64(0).u16(128).u16(16).u32(0).put(&[0x60; 16]);
        self.pair(NEGOTIATE, 0, ask, say)
    }

    /// A logon by NTLM: two turns.
    pub fn logon(&mut self, user: &str, succeeds: bool, chance: &mut Chance) -> [Pair; 2] {
        self.session = chance.next() | 1;
        let setup = |token: &[u8]| {
            let part = Part::new(25).u16(0x0100).u32(1).u32(0).u16(88).u16(token.len() as u16);
            part.u64(0).put(token)
        };
        let reply = |token: &[u8]| Part::new(9).u16(0).u16(72).u16(token.len() as u16).put(token);
        let hello = [NTLM, &1u32.to_le_bytes(), &0xe208_8297_u32.to_le_bytes(), &[0; 24]].concat();
        let challenge = Part(NTLM.to_vec()).u32(2).u16(12).u16(12).u32(56).u32(0xe289_8215);
        let challenge = challenge.put(chance.noise(8)).u64(0).u16(0).u16(0).u32(68).u64(0);
        let challenge = challenge.put(&wide("COMUNE"));
        let first = self.pair(SETUP, MORE, setup(&hello), reply(&challenge.0));
        let proof = authenticate(user, chance);
        let status = if succeeds { 0 } else { LOGON_FAILURE };
        let second = self.pair(SETUP, status, setup(&proof), reply(&[]));
        [first, second]
    }

    /// A share.
    pub fn tree(&mut self, share: &str) -> Pair {
        let path = wide(share);
        self.tree += 1;
        let ask = Part::new(9).u16(0).u16(72).u16(path.len() as u16).put(&path);
        self.pair(TREE, 0, ask, Part::new(16).u16(1).u32(0x800).u32(0).u32(0x1f_01ff))
    }

    /// Opens a file, or makes it.
    pub fn create(&mut self, name: &str, makes: bool) -> Pair {
        self.file += 1;
        let path = wide(name);
        let access = if makes { 0x0013_0196 } else { 0x0012_0089 };
        let disposition = if makes { 5 } else { 1 };
        let ask = Part::new(57).u16(0).u32(2).u64(0).u64(0).u32(access).u32(0x20).u32(7);
        let ask = ask.u32(disposition).u32(0x40).u16(120).u16(path.len() as u16).u32(0).u32(0);
        let say = Part::new(89).u16(0).u32(u32::from(makes) + 1).put(&[0x11; 32]).u64(4096);
        let say = say.u64(4096).u32(0x20).u32(0).put(&self.file()).u32(0).u32(0);
        self.pair(CREATE, 0, ask.put(&path), say)
    }

    pub fn write(&mut self, offset: u64, data: &[u8]) -> Pair {
        let length = data.len() as u32;
        let ask = Part::new(49).u16(112).u32(length).u64(offset).put(&self.file()).u32(0).u32(0);
        let ask = ask.u16(0).u16(0).u32(0).put(data);
        self.pair(WRITE, 0, ask, Part::new(17).u16(0).u32(length).u32(0).u32(0))
    }

    pub fn read(&mut self, offset: u64, data: &[u8]) -> Pair {
        let length = data.len() as u32;
        let ask = Part::new(49).u16(0x50).u32(length).u64(offset).put(&self.file()).u32(0).u32(0);
        let ask = ask.u32(0).u32(0).put(&[0]);
        self.pair(READ, 0, ask, Part::new(17).u16(80).u32(length).u32(0).u32(0).put(data))
    }

    /// Gives the open file another name.
    pub fn rename(&mut self, name: &str) -> Pair {
        let path = wide(name);
        let length = 20 + path.len() as u32;
        let ask = Part::new(33).put(&[1, 10]).u32(length).u16(96).u16(0).u32(0).put(&self.file());
        let ask = ask.u64(1).u64(0).u32(path.len() as u32).put(&path);
        self.pair(SET, 0, ask, Part::new(2))
    }

    pub fn close(&mut self) -> Pair {
        let ask = Part::new(24).u16(0).u32(0).put(&self.file());
        self.pair(CLOSE, 0, ask, Part::new(60).u16(0).u32(0).put(&[0; 52]))
    }

    fn file(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.file.to_le_bytes());
        id[8..].copy_from_slice(&self.file.to_le_bytes());
        id
    }

    fn pair(&mut self, command: u16, status: u32, ask: Part, say: Part) -> Pair {
        let pair =
            (self.message(command, 0, 0, &ask.0), self.message(command, status, RESPONSE, &say.0));
        self.message += 1;
        pair
    }

    fn message(&self, command: u16, status: u32, flags: u32, body: &[u8]) -> Vec<u8> {
        let session = if command == NEGOTIATE { 0 } else { self.session };
        let head = Part(b"\xfeSMB".to_vec()).u16(64).u16(1).u32(status).u16(command).u16(64);
        let head = head.u32(flags).u32(0).u64(self.message).u32(0xfeff).u32(self.tree).u64(session);
        let message = head.put(&[0; 16]).put(body).0;
        [&(message.len() as u32).to_be_bytes()[..], &message].concat()
    }
}

/// The message of NTLM that proves the password.
fn authenticate(user: &str, chance: &mut Chance) -> Vec<u8> {
    let (domain, user, machine) = (wide("COMUNE"), wide(user), wide("PC"));
    let mut out = Part(NTLM.to_vec()).u32(3);
    let mut offset = 64;
    for length in [24, 48, domain.len(), user.len(), machine.len(), 0] {
        out = out.u16(length as u16).u16(length as u16).u32(offset);
        offset += length as u32;
    }
    let out = out.u32(0xe288_8215).put(chance.noise(24)).put(chance.noise(48));
    out.put(&domain).put(&user).put(&machine).0
}

/// UTF-16, little end first.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Bytes put together, little end first.
struct Part(Vec<u8>);

impl Part {
    /// The body of a message; it begins with its own size.
    fn new(size: u16) -> Self {
        Self(size.to_le_bytes().to_vec())
    }

    fn u16(self, value: u16) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn u32(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}
