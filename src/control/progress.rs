//! How far a replay has come, on standard error if a person looks at it.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws in a second at most.
const REDRAWS: u8 = 8;

/// A bar with rate and time left; nothing when standard error is no terminal.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of so many bytes in all; 0 when not known. `wanted` is what the person asked for.
    pub fn new(bytes_total: u64, wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let (bar, look) = if bytes_total > 0 {
            let look = "{bar:30} {percent:>3} % {bytes_per_sec}, {eta} left, {msg}";
            (ProgressBar::with_draw_target(Some(bytes_total), target), look)
        } else {
            let look = "{spinner} {bytes} {bytes_per_sec}, {msg}";
            (ProgressBar::with_draw_target(None, target), look)
        };
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar: Some(bar) }
    }

    /// Shows how many bytes are read and packets seen.
    pub fn update(&self, bytes_read: u64, packets: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes_read);
            bar.set_message(format!("{} packets", HumanCount(packets)));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
