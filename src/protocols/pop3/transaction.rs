//! A command and its response, and how EVE shows them.

use crate::field::{Describe, Fields, Tree};

/// A command and its response. A greeting answers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What the client said.
    pub request: Option<Command>,
    /// What the server said.
    pub response: Option<Response>,
}

/// A command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its name: in upper case when it is known.
    pub name: Vec<u8>,
    /// What follows it, at blanks.
    pub arguments: Vec<Vec<u8>>,
}

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Whether it is good: +OK.
    pub success: bool,
    /// What follows the status.
    pub header: Vec<u8>,
    /// Further lines, as many as are kept.
    pub data: Vec<Vec<u8>>,
}

impl Fields for Transaction {
    const FIELDS: &'static [crate::field::Field<Self>] = &[];
}

impl Transaction {
    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let lines = |lines: &[Vec<u8>]| -> usize {
            lines.iter().map(|line| line.capacity() + size_of::<Vec<u8>>()).sum()
        };
        let request = self.request.as_ref().map_or(0, |r| r.name.capacity() + lines(&r.arguments));
        let response = self.response.as_ref().map_or(0, |r| r.header.capacity() + lines(&r.data));
        request + response
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| {
                tree.text("command", &request.name);
                tree.list("args", &mut |tree| {
                    request.arguments.iter().for_each(|argument| tree.text("", argument));
                });
            });
        }
        if let Some(response) = &self.response {
            tree.object("response", &mut |tree| {
                tree.bool("success", response.success);
                tree.text("status", if response.success { b"OK" } else { b"ERR" });
                tree.text("header", &response.header);
                tree.list("data", &mut |tree| {
                    response.data.iter().for_each(|line| tree.text("", line));
                });
            });
        }
    }
}
