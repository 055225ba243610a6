//! What can be read from anything: packet headers, a flow, a transaction.
//!
//! A readable thing declares a table of [`Field`] rows. From a row come the rule keyword, the EVE
//! key, the console filter and the manual entry, so that they cannot drift apart.

use std::any::TypeId;
use std::borrow::Cow;

/// One value read from a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes as they were on the wire or after the normalisation that the row's help names.
    Bytes(&'a [u8]),
    /// A number; its width is in [`Kind::Int`].
    Int(u64),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes: the rule keyword is a sticky buffer with its own prefilter.
    Bytes,
    /// A number: the rule keyword takes the shared integer syntax.
    Int {
        /// Width in bits: 8, 16, 32 or 64.
        bits: u8,
        /// Names that a rule may write instead of the number. A name that begins with `&` is of
        /// bits: rules write it without, one or many of them, `fin,!comp`.
        names: &'static [(&'static str, u64)],
    },
}

/// Names of 1 and 0 in a field that says whether something is so.
pub const YES_OR_NO: &[(&str, u64)] =
    &[("yes", 1), ("no", 0), ("on", 1), ("off", 0), ("true", 1), ("false", 0)];

/// Which half of a conversation a field or a stage belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// What the client says.
    Request,
    /// What the server says.
    Response,
    /// Either, or the thing has no sides (packet headers).
    Either,
}

/// How far a side of a transaction has come. Fields of a stage do not change once it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The line, the header, the hello: all but the body.
    Head,
    /// The body too, or all of it that will be kept.
    Body,
    /// A file in it has ended, or as much of it as will be kept was seen. Told for each file.
    File,
}

/// One readable field. This row is its only declaration.
pub struct Field<T: 'static> {
    /// The rule keyword, dotted: `http.uri`, `modbus.function`.
    pub name: &'static str,
    /// Other names of the same keyword (`tls_sni`). Legacy content modifiers (`http_uri`) are
    /// named here too.
    pub aliases: &'static [&'static str],
    /// Bytes or number.
    pub kind: Kind,
    /// The key in the protocol's EVE object, or `""` when [`Describe::describe`] writes it in its
    /// own way or it is not logged.
    pub eve: &'static str,
    /// The side it belongs to.
    pub side: Side,
    /// The stage at which its value is final.
    pub stage: Stage,
    /// One sentence: what it is, its unit, how it is normalised.
    pub help: &'static str,
    /// Rule options that must compile and use this field.
    pub example: &'static str,
    /// Calls `sink` once a value, so a field may hold none, one or many.
    pub read: Read<T>,
}

/// Calls the sink once for each value that a field has in a thing.
pub type Read<T> = fn(&T, &mut dyn FnMut(Value<'_>));

/// A type with fields.
pub trait Fields: Sized + 'static {
    /// Its rows, in the order in which they are shown.
    const FIELDS: &'static [Field<Self>];
}

/// A row without its type, for registries and manuals.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The type that it is read from, as [`Readable::table`] tells it.
    pub table: TypeId,
    /// See [`Field::name`].
    pub name: &'static str,
    /// See [`Field::aliases`].
    pub aliases: &'static [&'static str],
    /// See [`Field::kind`].
    pub kind: Kind,
    /// See [`Field::eve`].
    pub eve: &'static str,
    /// See [`Field::side`].
    pub side: Side,
    /// See [`Field::stage`].
    pub stage: Stage,
    /// See [`Field::help`].
    pub help: &'static str,
    /// See [`Field::example`].
    pub example: &'static str,
}

/// The rows of a type, without the type. An index into them is an index for [`Readable::read`].
pub fn rows<T: Fields>() -> Vec<Row> {
    let row = |f: &Field<T>| Row {
        table: TypeId::of::<T>(),
        name: f.name,
        aliases: f.aliases,
        kind: f.kind,
        eve: f.eve,
        side: f.side,
        stage: f.stage,
        help: f.help,
        example: f.example,
    };
    T::FIELDS.iter().map(row).collect()
}

