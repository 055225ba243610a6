//! What rules read from a transaction, and how EVE shows it.

use super::cip::{Service, Target};
use super::message::{Identity, Message, Payload};
use super::names::{self, name};
use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};
use crate::protocols::formats::digits::hex;

/// A request and its response; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What the client asked.
    pub request: Option<Message>,
    /// What the server answered.
    pub response: Option<Message>,
}

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

const fn row(
    side: Side,
    name: &'static str,
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: Read<Transaction>,
) -> Field<Transaction> {
    Field { name, aliases: &[], kind, eve: "", side, stage: Stage::Head, help, example, read }
}

const fn bits(bits: u8) -> Kind {
    Kind::Int { bits, names: &[] }
}

/// A number of a device's identity.
macro_rules! identity {
    ($name:literal $bits:literal $help:literal $example:literal |$i:ident| $value:expr) => {
        row(Side::Response, $name, bits($bits), $help, $example, |t, sink| {
            if let Some($i) = t.response.as_ref().and_then(Message::identity) {
                sink(Value::Int(u64::from($value)));
            }
        })
    };
}

/// A row that reads one of the two messages.
macro_rules! one {
    ($side:ident $part:ident $name:literal $kind:expr, $help:literal $example:literal $read:ident) => {
        row(Side::$side, $name, $kind, $help, $example, |t, sink| {
            t.$part.iter().for_each(|message| $read(message, sink));
        })
    };
}

const COMMANDS: Kind = Kind::Int { bits: 16, names: names::COMMANDS };
const STATUSES: Kind = Kind::Int { bits: 32, names: names::STATUSES };

fn command(message: &Message, sink: Sink<'_>) {
    sink(Value::Int(message.command.into()));
}

fn status(message: &Message, sink: Sink<'_>) {
    sink(Value::Int(message.status.into()));
}

fn version(message: &Message, sink: Sink<'_>) {
    if let Some(version) = message.version() {
        sink(Value::Int(version.into()));
    }
}

fn services(message: &Message, sink: Sink<'_>) {
    let Some(service) = message.service() else { return };
    service.each(&mut |service| {
        let mut give = |class, attribute| {
            sink(Value::Int(request_key(service.code, class, attribute)));
        };
        give(None, None);
        for class in service.targets(Target::Class) {
            give(Some(class), None);
            attributes(service, &mut |attribute| give(Some(class), Some(attribute)));
        }
    });
}

/// A service of CIP with a class and an attribute that it names, as one number: what the row
/// `enip.cip_request` holds. Classes and attributes above 24 bits are cut; none is used.
pub fn request_key(service: u8, class: Option<u32>, attribute: Option<u32>) -> u64 {
    let part = |value: Option<u32>, flag: u64, shift: u32| {
        value.map_or(0, |value| flag | u64::from(value & 0x00ff_ffff) << shift)
    };
    u64::from(service) << 48 | part(class, HAS_CLASS, 24) | part(attribute, HAS_ATTRIBUTE, 0)
}

/// The parts of [`request_key`] that a test on a service, perhaps of a class, looks at.
pub const fn request_mask(class: bool) -> u64 {
    let service = 0xff << 48;
    if class { service | HAS_CLASS | 0x00ff_ffff << 24 } else { service }
}

const HAS_CLASS: u64 = 1 << 56;
const HAS_ATTRIBUTE: u64 = 1 << 57;

fn attributes(service: &Service, each: &mut dyn FnMut(u32)) {
    service.targets(Target::Attribute).for_each(&mut *each);
    service.attributes.iter().for_each(|attribute| each((*attribute).into()));
}

fn requested(t: &Transaction, each: &mut dyn FnMut(&Service)) {
    if let Some(service) = t.request.as_ref().and_then(Message::service) {
        service.each(&mut |service| each(service));
    }
}

