//! A log-in, or a session without one; and how EVE shows it.

use super::environment::Environment;
use crate::field::{Describe, Tree};

/// How a log-in went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// The server has not said.
    #[default]
    Unknown,
    /// The server let the user in.
    Success,
    /// It did not.
    Failure,
}

impl Login {
    /// As EVE and rules name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A log-in, or a session in which nobody logs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Who logs on.
    pub user: Vec<u8>,
    /// Whether a password was typed, which anybody on the way could read.
    pub secret: bool,
    /// How it went, once a password was asked for and typed.
    pub login: Option<Login>,
    /// What is known of the client.
    pub environment: Environment,
}

impl Transaction {
    /// Who logs on, as typed, or as the environment says.
    pub fn user(&self) -> &[u8] {
        if self.user.is_empty() { &self.environment.user } else { &self.user }
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        self.user.capacity() + self.environment.memory()
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        let user = self.user();
        if !user.is_empty() {
            tree.text("user", user);
        }
        if let Some(login) = self.login {
            tree.text("login", login.name().as_bytes());
        }
        tree.bool("cleartext_password", self.secret);
        let environment = &self.environment;
        if !environment.terminal.is_empty() {
            tree.text("terminal_type", &environment.terminal);
        }
        if let Some((columns, rows)) = environment.window {
            tree.int("columns", columns.into());
            tree.int("rows", rows.into());
        }
        if !environment.variables.is_empty() {
            tree.list("environment", &mut |tree| {
                environment.variables.iter().for_each(|text| tree.text("", text));
            });
        }
    }

    /// Of a session that says nothing the flow's record says enough.
    fn is_logged(&self) -> bool {
        *self != Self::default()
    }
}
