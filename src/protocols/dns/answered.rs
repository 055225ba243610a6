//! Questions that are answered twice, and differently: whoever answers in the server's place has to be
//! faster, and cannot hold the true answer back.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::protocols::formats::dns::{Data, Message, Section};
use crate::time::{Duration, Timestamp};

/// Questions of a flow that are remembered.
const QUESTIONS_MAX: usize = 32;
/// How long a second answer to one is looked at.
const WAIT: Duration = Duration::from_secs(10);
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
    since: Timestamp,
    asked: u32,
    answers: u32,
    /// The addresses that the first answer gave.
    first: u64,
    /// That its answers differ was told.
    told: bool,
}

impl Answered {
    /// A question; a second time it may be answered a second time.
    pub fn question(&mut self, message: &Message, now: Timestamp) {
        let key = key(message);
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
        let (asked, answers, first, told) = (1, 0, 0, false);
        self.questions.push_back(Question { key, since: now, asked, answers, first, told });
    }

    /// An answer; whether its question had another already, with other addresses. Told once of a question.
    pub fn answer(&mut self, message: &Message, now: Timestamp) -> bool {
        if message.flags & CUT != 0 {
            return false;
        }
        let blind = now < self.blind;
        let Some(known) = self.known(key(message), now) else { return false };
        known.answers = known.answers.saturating_add(1);
        let addresses = addresses(message);
        if known.answers == 1 {
            known.first = addresses;
            return false;
        }
        let speaks = addresses != 0 || message.flags & 0xf == NO_SUCH_NAME;
        let differs = known.first != 0 && speaks && addresses != known.first;
        let tells = known.answers > known.asked && differs && !blind && !known.told;
        known.told |= tells;
        tells
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
    }
}

fn key(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.id.hash(&mut hasher);
    for question in &message.questions {
        question.rrtype.hash(&mut hasher);
        message.text(question.name).to_ascii_lowercase().hash(&mut hasher);
    }
    hasher.finish()
}

/// The addresses that an answer gives, in whatever order; 0 without any.
fn addresses(message: &Message) -> u64 {
    let of = |address: &std::net::IpAddr| {
        let mut hasher = DefaultHasher::new();
        address.hash(&mut hasher);
        hasher.finish() | 1
    };
    let answers = message.section(Section::Answer).filter_map(|record| match &record.data {
        Data::Address(address) => Some(of(address)),
        _ => None,
    });
    answers.fold(0, u64::wrapping_add)
}