fn answered(t: &Transaction, each: &mut dyn FnMut(&Service)) {
    if let Some(service) = t.response.as_ref().and_then(Message::service) {
        service.each(&mut |service| each(service));
    }
}

fn targets(t: &Transaction, target: Target, sink: Sink<'_>) {
    requested(t, &mut |service| service.targets(target).for_each(|v| sink(Value::Int(v.into()))));
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        one!(Request request "enip_command" COMMANDS,
            "Command of the encapsulation." "enip_command:list_identity;" command),
        one!(Response response "enip_command" COMMANDS,
            "Command of the encapsulation." "enip_command:list_identity;" command),
        one!(Request request "enip.status" STATUSES,
            "Status of the encapsulation." "enip.status:success;" status),
        one!(Response response "enip.status" STATUSES,
            "Status of the encapsulation." "enip.status:success;" status),
        one!(Request request "enip.protocol_version" bits(16),
            "Version of the encapsulation." "enip.protocol_version:1;" version),
        one!(Response response "enip.protocol_version" bits(16),
            "Version of the encapsulation." "enip.protocol_version:1;" version),
        one!(Request request "enip.cip_request" bits(64),
            "Services of CIP with the classes and attributes that each names, as one number: what \
             `cip_service` tests." "enip.cip_request:>0;" services),
        one!(Response response "enip.cip_request" bits(64),
            "Services of CIP that are answered, as `cip_service` tests them." "enip.cip_request:>0;" services),
        row(
            Side::Request,
            "enip.cip_class",
            bits(32),
            "Classes that a request is about.",
            "enip.cip_class:2;",
            |t, sink| targets(t, Target::Class, sink),
        ),
        row(
            Side::Request,
            "enip.cip_instance",
            bits(32),
            "Objects that a request is about.",
            "enip.cip_instance:1;",
            |t, sink| targets(t, Target::Instance, sink),
        ),
        row(
            Side::Request,
            "enip.cip_attribute",
            bits(32),
            "Attributes that a request is about.",
            "enip.cip_attribute:1;",
            |t, sink| {
                requested(t, &mut |service| {
                    attributes(service, &mut |attribute| sink(Value::Int(attribute.into())));
                });
            },
        ),
        row(
            Side::Response,
            "enip.cip_status",
            bits(8),
            "General status of each service answered.",
            "enip.cip_status:0;",
            |t, sink| {
                answered(t, &mut |service| sink(Value::Int(service.status.into())));
            },
        ),
        row(
            Side::Response,
            "enip.cip_extendedstatus",
            bits(16),
            "Extended status of each service answered that has one of two bytes.",
            "enip.cip_extendedstatus:256;",
            |t, sink| {
                answered(t, &mut |service| {
                    if let [low, high] = *service.extended {
                        sink(Value::Int(u16::from_le_bytes([low, high]).into()));
                    }
                });
            },
        ),
        identity!("enip.vendor_id" 16 "Maker of a device." "enip.vendor_id:1;" |i| i.vendor),
        identity!("enip.device_type" 16 "Kind of a device." "enip.device_type:14;" |i| i.device),
        identity!("enip.product_code" 16 "The maker's number for a device." "enip.product_code:1;"
            |i| i.product),
        identity!("enip.revision" 16 "Revision of a device, 256 times the major plus the minor."
            "enip.revision:>1;" |i| u16::from_be_bytes(i.revision)),
        identity!("enip.identity_status" 16 "Status bits of a device." "enip.identity_status:0;"
            |i| i.status),
        identity!("enip.serial" 32 "Serial number of a device." "enip.serial:>1;" |i| i.serial),
        identity!("enip.state" 8 "State of a device." "enip.state:3;" |i| i.state),
        row(
            Side::Response,
            "enip.product_name",
            Kind::Bytes,
            "Name of a device.",
            "enip.product_name; content:\"1756\";",
            |t, sink| {
                if let Some(identity) = t.response.as_ref().and_then(Message::identity) {
                    sink(Value::Bytes(&identity.name));
                }
            },
        ),
        row(
            Side::Response,
            "enip.service_name",
            Kind::Bytes,
            "Name of what a device offers.",
            "enip.service_name; content:\"Communications\";",
            |t, sink| {
                if let Some(Payload::Services { name, .. }) =
                    t.response.as_ref().map(|m| &m.payload)
                {
                    sink(Value::Bytes(name));
                }
            },
        ),
        row(
            Side::Response,
            "enip.capabilities",
            bits(16),
            "Bits of what a device offers.",
            "enip.capabilities:>1;",
            |t, sink| {
                if let Some(Payload::Services { capabilities, .. }) =
                    t.response.as_ref().map(|m| &m.payload)
                {
                    sink(Value::Int((*capabilities).into()));
                }
            },
        ),
    ];
}

