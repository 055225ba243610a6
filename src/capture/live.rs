//! Live interfaces: one packet socket per worker, joined in a fanout group of the kernel.
//!
//! The kernel shares frames out by the address pair, so both directions and all flows of two hosts
//! meet in one worker, as they do when the dispatcher shares out a file.

#![allow(
    unsafe_code,
    reason = "fanout groups and waiting need setsockopt and poll, which libpcap does not offer"
)]

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use libc::{sock_filter, sock_fprog};
use pcap::{Active, Capture, Precision};

use super::{Batch, CaptureError, Progress, Source, SourceStats, link_of_dlt};
use crate::time::Timestamp;

/// How long a source waits for frames, milliseconds; also how long the kernel holds a block of
/// its ring that is not full.
const WAIT_MILLIS: i32 = 20;
/// Frames taken of the ring between two looks at the size of the batch.
const TAKEN_AT_ONCE: usize = 64;
/// Sockets in one group, as the kernel has it.
const MAX_WORKERS: usize = 256;
/// A filter that lets nothing pass: no length is both. In place until the group is complete.
const NOTHING: &str = "less 0 and greater 1";

/// How to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// Ring buffer of each worker, MiB; 1 to 2047. Default 64.
    pub buffer_mib: u32,
    /// Bytes captured of a frame at most; 64 to 262144. Default 65535.
    pub snaplen: u32,
    /// Whether the interface takes frames meant for others. Default true.
    pub promiscuous: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { buffer_mib: 64, snaplen: 65_535, promiscuous: true }
    }
}

/// Opens an interface for a number of workers, one source each. `bpf` is a filter in the language
/// of tcpdump.
///
/// What arrives before all sources are ready is left out by all, and counted by none.
///
/// # Errors
/// When there is no such interface, the right to capture is missing, its link type is none that `is_read`,
/// or the filter or an option is wrong; says what to do.
pub fn open_live(
    iface: &str,
    workers: usize,
    options: LiveOptions,
    bpf: Option<&str>,
    is_read: fn(u16) -> bool,
) -> Result<Vec<Box<dyn Source>>, CaptureError> {
    let wrong = |reason: String| CaptureError { input: iface.to_owned(), reason };
    if !(1..=MAX_WORKERS).contains(&workers) {
        return Err(wrong(format!("{workers} workers; 1 to {MAX_WORKERS} are possible")));
    }
    if !(1..=2047).contains(&options.buffer_mib) {
        return Err(wrong(format!("buffer of {} MiB; give 1 to 2047", options.buffer_mib)));
    }
    if !(64..=super::MAX_FRAME).contains(&options.snaplen) {
        let snaplen = options.snaplen;
        return Err(wrong(format!("snaplen of {snaplen} bytes; give 64 to {}", super::MAX_FRAME)));
    }
    let mut sources = Vec::with_capacity(workers);
    for number in 0..workers {
        sources.push(LiveSource::open(iface, number, options)?);
    }
    if let Some(link) = sources.first().map(|source| source.link).filter(|link| !is_read(*link)) {
        return Err(wrong(format!(
            "its frames have link type {link}, which is not read (https://www.tcpdump.org/linktypes.html \
             says what it is); watch another interface"
        )));
    }
    if let Some(warning) = join(&sources).map_err(|error| {
        wrong(format!("the kernel refuses to share out frames over {workers} workers: {error}"))
    })? && let Some(first) = sources.first_mut()
    {
        first.warnings.push(format!("{iface}: {warning}"));
    }
    // A block of the ring is handed over when it is full or this time is over: after it, what came
    // before the filters is there to be thrown away.
    std::thread::sleep(std::time::Duration::from_millis(2 * WAIT_MILLIS.unsigned_abs() as u64));
    for source in &mut sources {
        source.begin(bpf)?;
    }
    Ok(sources.into_iter().map(|source| Box::new(source) as Box<dyn Source>).collect())
}

