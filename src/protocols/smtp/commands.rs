//! What a command line says.

/// A command as far as the parser needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// HELO or EHLO and the client's name.
    Hello(&'a [u8]),
    /// MAIL FROM: the sender's path.
    MailFrom(&'a [u8]),
    /// RCPT TO: the path of one who gets it.
    RecipientTo(&'a [u8]),
    /// The message follows, up to a dot.
    Data,
    /// This many bytes of the message follow; `None` when no number is given.
    Chunk(Option<u64>, Last),
    /// The mail is forgotten.
    Reset,
    /// The connection will end.
    Quit,
    /// Encryption begins after the reply.
    StartTls,
    /// The client wants to log on (RFC 4954).
    LogOn,
    /// Any other.
    Other,
}

/// Whether a chunk is the last of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last(pub bool);

/// Verbs beside those that [`Command`] names.
const VERBS: &[&[u8]] = &[
    b"noop",
    b"vrfy",
    b"expn",
    b"help",
    b"turn",
    b"etrn",
    b"atrn",
    b"send",
    b"soml",
    b"saml",
    b"burl",
    b"xclient",
    b"xforward",
];

impl<'a> Command<'a> {
    /// Reads a line without its end.
    pub fn read(line: &'a [u8]) -> Self {
        let is = |verb: &[u8]| {
            line.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
        };
        if is(b"starttls") {
            Self::StartTls
        } else if is(b"data") {
            Self::Data
        } else if is(b"bdat") {
            Self::chunk(line.get(4..).unwrap_or_default())
        } else if is(b"helo") || is(b"ehlo") {
            Self::Hello(argument(line, 5))
        } else if is(b"mail from") {
            Self::MailFrom(argument(line, 10))
        } else if is(b"rcpt to") {
            Self::RecipientTo(argument(line, 8))
        } else if is(b"rset") {
            Self::Reset
        } else if is(b"quit") {
            Self::Quit
        } else if is(b"auth") {
            Self::LogOn
        } else {
            Self::Other
        }
    }

    fn chunk(arguments: &[u8]) -> Self {
        let mut words = arguments.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let number = words.next().unwrap_or_default();
        let digits = number.iter().take_while(|byte| byte.is_ascii_digit());
        let mut size = None;
        for digit in digits {
            let before = size.unwrap_or(0_u64);
            size = Some(before.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        }
        Self::Chunk(size, Last(words.any(|word| word.eq_ignore_ascii_case(b"last"))))
    }
}

/// Whether a line begins with a verb of the protocol.
pub fn is_command(line: &[u8]) -> bool {
    Command::read(line) != Command::Other
        || VERBS.iter().any(|verb| {
            line.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
        })
}

/// The word behind the verb and its separator; parameters of extensions follow a space.
fn argument(line: &[u8], from: usize) -> &[u8] {
    let rest = line.get(from..).unwrap_or_default();
    let start = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    let rest = rest.get(start..).unwrap_or_default();
    rest.split(|byte| *byte == b' ').next().unwrap_or_default()
}