/// A thing with fields, without its type: what detect, anomaly and outputs see.
pub trait Readable {
    /// Calls `sink` once for each value of row `index`; never for an index out of range.
    fn read(&self, index: usize, sink: &mut dyn FnMut(Value<'_>));

    /// Which type's rows it has: HTTP/1 and HTTP/2 have one name outside and a table each.
    fn table(&self) -> TypeId;
}

impl<T: Fields> Readable for T {
    fn table(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn read(&self, index: usize, sink: &mut dyn FnMut(Value<'_>)) {
        if let Some(field) = T::FIELDS.get(index) {
            (field.read)(self, sink);
        }
    }
}

/// A readable thing that can also be written out as an object.
pub trait Describe: Readable + Send + Sync {
    /// Writes the content of the object that EVE holds for this thing: the keys and their order
    /// are Suricata's.
    fn describe(&self, tree: &mut dyn Tree);

    /// Writes further objects that stand beside it in its record (`email` beside `smtp`).
    fn beside(&self, _tree: &mut dyn Tree) {}

    /// Whether it gets a record of its own when it is done.
    fn is_logged(&self) -> bool {
        true
    }

    /// Certificates that came with it, DER, as they were sent: that of who speaks first.
    fn certificates(&self) -> &[Box<[u8]>] {
        &[]
    }
}

/// Receives an object key by key. Inside a list the keys are ignored.
///
/// Outputs implement it; parsers and detectors write to it without knowing the format.
pub trait Tree {
    /// Whether what comes under `key` is looked at: what is not need not be put together. Who writes
    /// asks where that costs much.
    fn wants(&self, _key: &str) -> bool {
        true
    }
    /// Bytes shown as text: UTF-8 where valid, each other byte escaped as `\xHH`.
    fn text(&mut self, key: &str, value: &[u8]);
    /// A number.
    fn int(&mut self, key: &str, value: u64);
    /// A number with a fraction; one that is not finite is written as zero.
    fn float(&mut self, key: &str, value: f64);
    /// True or false.
    fn bool(&mut self, key: &str, value: bool);
    /// An object within: whatever `fill` writes.
    fn object(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree));
    /// A list within: whatever `fill` writes, its keys ignored.
    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree));
}

/// An owned object, for the slow path: what an alert keeps of a transaction that goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Bytes shown as text.
    Text(Vec<u8>),
    /// A number.
    Int(u64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Keys and values, in order.
    Object(Vec<(Cow<'static, str>, Node)>),
    /// Values in order.
    List(Vec<Node>),
}

impl Node {
    /// What `thing` says of itself, kept.
    pub fn of(thing: &dyn Describe) -> Self {
        let mut keep = Keep::default();
        thing.describe(&mut keep);
        Self::Object(keep.0)
    }

    /// What stands beside `thing`, kept: an object that may be empty.
    pub fn beside(thing: &dyn Describe) -> Self {
        let mut keep = Keep::default();
        thing.beside(&mut keep);
        Self::Object(keep.0)
    }

    /// Writes this node under `key`.
    pub fn write(&self, key: &str, tree: &mut dyn Tree) {
        match self {
            Self::Text(bytes) => tree.text(key, bytes),
            Self::Int(number) => tree.int(key, *number),
            Self::Float(number) => tree.float(key, *number),
            Self::Bool(truth) => tree.bool(key, *truth),
            Self::Object(_) => tree.object(key, &mut |tree| self.write_content(tree)),
            Self::List(_) => tree.list(key, &mut |tree| self.write_content(tree)),
        }
    }

    /// Writes what is inside an object or a list; nothing for a plain value.
    pub fn write_content(&self, tree: &mut dyn Tree) {
        match self {
            Self::Object(pairs) => pairs.iter().for_each(|(key, node)| node.write(key, tree)),
            Self::List(nodes) => nodes.iter().for_each(|node| node.write("", tree)),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Keep(Vec<(Cow<'static, str>, Node)>);

impl Keep {
    fn add(&mut self, key: &str, node: Node) {
        self.0.push((Cow::Owned(key.to_owned()), node));
    }

    fn inside(fill: &mut dyn FnMut(&mut dyn Tree)) -> Vec<(Cow<'static, str>, Node)> {
        let mut keep = Self::default();
        fill(&mut keep);
        keep.0
    }
}

impl Tree for Keep {
    fn text(&mut self, key: &str, value: &[u8]) {
        self.add(key, Node::Text(value.to_vec()));
    }
    fn int(&mut self, key: &str, value: u64) {
        self.add(key, Node::Int(value));
    }
    fn float(&mut self, key: &str, value: f64) {
        self.add(key, Node::Float(value));
    }
    fn bool(&mut self, key: &str, value: bool) {
        self.add(key, Node::Bool(value));
    }
    fn object(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.add(key, Node::Object(Self::inside(fill)));
    }
    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        let nodes = Self::inside(fill).into_iter().map(|(_, node)| node).collect();
        self.add(key, Node::List(nodes));
    }
}

/// A violation that rules can name: `decode-event:ipv4.trunc_pkt`, `stream-event:pkt_bad_ack`,
/// `app-layer-event:http.invalid_request_line`.
///
/// Each lives as one static in the list of the layer that raises it.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// As rules write it after the keyword's colon.
    pub name: &'static str,
    /// One sentence: what was wrong.
    pub help: &'static str,
}
