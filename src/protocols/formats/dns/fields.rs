//! What rules read from a DNS message.

use super::describe::RCODES;
use super::message::{Data, Message, Section, rrtype};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    side: Side,
    help: &'static str,
    example: &'static str,
    read: fn(&Message, Sink<'_>),
) -> Field<Message> {
    Field {
        name,
        aliases,
        kind: Kind::Bytes,
        eve: "",
        side,
        stage: Stage::Body,
        help,
        example,
        read,
    }
}

const fn number(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: fn(&Message, Sink<'_>),
) -> Field<Message> {
    Field { kind, ..row(name, &[], Side::Either, help, example, read) }
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "dns.query",
            &["dns_query"],
            Side::Request,
            "Names asked for in a request: labels with dots between, case as sent.",
            "dns.query; content:\"example.org\"; nocase; endswith;",
            |m, sink| questions(m, sink),
        ),
        row(
            "dns.queries.rrname",
            &["dns.query.name"],
            Side::Either,
            "Names asked for, in requests and responses.",
            "dns.queries.rrname; content:\"example.org\"; nocase;",
            |m, sink| questions(m, sink),
        ),
        row(
            "dns.answers.rrname",
            &["dns.answer.name"],
            Side::Either,
            "Owner names of the answers.",
            "dns.answers.rrname; content:\"example.org\"; nocase;",
            |m, sink| owners(m, Section::Answer, sink),
        ),
        row(
            "dns.answers.rdata",
            &[],
            Side::Response,
            "What the answers hold when it is text or a name: strings of TXT, NULL, names of \
             CNAME, MX, NS, PTR.",
            "dns.answers.rdata; content:\"example\"; nocase;",
            |m, sink| {
                for record in m.section(Section::Answer) {
                    if let Data::Name(text) | Data::Text(text) = record.data {
                        sink(Value::Bytes(m.text(text)));
                    }
                }
            },
        ),
        row(
            "dns.authorities.rrname",
            &[],
            Side::Either,
            "Owner names of the authority records.",
            "dns.authorities.rrname; content:\"example.org\"; nocase;",
            |m, sink| owners(m, Section::Authority, sink),
        ),
        row(
            "dns.additionals.rrname",
            &[],
            Side::Either,
            "Owner names of the additional records.",
            "dns.additionals.rrname; content:\"example.org\"; nocase;",
            |m, sink| owners(m, Section::Additional, sink),
        ),
        row(
            "dns.response.rrname",
            &[],
            Side::Response,
            "Owner names of all records of a response, and the names that their content holds.",
            "dns.response.rrname; content:\"example.org\"; nocase;",
            |m, sink| {
                for record in &m.records {
                    sink(Value::Bytes(m.text(record.name)));
                    if let Data::Name(name) | Data::Soa { mname: name, .. } = record.data {
                        sink(Value::Bytes(m.text(name)));
                    }
                }
            },
        ),
        number(
            "dns.opcode",
            Kind::Int { bits: 8, names: &[] },
            "Operation code of the header.",
            "dns.opcode:4;",
            |m, sink| sink(Value::Int(m.opcode().into())),
        ),
        number(
            "dns.rcode",
            Kind::Int { bits: 16, names: RCODES },
            "Response code of the header.",
            "dns.rcode:3;",
            |m, sink| sink(Value::Int(m.rcode().into())),
        ),
        number(
            "dns.rrtype",
            Kind::Int { bits: 16, names: rrtype::NAMES },
            "Types of the questions and of the answers.",
            "dns.rrtype:16;",
            |m, sink| {
                m.questions.iter().for_each(|q| sink(Value::Int(q.rrtype.into())));
                m.section(Section::Answer).for_each(|r| sink(Value::Int(r.rrtype.into())));
            },
        ),
    ];
}

fn questions(message: &Message, sink: Sink<'_>) {
    message.questions.iter().for_each(|q| sink(Value::Bytes(message.text(q.name))));
}

fn owners(message: &Message, section: Section, sink: Sink<'_>) {
    message.section(section).for_each(|r| sink(Value::Bytes(message.text(r.name))));
}
