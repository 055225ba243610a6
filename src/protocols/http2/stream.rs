//! A stream: a request and its response, or one frame that is about the whole connection.

use super::hpack::Field;
use crate::field::Side;
use crate::file::File;
use crate::protocols::formats::coding::Decoder;
use crate::protocols::formats::dns::Message;

/// Fields kept of one side; of further ones nothing is kept.
const MAX_FIELDS: usize = 1_024;
/// Bytes of fields kept of one side.
const MAX_FIELD_BYTES: usize = 65_536;
/// Values kept of each kind of frame of one side.
const MAX_VALUES: usize = 256;

/// A stream.
#[derive(Default)]
pub struct Stream {
    /// Its number; 0 for the connection itself.
    pub id: u32,
    /// What the client sent.
    pub request: Part,
    /// What the server sent.
    pub response: Part,
}

/// What one side sent.
#[derive(Default)]
pub struct Part {
    /// Types of its frames, each once.
    pub kinds: Vec<u8>,
    /// Weights, less one, that it gave the stream.
    pub priorities: Vec<u8>,
    /// By how much it opened the window.
    pub windows: Vec<u32>,
    /// Why it ended a stream or the connection.
    pub errors: Vec<u32>,
    /// Identifier and value of its settings.
    pub settings: Vec<(u16, u32)>,
    /// Sizes that it gave its dynamic table.
    pub updates: Vec<u64>,
    /// Of what there is more than one.
    pub multiple: Option<&'static str>,
    /// Its fields, trailers too.
    pub fields: Vec<Field>,
    /// How many of them are of the head.
    pub head: usize,
    /// Its body.
    pub file: Option<File>,
    /// The message of DNS that it is.
    pub dns: Option<Box<Message>>,
    /// Undoes the content's codings.
    pub(super) decoder: Option<Box<Decoder>>,
    /// Whether the body is to be a message of DNS.
    pub(super) doh: bool,
    pub(super) head_told: bool,
    pub(super) body_told: bool,
    pub(super) file_told: bool,
    pub(super) over: bool,
    field_bytes: usize,
}

impl Stream {
    /// What a side sent.
    pub const fn part(&self, side: Side) -> &Part {
        match side {
            Side::Response => &self.response,
            Side::Request | Side::Either => &self.request,
        }
    }

    /// The same, to add to it.
    pub const fn part_mut(&mut self, side: Side) -> &mut Part {
        match side {
            Side::Response => &mut self.response,
            Side::Request | Side::Either => &mut self.request,
        }
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.request.memory() + self.response.memory()
    }
}

impl Part {
    /// Notes a frame's type.
    pub fn kind(&mut self, kind: u8) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// Notes a weight.
    pub fn priority(&mut self, weight: u8) {
        if !self.priorities.is_empty() {
            self.multiple.get_or_insert("priority");
        }
        push(&mut self.priorities, weight);
    }

    /// Notes why something ended.
    pub fn error(&mut self, code: u32) {
        if !self.errors.is_empty() {
            self.multiple.get_or_insert("error_code");
        }
        push(&mut self.errors, code);
    }

    /// Notes an opened window.
    pub fn window(&mut self, by: u32) {
        push(&mut self.windows, by);
    }

    /// Notes a setting.
    pub fn setting(&mut self, id: u16, value: u32) {
        push(&mut self.settings, (id, value));
    }

    /// Notes a size of the table.
    pub fn update(&mut self, size: u64) {
        push(&mut self.updates, size);
    }

    /// Adds a field.
    pub fn field(&mut self, field: Field) {
        let bytes = field.name.len() + field.value.len();
        if self.fields.len() < MAX_FIELDS && self.field_bytes + bytes <= MAX_FIELD_BYTES {
            self.field_bytes += bytes;
            self.fields.push(field);
        }
    }

    /// The fields of the head.
    pub fn head_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().take(self.head)
    }

    /// The first value of a field of the head.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.head_fields().find(|field| field.name == name).map(|field| field.value.as_slice())
    }

    /// All values of a field of the head, joined by `, `.
    pub fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let mut values = self.head_fields().filter(|field| field.name == name);
        let mut all = values.next()?.value.clone();
        for field in values {
            all.extend_from_slice(b", ");
            all.extend_from_slice(&field.value);
        }
        Some(all)
    }

    /// Whether there is anything to show of it.
    pub const fn tells(&self) -> bool {
        !self.fields.is_empty()
            || !self.settings.is_empty()
            || !self.errors.is_empty()
            || !self.priorities.is_empty()
    }

    fn memory(&self) -> usize {
        let file = self.file.as_ref().map_or(0, File::memory);
        let decoder = self.decoder.as_ref().map_or(0, |decoder| decoder.memory());
        let values = self.windows.len() * 4 + self.settings.len() * 8 + self.errors.len() * 4;
        let dns = self.dns.as_ref().map_or(0, |message| message.memory());
        dns + self.field_bytes + self.fields.len() * size_of::<Field>() + file + decoder + values
    }
}

fn push<T>(values: &mut Vec<T>, value: T) {
    if values.len() < MAX_VALUES {
        values.push(value);
    }
}
