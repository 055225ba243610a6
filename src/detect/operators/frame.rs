//! `frame`: a unit of a protocol as it stands on the wire.

use crate::detect::diagnostic::nearest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{Buffer, Carrier};
use crate::detect::syntax::application_name;
use crate::protocols::PROTOCOLS;

/// See [`Operator`].
pub static FRAME: Operator = Operator {
    name: "frame",
    aliases: &[],
    help: "What follows tests a unit of a protocol as it stands on the wire, such as a whole \
           request; each unit is looked at once.",
    syntax: "frame:[PROTOCOL.]NAME;",
    examples: &[
        Example {
            rule: "frame:http1.request; content:\"GET /a\"; startswith; bsize:27;",
            payload: b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: false,
        },
        Example {
            rule: "frame:http1.request; content:\"GET /a\"; startswith; content:\"|0d 0a 0d 0a|\"; \
                   endswith;",
            payload: b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: true,
        },
        Example {
            rule: "frame:http1.response; content:\"GET /a\";",
            payload: b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let Some(text) = argument.map(str::trim).filter(|text| !text.is_empty()) else {
            return Err(Problem::whole("R190", "`frame` needs the name of a unit")
                .hint("for example `frame:http1.request;`"));
        };
        match find(text, builder)? {
            Some(buffer) => builder.select_buffer(Some(buffer)),
            // Units of what is not parsed here never come.
            None => {
                builder.select(None);
                builder.rule.never = true;
            }
        }
        Ok(())
    },
};

/// The unit of that name: of the protocol that stands before it, or of the rule's. `None` when
/// the protocol is not parsed here.
fn find(text: &str, builder: &Builder) -> Result<Option<Buffer>, Problem> {
    let of_rule = match builder.rule.header.carrier {
        Carrier::Application(index) | Carrier::Alone(index) => Some(index),
        Carrier::Absent => return Ok(None),
        _ => None,
    };
    let named = text.split_once('.').and_then(|(word, rest)| Some((application_name(word)?, rest)));
    let of_name = named.map(|(name, _)| PROTOCOLS.iter().position(|known| known.name == name));
    if of_name == Some(None) {
        return Ok(None);
    }
    if let (Some(Some(named)), Some(of_rule)) = (of_name, of_rule)
        && named != of_rule
    {
        let message = format!("`{text}` is not of the protocol that the rule is for");
        return Err(Problem::whole("R191", message));
    }
    let (protocol, name) = match (of_name, named, of_rule) {
        (Some(Some(index)), Some((_, rest)), _) => (index, rest),
        (_, _, Some(index)) => (index, text),
        _ => {
            return Err(Problem::whole("R191", format!("of which protocol is `{text}`?"))
                .hint("name it in the rule's header or before the unit: `http1.request`"));
        }
    };
    let known = PROTOCOLS.get(protocol).map_or(&[][..], |protocol| protocol.frames);
    // Some begin with their protocol's own name (`nfs.pdu`).
    let fits = |known: &&&str| **known == name || of_rule == Some(protocol) && **known == text;
    if let Some(known) = known.iter().find(fits) {
        return Ok(Some(Buffer::Frame(protocol, known)));
    }
    let problem = Problem::whole("R192", format!("the frame `{text}` is not known here"));
    Err(match (nearest(name, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => problem.hint(format!("did you mean `{near}`?")),
        (None, false) => problem.hint(format!("there are {}", known.join(", "))),
        (None, true) => problem.hint("no units of this protocol are told apart here"),
    })
}