/// One socket of the group.
struct LiveSource {
    iface: String,
    capture: Capture<Active>,
    link: u16,
    /// Counts what the interface dropped: one source alone does, as the number is of all.
    first: bool,
    stats: SourceStats,
    /// The 32-bit counters of libpcap when last read: kernel, interface.
    seen: (u32, u32),
    warnings: Vec<String>,
}

impl LiveSource {
    /// Opens the socket with a filter that lets nothing pass.
    fn open(iface: &str, number: usize, options: LiveOptions) -> Result<Self, CaptureError> {
        let failed = |error: pcap::Error| explain(iface, &error);
        // Within what the caller has checked, both numbers fit.
        let buffer = (options.buffer_mib << 20).cast_signed();
        let mut capture = Capture::from_device(iface)
            .map_err(failed)?
            // The pseudo-interface of all interfaces knows no promiscuous mode.
            .promisc(options.promiscuous && iface != "any")
            .snaplen(options.snaplen.cast_signed())
            .buffer_size(buffer)
            .timeout(WAIT_MILLIS)
            .precision(Precision::Nano)
            .open()
            .map_err(failed)?
            .setnonblock()
            .map_err(failed)?;
        capture.filter(NOTHING, false).map_err(failed)?;
        let link = link_of_dlt(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        let (stats, warnings) = (SourceStats::default(), Vec::new());
        let (iface, first) = (iface.to_owned(), number == 0);
        Ok(Self { iface, capture, link, first, stats, seen: (0, 0), warnings })
    }

    /// Throws away what came too early and lets frames pass.
    fn begin(&mut self, bpf: Option<&str>) -> Result<(), CaptureError> {
        loop {
            let count = self.capture.dispatch(Some(TAKEN_AT_ONCE), |_| {});
            if count.map_err(|error| explain(&self.iface, &error))? == 0 {
                break;
            }
        }
        self.count();
        self.stats = SourceStats::default();
        self.capture.filter(bpf.unwrap_or_default(), true).map_err(|error| CaptureError {
            input: format!("filter \"{}\"", bpf.unwrap_or_default()),
            reason: format!("{error}; the language is that of tcpdump, see pcap-filter(7)"),
        })
    }

    /// Adds up the counters of libpcap, which are 32 bits wide and turn over.
    fn count(&mut self) {
        let Ok(now) = self.capture.stats() else { return };
        let (kernel, interface) = self.seen;
        self.stats.kernel_dropped += u64::from(now.dropped.wrapping_sub(kernel));
        if self.first {
            self.stats.interface_dropped += u64::from(now.if_dropped.wrapping_sub(interface));
        }
        self.seen = (now.dropped, now.if_dropped);
    }

    /// Takes what is in the ring, up to `count` frames; how many came.
    fn take(&mut self, batch: &mut Batch, count: usize) -> Result<usize, CaptureError> {
        let link = self.link;
        let taken = self.capture.dispatch(Some(count), |packet| {
            let seconds = u64::try_from(packet.header.ts.tv_sec).unwrap_or(0);
            // With the precision asked for, this field holds nanoseconds.
            let nanos = u64::try_from(packet.header.ts.tv_usec).unwrap_or(0);
            batch.push(Timestamp::new(seconds, nanos), link, packet.data, packet.header.len);
        });
        taken.map_err(|error| explain(&self.iface, &error))
    }
}

impl Source for LiveSource {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        let before = batch.frames.len();
        let mut waited = false;
        loop {
            let added = batch.frames.len() - before;
            let count = TAKEN_AT_ONCE.min(limit.saturating_sub(added));
            if count == 0 || batch.is_full(usize::MAX) {
                return Ok(Progress::More);
            }
            self.take(batch, count)?;
            let taken = batch.frames.len() - before - added;
            self.stats.received += taken as u64;
            if taken > 0 {
                continue;
            }
            if added > 0 {
                return Ok(Progress::More);
            }
            if waited {
                return Ok(Progress::Idle);
            }
            wait(self.capture.as_raw_fd());
            waited = true;
        }
    }

