//! What subnegotiations tell of the client: its terminal (RFC 1091), its window (RFC 1073), its
//! environment (RFC 1572), its user (RFC 2941).

/// Options (IANA: Telnet Options).
const TERMINAL_TYPE: u8 = 24;
const WINDOW: u8 = 31;
const OLD_ENVIRONMENT: u8 = 36;
const AUTHENTICATION: u8 = 37;
const ENCRYPT: u8 = 38;
const ENVIRONMENT: u8 = 39;
const START_TLS: u8 = 46;

/// Variables that are kept, and bytes of a name, a value, the type of a terminal.
const VARIABLES_MAX: usize = 16;
const TEXT_BYTES: usize = 255;
/// Variables whose values are kept: those that RFC 1572 names, and what tells a terminal's ways.
const SHOWN: &[&[u8]] = &[
    b"USER",
    b"JOB",
    b"ACCT",
    b"PRINTER",
    b"SYSTEMTYPE",
    b"DISPLAY",
    b"LOGNAME",
    b"TERM",
    b"LANG",
    b"TZ",
];

/// What is known of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its terminal.
    pub terminal: Vec<u8>,
    /// Columns and rows of its window.
    pub window: Option<(u16, u16)>,
    /// Variables, each as `NAME=value`; of those that may hold a secret the name alone.
    pub variables: Vec<Vec<u8>>,
    /// Who it says it is.
    pub user: Vec<u8>,
}

/// What a subnegotiation means beside that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing.
    Nothing,
    /// It is not of its option's form.
    Malformed,
    /// The user in it begins with a hyphen.
    UserIsOption,
    /// What follows is encrypted (RFC 2946).
    Encrypted,
    /// TLS follows, once both have said so (draft-altman-telnet-starttls).
    Tls,
}

impl Environment {
    /// Takes what a side says of an option.
    pub fn learn(&mut self, sub: &[u8], from_client: bool) -> Meaning {
        const IS: u8 = 0;
        const SEND: u8 = 1;
        const INFO: u8 = 2;
        const NAME: u8 = 3;
        const START: u8 = 3;
        const FOLLOWS: u8 = 1;
        match sub {
            [TERMINAL_TYPE, IS, name @ ..] if from_client => {
                self.terminal = cut(name);
                Meaning::Nothing
            }
            [TERMINAL_TYPE, SEND] => Meaning::Nothing,
            [WINDOW, a, b, c, d] if from_client => {
                self.window = Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])));
                Meaning::Nothing
            }
            [ENVIRONMENT | OLD_ENVIRONMENT, IS | INFO, list @ ..] if from_client => {
                self.variables(list)
            }
            [ENVIRONMENT | OLD_ENVIRONMENT, SEND, ..] => Meaning::Nothing,
            [AUTHENTICATION, NAME, name @ ..] if from_client => {
                self.user = cut(name);
                hyphen(name)
            }
            [ENCRYPT, START, ..] => Meaning::Encrypted,
            [START_TLS, FOLLOWS] => Meaning::Tls,
            [] | [TERMINAL_TYPE | WINDOW | ENVIRONMENT | OLD_ENVIRONMENT | START_TLS, ..] => {
                Meaning::Malformed
            }
            // Of other options nothing is asked.
            _ => Meaning::Nothing,
        }
    }

    /// RFC 1572, section 2: VAR or USERVAR, a name, VALUE, a value.
    fn variables(&mut self, list: &[u8]) -> Meaning {
        const VAR: u8 = 0;
        const VALUE: u8 = 1;
        const ESC: u8 = 2;
        const USERVAR: u8 = 3;
        if !matches!(list.first(), None | Some(&(VAR | USERVAR))) {
            return Meaning::Malformed;
        }
        let mut meaning = Meaning::Nothing;
        let (mut name, mut value) = (Vec::new(), None);
        let mut bytes = list.iter().skip(1).copied();
        loop {
            match bytes.next() {
                Some(VALUE) => value = Some(Vec::new()),
                Some(ESC) => value.as_mut().unwrap_or(&mut name).extend(bytes.next()),
                end @ (None | Some(VAR | USERVAR)) => {
                    let value = value.take();
                    let found = self.variable(&std::mem::take(&mut name), value.as_deref());
                    if found == Meaning::UserIsOption {
                        meaning = found;
                    }
                    if end.is_none() {
                        return meaning;
                    }
                }
                Some(byte) => value.as_mut().unwrap_or(&mut name).push(byte),
            }
        }
    }

    fn variable(&mut self, name: &[u8], value: Option<&[u8]>) -> Meaning {
        let (Some(value), false) = (value, name.is_empty()) else { return Meaning::Nothing };
        // What stands behind `=` in a name is a value too.
        let name = cut(before_equals(name)).to_ascii_uppercase();
        let is_user = name == b"USER";
        if is_user {
            self.user = cut(value);
        }
        let text = if is_shown(&name) {
            [name.as_slice(), b"=", &cut(value)].concat()
        } else {
            name.clone()
        };
        let same = |known: &&mut Vec<u8>| before_equals(known) == name;
        let room = self.variables.len() < VARIABLES_MAX;
        match self.variables.iter_mut().find(same) {
            Some(known) => *known = text,
            None if room => self.variables.push(text),
            None => {}
        }
        if is_user { hyphen(value) } else { Meaning::Nothing }
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let variables: usize =
            self.variables.iter().map(|text| text.capacity() + size_of::<Vec<u8>>()).sum();
        self.terminal.capacity() + self.user.capacity() + variables
    }
}

/// Whether the value of a variable is kept: of any other it may be a secret.
fn is_shown(name: &[u8]) -> bool {
    name.starts_with(b"LC_") || SHOWN.contains(&name)
}

fn before_equals(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'=').next().unwrap_or_default()
}

const fn hyphen(user: &[u8]) -> Meaning {
    if let [b'-', ..] = user { Meaning::UserIsOption } else { Meaning::Nothing }
}

fn cut(text: &[u8]) -> Vec<u8> {
    text.get(..TEXT_BYTES).unwrap_or(text).to_vec()
}
