//! Questions that are answered twice, and differently: whoever answers in the server's place has to be
//! faster, and cannot hold the true answer back. Who does not see the question has to guess its
//! identifier, and sends many answers with others (D. Kaminsky, 2008; RFC 5452, section 4).

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{ANSWERS_DIFFER, IDENTIFIER_GUESSED};
use crate::field::Event;
use crate::protocols::formats::dns::{Data, Message, Section};
use crate::time::{Duration, Timestamp};

/// Questions of a flow that are remembered.
const QUESTIONS_MAX: usize = 32;
/// How long a second answer to one is looked at.
const WAIT: Duration = Duration::from_secs(10);
/// Answers to a question with identifiers that it did not have, from which on they are no late answers to
/// what was asked before.
const GUESSES_MIN: u32 = 12;
/// Records of an answer that are compared.
const SAID_MAX: usize = 16;
/// A code of response: there is no such name.
const NO_SUCH_NAME: u16 = 3;
/// The bit that says that an answer was cut.
const CUT: u16 = 0x0200;

/// The last questions of a flow.
#[derive(Debug, Default)]
pub struct Answered {
    questions: VecDeque<Question>,
    /// Until when nothing is judged: a question was forgotten for want of room, and when it comes again
    /// it is not known how often it was asked.
    blind: Timestamp,
}

#[derive(Debug)]
struct Question {
    /// Of identifier, name and type.
    key: u64,
    /// Of name and type.
    subject: u64,
    /// Answers with another identifier.
    guesses: u32,
    since: Timestamp,
    asked: u32,
    answers: u32,
    /// What the first answer said: hashes.
    first: Vec<u64>,
    /// That its answers differ was told.
    told: bool,
}

impl Answered {
    /// A question; a second time it may be answered a second time.
    pub fn question(&mut self, message: &Message, now: Timestamp) {
        let subject = subject(message);
        let key = key(message, subject);
        if let Some(known) = self.known(key, now) {
            known.asked = known.asked.saturating_add(1);
            known.since = now;
            return;
        }
        if self.questions.len() >= QUESTIONS_MAX
            && let Some(gone) = self.questions.pop_front()
            && now.since(gone.since) <= WAIT
        {
            self.blind = now.after(WAIT);
        }
        self.questions.push_back(Question {
            key,
            subject,
            guesses: 0,
            since: now,
            asked: 1,
            answers: 0,
            first: Vec::new(),
            told: false,
        });
    }

    /// An answer; the event when its question had another already that says something else altogether, or
    /// when there were many that only guess what it was. Told once of a question.
    pub fn answer(&mut self, message: &Message, now: Timestamp) -> Option<&'static Event> {
        let subject = subject(message);
        let (key, blind) = (key(message, subject), now < self.blind);
        let Some(known) = self.known(key, now) else {
            let guessed = self.is_guessed(key, subject, now);
            return guessed.then_some(&IDENTIFIER_GUESSED);
        };
        if message.flags & CUT != 0 {
            return None;
        }
        known.answers = known.answers.saturating_add(1);
        let said = said(message);
        if known.answers == 1 {
            known.first = said;
            return None;
        }
        let apart = !known.first.is_empty() && !said.is_empty();
        let differs = apart && !said.iter().any(|one| known.first.contains(one));
        let tells = known.answers > known.asked && differs && !blind && !known.told;
        known.told |= tells;
        tells.then_some(&ANSWERS_DIFFER)
    }

    /// Takes an answer that nobody has asked for so; whether it is one of many about what was asked.
    fn is_guessed(&mut self, key: u64, subject: u64, now: Timestamp) -> bool {
        // A late answer, after a line that stood still.
        if self.questions.iter().any(|known| known.key == key) {
            return false;
        }
        let same =
            |known: &&mut Question| known.subject == subject && now.since(known.since) <= WAIT;
        let Some(known) = self.questions.iter_mut().rev().find(same) else { return false };
        known.guesses = known.guesses.saturating_add(1);
        known.guesses == GUESSES_MIN
    }

    fn known(&mut self, key: u64, now: Timestamp) -> Option<&mut Question> {
        self.questions
            .iter_mut()
            .rev()
            .find(|known| known.key == key && now.since(known.since) <= WAIT)
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        self.questions.capacity() * size_of::<Question>()
            + self.questions.iter().map(|known| known.first.capacity() * 8).sum::<usize>()
    }
}

fn key(message: &Message, subject: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.id, subject).hash(&mut hasher);
    hasher.finish()
}

fn subject(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    for question in &message.questions {
        question.rrtype.hash(&mut hasher);
        message.text(question.name).to_ascii_lowercase().hash(&mut hasher);
    }
    hasher.finish()
}

/// What an answer says, as hashes: its addresses, or else the names that it leads to, or that there is no
/// such name. Nothing for one that says that something went wrong.
fn said(message: &Message) -> Vec<u64> {
    fn hash(what: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        hasher.finish()
    }
    let answers = || message.section(Section::Answer).take(SAID_MAX);
    let addresses = answers().filter_map(|record| match &record.data {
        Data::Address(address) => Some(hash(address)),
        _ => None,
    });
    let addresses: Vec<u64> = addresses.collect();
    if !addresses.is_empty() {
        return addresses;
    }
    match message.flags & 0xf {
        0 => {
            let names = answers().filter_map(|record| match record.data {
                Data::Name(name) => Some(hash(message.text(name).to_ascii_lowercase())),
                _ => None,
            });
            names.collect()
        }
        NO_SUCH_NAME => vec![hash(NO_SUCH_NAME)],
        _ => Vec::new(),
    }
}