    fn stats(&mut self) -> SourceStats {
        self.count();
        self.stats
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// Says what to do about an error of libpcap.
fn explain(iface: &str, error: &pcap::Error) -> CaptureError {
    let said = match error {
        pcap::Error::PcapError(said) => said.clone(),
        other => other.to_string(),
    };
    let lower = said.to_lowercase();
    let reason = if lower.contains("no such device") || lower.contains("doesn't exist") {
        let names = pcap::Device::list().unwrap_or_default();
        let names: Vec<_> = names.into_iter().map(|device| device.name).collect();
        format!("no such interface; there are: {}", names.join(", "))
    } else if lower.contains("permi") {
        format!(
            "no permission to capture ({said}); run as root, or once: \
             sudo setcap cap_net_raw,cap_net_admin=eip \"$(command -v rivellino)\""
        )
    } else if lower.contains("not up") || lower.contains("network is down") {
        format!("the interface is down; bring it up: ip link set dev {iface} up")
    } else {
        said
    };
    CaptureError { input: iface.to_owned(), reason }
}

/// Joins the sockets in one group that shares out by the address pair. If the kernel cannot, it
/// shares out by flow, and the warning says what that means.
fn join(sources: &[LiveSource]) -> io::Result<Option<String>> {
    let (Some(first), true) = (sources.first(), sources.len() > 1) else { return Ok(None) };
    let leader = first.capture.as_raw_fd();
    let mut warning = None;
    let mut mode = libc::PACKET_FANOUT_CBPF;
    let unique = libc::PACKET_FANOUT_FLAG_UNIQUEID;
    let program = pair_hash();
    let begun = set_option(leader, libc::PACKET_FANOUT, &((mode | unique) << 16))
        .and_then(|()| set_option(leader, libc::PACKET_FANOUT_DATA, &as_program(&program)));
    if let Err(error) = begun {
        mode = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
        set_option(leader, libc::PACKET_FANOUT, &((mode | unique) << 16))?;
        warning = Some(format!(
            "the kernel cannot share out by address pair ({error}); it does so by flow: \
             flows of two hosts that belong together may be seen apart"
        ));
    }
    let group = option(leader, libc::PACKET_FANOUT)? & 0xffff;
    for source in sources.iter().skip(1) {
        let joined = group | mode << 16;
        set_option(source.capture.as_raw_fd(), libc::PACKET_FANOUT, &joined)?;
    }
    Ok(warning)
}

/// From the network header on, whatever comes before it (`SKF_NET_OFF` of the kernel).
const NETWORK: u32 = (-0x10_0000i32).cast_unsigned();
/// The EtherType, tags of hardware taken off (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const PROTOCOL: u32 = (-0x1000i32).cast_unsigned();

/// Classic BPF for the kernel (Documentation/networking/filter.rst): a number from the addresses
/// that is the same in both directions. What is neither IPv4 nor IPv6 gives 0.
fn pair_hash() -> Vec<sock_filter> {
    let step = |code: u32, k: u32| sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let jump = |k: u32, jt: u8, jf: u8| {
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        sock_filter { code, jt, jf, k }
    };
    let load = |at: u32| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NETWORK.wrapping_add(at));
    let keep = step(libc::BPF_MISC | libc::BPF_TAX, 0);
    let fold = step(libc::BPF_ALU | libc::BPF_XOR | libc::BPF_X, 0);
    // So that all bits of the addresses bear on the low ones, which the kernel divides.
    let finish = [
        step(libc::BPF_ALU | libc::BPF_MUL | libc::BPF_K, 0x9e37_79b1),
        step(libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K, 16),
        step(libc::BPF_RET | libc::BPF_A, 0),
    ];
    // Source and destination: RFC 791, section 3.1; RFC 8200, section 3.
    let mut version4 = vec![load(12), keep, load(16), fold];
    version4.extend(finish);
    let mut version6 = vec![load(8)];
    for word in 1..8 {
        version6.extend([keep, load(8 + 4 * word), fold]);
    }
    version6.extend(finish);
    let mut program = vec![
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, PROTOCOL),
        jump(0x0800, 2, 0),
        jump(0x86dd, 1 + version4.len() as u8, 0),
        step(libc::BPF_RET | libc::BPF_K, 0),
    ];
    program.extend(version4);
    program.extend(version6);
    program
}

