//! Those who mean harm, each at a chosen strength: what they do is known, so that what is found can
//! be judged.

mod channels;
mod crowd;
mod inside;
mod outside;

pub use crowd::crowd;

use super::chance::Chance;
use super::wire::{MINUTE, Nanos};
use super::{Habit, Place};

/// From the first packet to the attack.
pub const BEGIN: Nanos = 10 * MINUTE;
/// Who attacks from within: the second of the people.
pub const INSIDER: [u8; 4] = [192, 168, 10, 102];
/// Who attacks from elsewhere.
pub const OUTSIDER: [u8; 4] = [203, 0, 113, 66];

/// An attack that can be made stronger.
pub struct Attack {
    pub name: &'static str,
    /// Detectors that may find it.
    pub detectors: &'static [&'static str],
    /// What its strength counts.
    pub unit: &'static str,
    /// From what may pass to what must not.
    pub strengths: &'static [u64],
    /// How long it is listened to.
    pub length: Nanos,
    /// A finding of it names one of these.
    pub who: &'static [[u8; 4]],
    /// Makes it: strength, chance, when it begins.
    pub make: fn(u64, Chance, Nanos) -> Habit,
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Attack> {
    [outside::ATTACKS, channels::ATTACKS, inside::ATTACKS].into_iter().flatten()
}

/// Does something so many times: from `begin` on, after pauses of `pause`, more or less by `jitter`.
fn times(
    mut chance: Chance,
    begin: Nanos,
    (count, pause, jitter): (u64, Nanos, f64),
    mut act: impl FnMut(u64, Nanos, &mut Place, &mut Chance) + Send + 'static,
) -> Habit {
    let mut done = 0;
    Box::new(move |now, place| {
        if now < begin {
            return Some(begin);
        }
        if done == count {
            return None;
        }
        act(done, now, place, &mut chance);
        done += 1;
        Some(now + chance.about(pause, jitter))
    })
}
