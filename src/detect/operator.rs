//! What an operator is: a keyword that does something, as opposed to naming a field.

use super::buffer::{Content, MAX_STEPS, MAX_VARIABLES, Step};
use super::datasets::Companions;
use super::rule::{Absent, Buffer, BufferTest, Rule, Transform};
use crate::field::Side;

/// What is wrong with an argument, in words; the caller adds file, line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code: `R012`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The part of the argument that is wrong, in bytes of it.
    pub span: std::ops::Range<usize>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A keyword that does something. One file in `operators/`, one static, one list.
pub struct Operator {
    /// The keyword.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    /// The grammar of its argument.
    pub syntax: &'static str,
    /// Run as tests: each must compile and give what it says.
    pub examples: &'static [Example],
    /// Adds what the argument says to the rule being built. The argument is raw, as it stands
    /// after the colon: quotes, escapes and a leading `!` included; `None` without a colon.
    pub compile: fn(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem>,
}

/// A rule body and a payload that shows what it does.
pub struct Example {
    /// Options of a rule over the raw payload, or over a packet that carries it.
    pub rule: &'static str,
    /// The payload of one packet to the server.
    pub payload: &'static [u8],
    /// Whether it alerts.
    pub alerts: bool,
}

/// A rule being built.
pub struct Builder {
    /// What is there so far.
    pub rule: Rule,
    /// The current sticky buffer; `None` is the payload. Set by [`Builder::select`].
    pub sticky: Option<Buffer>,
    /// Transforms of the current sticky buffer.
    pub transforms: Vec<Transform>,
    /// Where the next test goes, once the current selection has one.
    pub open: Option<Place>,
    /// Whether `open` is where a legacy modifier moved the last content: the next test does not
    /// go there.
    pub moved: bool,
    /// Names of `byte_extract` variables; the position is their number.
    pub variables: Vec<String>,
    /// Sides that the keywords so far have shown.
    pub sides: Vec<Side>,
    /// Sets of values, and files that rules name.
    pub companions: Companions,
}

/// A chain of a rule being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Rule::buffers`].
    pub test: usize,
    /// Index of the step whose decoded bytes the chain tests (`base64_data`).
    pub decoded: Option<usize>,
}

impl Problem {
    /// A problem with the whole argument, or with what the operator needs around it.
    pub fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span: 0..0, help: None }
    }

    /// The same, about a part of the argument: where `part`, a slice of it, stands.
    #[must_use]
    pub fn at(mut self, argument: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(argument.as_ptr() as usize);
        let start = start.min(argument.len());
        self.span = start..(start + part.len()).min(argument.len());
        self
    }
}

impl Builder {
    /// Makes `sticky` the current buffer: what a field keyword, or `pkt_data` with `None`, does.
    pub fn select(&mut self, sticky: Option<&'static str>) {
        self.select_buffer(sticky.map(Buffer::Field));
    }

    /// The same of any buffer.
    pub fn select_buffer(&mut self, sticky: Option<Buffer>) {
        self.sticky = sticky;
        self.transforms.clear();
        self.open = None;
        self.moved = false;
    }

    /// Adds a test on the current buffer. A field named again begins a chain of its own; the
    /// payload has but one.
    pub fn push(&mut self, step: Step) -> Result<(), Problem> {
        // What counts from a content that was moved goes where it went.
        let follows = self.moved && step.follows_cursor();
        let place = match self.open.filter(|_| follows || !self.moved) {
            Some(place) => place,
            None => {
                let buffer = self.sticky.unwrap_or(Buffer::Payload);
                let known = self.sticky.is_none().then(|| self.chain(&buffer)).flatten();
                let test = known.unwrap_or_else(|| self.begin(buffer));
                Place { test, decoded: None }
            }
        };
        self.open = Some(place);
        self.moved = follows;
        let Some(steps) = self.steps(place) else { return Ok(()) };
        if steps.len() >= MAX_STEPS {
            return Err(Problem::whole(
                "R101",
                format!("more than {MAX_STEPS} tests on one buffer"),
            ));
        }
        steps.push(step);
        Ok(())
    }

    /// The last content, for the modifiers behind it; `keyword` names the modifier.
    pub fn content(&mut self, keyword: &str) -> Result<&mut Content, Problem> {
        // Other tests may stand between a content and its modifiers.
        let steps = self.open.and_then(|place| self.steps(place));
        let last = steps.and_then(|steps| {
            steps.iter_mut().rev().find_map(|step| match step {
                Step::Content(content) => Some(content),
                _ => None,
            })
        });
        match last {
            Some(content) => Ok(content),
            None => Err(Problem::whole("R102", format!("`{keyword}` needs a `content` before it"))
                .hint(format!("put `{keyword}` right behind the content that it modifies"))),
        }
    }