/// For as long as the program lives, which the callers see to.
fn as_program(program: &[sock_filter]) -> sock_fprog {
    sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() }
}

fn set_option<T>(socket: RawFd, name: i32, value: &T) -> io::Result<()> {
    let size = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `size` bytes of `value`, which are there, and keeps no pointer.
    let result = unsafe {
        libc::setsockopt(socket, libc::SOL_PACKET, name, std::ptr::from_ref(value).cast(), size)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn option(socket: RawFd, name: i32) -> io::Result<u32> {
    let mut value = 0u32;
    let mut size = size_of::<u32>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes to `value`, which are there.
    let result = unsafe {
        let value = std::ptr::from_mut(&mut value).cast();
        libc::getsockopt(socket, libc::SOL_PACKET, name, value, &mut size)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Waits until the socket has something to say, or the time is over.
fn wait(socket: RawFd) {
    let mut waiting = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry is handed over, which lives until the call returns.
    unsafe {
        libc::poll(&mut waiting, 1, WAIT_MILLIS);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]

    use std::collections::HashMap;
    use std::net::UdpSocket;

    use super::*;

    /// Frames of many pairs of loopback addresses: all come, each pair to one worker.
    #[test]
    fn shares_out_by_address_pair() {
        const PAIRS: u8 = 40;
        const ROUNDS: usize = 50;
        let options = LiveOptions { buffer_mib: 4, ..LiveOptions::default() };
        let target = UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = target.local_addr().unwrap().port();
        let filter = format!("udp and port {port}");
        let mut workers = match open_live("lo", 3, options, Some(&filter), |_| true) {
            Ok(workers) => workers,
            Err(error) if error.reason.contains("permission") => {
                eprintln!("skipped: {error}");
                return;
            }
            Err(error) => unreachable!("{error}"),
        };
        for pair in 0..PAIRS {
            for _ in 0..ROUNDS {
                let source = UdpSocket::bind(format!("127.0.1.{}:0", pair + 1)).unwrap();
                source.send_to(&[pair; 40], ("127.0.0.1", port)).unwrap();
                target.send_to(&[pair; 40], source.local_addr().unwrap()).unwrap();
            }
        }
        let mut seen: HashMap<u8, Vec<usize>> = HashMap::new();
        let mut received = 0;
        for (number, worker) in workers.iter_mut().enumerate() {
            let mut batch = Batch::default();
            while worker.read(&mut batch, 100).unwrap() != Progress::Idle {}
            for frame in &batch.frames {
                let workers = seen.entry(*batch.bytes(frame).last().unwrap()).or_default();
                workers.push(number);
            }
            let stats = worker.stats();
            assert_eq!(stats.received, batch.frames.len() as u64);
            assert_eq!(stats.kernel_dropped, 0);
            assert!(stats.received > 0, "every worker has its part");
            assert!(worker.warnings().is_empty());
            received += batch.frames.len();
        }
        assert_eq!(received, usize::from(PAIRS) * ROUNDS * 2);
        for (pair, workers) in seen {
            assert!(workers.iter().all(|worker| *worker == workers[0]), "{pair}: {workers:?}");
        }
    }

    #[test]
    fn says_what_to_do() {
        let options = LiveOptions::default();
        let reason = |iface, workers, options, bpf| {
            open_live(iface, workers, options, bpf, |_| true).err().unwrap().reason
        };
        let none = reason("none0", 1, options, None);
        assert!(none.contains("there are:") || none.contains("setcap"), "{none}");
        assert!(reason("lo", 0, options, None).contains("1 to 256"));
        let thin = LiveOptions { snaplen: 1, ..options };
        assert!(reason("lo", 1, thin, None).contains("give 64"));
        let filter = reason("lo", 1, options, Some("port of call"));
        assert!(filter.contains("pcap-filter") || filter.contains("setcap"), "{filter}");
        let unread = open_live("lo", 1, options, None, |_| false).err().unwrap().reason;
        assert!(unread.contains("link type 1,") || unread.contains("setcap"), "{unread}");
    }
}
