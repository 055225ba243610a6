//! What the system asks for: stop, reload.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Exit code after a second interrupt: 128 and the number of the signal, as shells have it.
const INTERRUPTED: i32 = 130;

/// Set by signals, read by the engine between rounds.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Flags {
    /// Whether to come to an end: SIGINT or SIGTERM came, or [`Flags::ask_stop`] was called.
    pub fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks for the end.
    pub fn ask_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether SIGHUP came since the last call: load the rules anew.
    pub fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }

    /// The flag itself, for an engine that knows no signals.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

/// Listens for signals until the runtime ends. A second SIGINT ends the program at once.
///
/// # Errors
/// When the system refuses to hand over signals.
pub(super) fn listen(flags: &Flags) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let flags = flags.clone();
    Ok(async move {
        loop {
            tokio::select! {
                Some(()) = interrupt.recv() => {
                    if flags.stop() {
                        std::process::exit(INTERRUPTED);
                    }
                    flags.ask_stop();
                }
                Some(()) = terminate.recv() => flags.ask_stop(),
                Some(()) = hangup.recv() => flags.reload.store(true, Ordering::Relaxed),
                else => return,
            }
        }
    })
}