    /// Joins the chain of the last test, which turns out to be relative, to the earlier chain on
    /// the same buffer, if it is the first of its own.
    pub fn join_chain(&mut self) {
        let Some(place) = self.open.filter(|place| place.decoded.is_none()) else { return };
        let Some(test) = self.rule.buffers.get(place.test) else { return };
        let same =
            |other: &BufferTest| other.buffer == test.buffer && other.transforms == test.transforms;
        let earlier = self.rule.buffers.iter().take(place.test).rposition(same);
        if let (1, Some(to)) = (test.steps.len(), earlier) {
            let moved = self.moved;
            self.relocate(to, None);
            self.moved = moved;
        }
    }

    /// Where the last content is: its chain and its place there; `None` behind `base64_data`.
    pub fn last_step(&mut self) -> Option<(usize, usize)> {
        let place = self.open.filter(|place| place.decoded.is_none())?;
        let steps = self.steps(place)?;
        Some((place.test, steps.iter().rposition(|step| step.content().is_some())?))
    }

    /// Moves the last content to another buffer: what the legacy modifiers (`http_uri`) do. All that
    /// they move to one buffer is one chain. `keyword` names the modifier.
    pub fn move_last(&mut self, field: &'static str, keyword: &str) -> Result<(), Problem> {
        if self.sticky.is_some() {
            return Err(Problem::whole("R103", format!("`{keyword}` behind a sticky buffer"))
                .hint("use either the sticky buffer or the modifier"));
        }
        self.content(keyword)?;
        let step = self.last_step().map(|(_, step)| step);
        self.move_to(Buffer::Field(field), step);
        Ok(())
    }

    /// Moves a test of the current chain, the last unless `step` says otherwise, to the chain of
    /// `buffer`, to a new one if there is none. The next test does not follow it there.
    pub(super) fn move_to(&mut self, buffer: Buffer, step: Option<usize>) {
        let to = self.chain(&buffer).unwrap_or_else(|| self.begin(buffer));
        self.relocate(to, step);
        self.moved = true;
    }

    fn relocate(&mut self, mut to: usize, step: Option<usize>) {
        let from = self.open.filter(|place| place.decoded.is_none() && place.test != to);
        let Some(from) = from else { return };
        let Some(steps) = self.steps(from) else { return };
        let Some(index) = step.or(steps.len().checked_sub(1)).filter(|at| *at < steps.len()) else {
            return;
        };
        let step = steps.remove(index);
        let emptied = steps.is_empty();
        let at = self.rule.buffers.get_mut(to).map_or(0, |test| {
            test.steps.push(step);
            test.steps.len() - 1
        });
        if let Some((test, step)) = self.rule.fast_pattern.as_mut()
            && *test == from.test
        {
            if *step == index {
                (*test, *step) = (to, at);
            } else if *step > index {
                *step -= 1;
            }
        }
        if emptied {
            self.rule.buffers.remove(from.test);
            to -= usize::from(to > from.test);
            if let Some((test, _)) = self.rule.fast_pattern.as_mut() {
                *test -= usize::from(*test > from.test);
            }
        }
        // Modifiers behind this one still mean the content.
        self.open = Some(Place { test: to, decoded: None });
    }

    /// The number of a variable that a rule sets: a new one, or the one of that name.
    pub fn define(&mut self, name: &str) -> Result<usize, Problem> {
        if let Some(index) = self.variable(name) {
            return Ok(index);
        }
        if self.variables.len() >= MAX_VARIABLES {
            return Err(Problem::whole("R104", format!("more than {MAX_VARIABLES} variables")));
        }
        self.variables.push(name.to_owned());
        self.rule.variables = self.variables.len();
        Ok(self.variables.len() - 1)
    }

    /// The number of a variable that was set before.
    pub fn variable(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|known| known == name)
    }

    /// The steps of a chain.
    pub(super) fn steps(&mut self, place: Place) -> Option<&mut Vec<Step>> {
        let steps = &mut self.rule.buffers.get_mut(place.test)?.steps;
        match place.decoded {
            None => Some(steps),
            Some(step) => match steps.get_mut(step)? {
                Step::Decode(_, inner) => Some(inner),
                _ => None,
            },
        }
    }

    /// The last chain on `buffer` with the current transforms.
    pub(super) fn chain(&self, buffer: &Buffer) -> Option<usize> {
        let same = |test: &BufferTest| test.buffer == *buffer && test.transforms == self.transforms;
        self.rule.buffers.iter().rposition(same)
    }

    /// Says that the current sticky buffer may, or must, be missing.
    pub fn absent(&mut self, absent: Absent) -> Result<(), Problem> {
        let Some(buffer) = self.sticky.filter(|_| self.open.is_none()) else {
            return Err(Problem::whole("R182", "`absent` stands right behind a sticky buffer")
                .hint("write for example `http.referer; absent;`"));
        };
        let test = self.begin(buffer);
        self.open = Some(Place { test, decoded: None });
        if let Some(test) = self.rule.buffers.get_mut(test) {
            test.absent = absent;
        }
        Ok(())
    }

    fn begin(&mut self, buffer: Buffer) -> usize {
        let transforms = self.transforms.clone();
        let (steps, absent) = (Vec::new(), Absent::No);
        self.rule.buffers.push(BufferTest { buffer, transforms, steps, absent });
        self.rule.buffers.len() - 1
    }
}