impl Transaction {
    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.request.iter().chain(&self.response).map(Message::memory).sum()
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| message(request, true, tree));
        }
        if let Some(response) = &self.response {
            tree.object("response", &mut |tree| message(response, false, tree));
        }
    }
}

fn message(m: &Message, request: bool, tree: &mut dyn Tree) {
    tree.text("command", name(names::COMMANDS, m.command.into()).as_bytes());
    tree.text("status", name(names::STATUSES, m.status.into()).as_bytes());
    match &m.payload {
        Payload::Register { version, options } => {
            tree.object("register_session", &mut |tree| {
                tree.int("protocol_version", (*version).into());
                tree.int("options", (*options).into());
            });
        }
        Payload::Cip { service, .. } if service.response != request => {
            tree.object("cip", &mut |tree| describe_service(service, tree));
        }
        // What only a device says.
        Payload::Services { version, capabilities, name } if !request => {
            tree.object("list_services", &mut |tree| {
                tree.int("protocol_version", (*version).into());
                tree.int("capabilities", (*capabilities).into());
                tree.text("service_name", name);
            });
        }
        Payload::Identity(identity) if !request => {
            tree.object("identity", &mut |tree| describe_identity(identity, tree));
        }
        _ => {}
    }
}

fn describe_identity(i: &Identity, tree: &mut dyn Tree) {
    let [major, minor] = i.revision;
    tree.int("protocol_version", i.version.into());
    tree.text("revision", format!("{major}.{minor}").as_bytes());
    tree.text("vendor_id", name(names::VENDORS, i.vendor.into()).as_bytes());
    tree.text("device_type", name(names::DEVICES, i.device.into()).as_bytes());
    tree.int("product_code", i.product.into());
    tree.int("status", i.status.into());
    tree.int("serial", i.serial.into());
    tree.text("product_name", &i.name);
    tree.int("state", i.state.into());
}

fn describe_service(service: &Service, tree: &mut dyn Tree) {
    tree.text("service", name(names::SERVICES, service.code.into()).as_bytes());
    if service.response {
        tree.text("status", name(names::RESULTS, service.status.into()).as_bytes());
        if !service.extended.is_empty() {
            tree.text("status_extended", hex(&service.extended, "").as_bytes());
        }
    } else if !service.path.is_empty() {
        tree.list("path", &mut |tree| {
            for segment in &service.path {
                tree.object("", &mut |tree| {
                    let kind = name(names::SEGMENTS, segment.kind.into());
                    tree.text("segment_type", kind.as_bytes());
                    tree.int("value", segment.value.into());
                });
            }
        });
        if let Some(class) = service.targets(Target::Class).last() {
            tree.text("class_name", name(names::CLASSES, class.into()).as_bytes());
        }
    }
    // What answers does not stand among what asks.
    let inner = || service.multiple.iter().filter(|inner| inner.response == service.response);
    if inner().next().is_some() {
        tree.list("multiple", &mut |tree| {
            inner().for_each(|inner| tree.object("", &mut |tree| describe_service(inner, tree)));
        });
    }
}
