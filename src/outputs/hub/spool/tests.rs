//! Killed at every byte, cut at every byte, filled up: what was taken is there, nothing else is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use super::disk::{Folder, Looked};
use super::*;

fn entry(level: Level, number: u64) -> Entry {
    let bytes = format!("entry {number} {}", "x".repeat((number % 5) as usize * 7)).into_bytes();
    Entry { level, at: Timestamp::new(1_000_000 + number, 0), bytes }
}

fn small() -> Limits {
    Limits { bytes: 2_000, segment: 200, seconds: 1_000 }
}

/// In memory where there is such a folder: these tests wait for the disk some ten thousand times.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(path: &Path, limits: Limits) -> Spool<Folder> {
    Spool::open(Folder::open(path).unwrap(), limits).unwrap()
}

fn waiting<D: Disk>(spool: &Spool<D>) -> Vec<Vec<u8>> {
    spool.peek(10_000, usize::MAX).unwrap().into_iter().map(|(_, entry)| entry.bytes).collect()
}

#[test]
fn entries_come_out_gravest_first_and_survive_a_restart() {
    let folder = folder();
    let mut spool = open(folder.path(), small());
    let entries: Vec<Entry> =
        (0..20).map(|n| entry(if n % 3 == 0 { Level::Critical } else { Level::Low }, n)).collect();
    entries.chunks(3).for_each(|batch| spool.append(batch).unwrap());
    let wanted: Vec<Vec<u8>> = [Level::Critical, Level::Low]
        .into_iter()
        .flat_map(|level| entries.iter().filter(move |entry| entry.level == level))
        .map(|entry| entry.bytes.clone())
        .collect();
    assert_eq!(waiting(&spool), wanted);
    assert_eq!(spool.depth().entries, 20);
    drop(spool);
    // One after the other, with a restart after each.
    for done in 0..20 {
        let mut spool = open(folder.path(), small());
        assert_eq!(waiting(&spool), wanted[done..]);
        assert_eq!(spool.depth().entries, 20 - done as u64);
        let (ticket, _) = spool.peek(1, usize::MAX).unwrap().remove(0);
        spool.acknowledge(&[ticket]);
        assert_eq!(spool.depth().entries, 19 - done as u64);
    }
    let spool = open(folder.path(), small());
    assert_eq!(waiting(&spool), Vec::<Vec<u8>>::new());
    assert!(spool.depth().bytes < 2 * 200, "segments that were read are gone");
}

#[test]
fn batches_are_bounded_in_entries_and_bytes() {
    let folder = folder();
    let mut spool = open(folder.path(), Limits { bytes: 1 << 20, ..small() });
    spool.append(&(0..50).map(|n| entry(Level::Low, n)).collect::<Vec<_>>()).unwrap();
    assert_eq!(spool.peek(7, usize::MAX).unwrap().len(), 7);
    assert_eq!(spool.peek(100, 1).unwrap().len(), 1);
    let bytes: usize = spool.peek(100, 100).unwrap().iter().map(|(_, e)| e.bytes.len()).sum();
    assert!(bytes <= 100);
    // All of it, in batches: each once, in order.
    let mut seen = Vec::new();
    loop {
        let batch = spool.peek(7, usize::MAX).unwrap();
        if batch.is_empty() {
            break;
        }
        let (tickets, entries): (Vec<Ticket>, Vec<Entry>) = batch.into_iter().unzip();
        seen.extend(entries);
        spool.acknowledge(&tickets);
    }
    assert_eq!(seen, (0..50).map(|n| entry(Level::Low, n)).collect::<Vec<_>>());
}

#[test]
fn a_segment_cut_or_changed_at_any_byte_gives_what_is_whole() {
    let folder = folder();
    let limits = Limits { segment: 4096, ..small() };
    let entries: Vec<Entry> = (0..6).map(|n| entry(Level::High, n)).collect();
    open(folder.path(), limits).append(&entries).unwrap();
    let path = folder.path().join("high-0000000000000001.seg");
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = segment::entries(&whole, 0).map(|(end, ..)| end as usize).collect();
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let mut spool = open(folder.path(), limits);
        let there = ends.iter().filter(|end| **end <= cut).count();
        let wanted: Vec<_> = entries[..there].iter().map(|entry| entry.bytes.clone()).collect();
        assert_eq!(waiting(&spool), wanted, "cut at {cut}");
        // It goes on as if nothing had been.
        spool.append(&[entry(Level::High, 99)]).unwrap();
        let again = waiting(&open(folder.path(), limits));
        assert_eq!(again.len(), there + 1, "cut at {cut}");
        let _ = std::fs::remove_file(folder.path().join("high-0000000000000002.seg"));
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        std::fs::write(&path, &changed).unwrap();
        for found in waiting(&open(folder.path(), limits)) {
            assert!(entries.iter().any(|entry| entry.bytes == found), "changed at {at}");
        }
    }
}

#[test]
fn a_damaged_state_sends_again_and_loses_nothing() {
    let folder = folder();
    let mut spool = open(folder.path(), Limits { segment: 4096, ..small() });
    spool.append(&(0..6).map(|n| entry(Level::High, n)).collect::<Vec<_>>()).unwrap();
    let tickets: Vec<Ticket> =
        spool.peek(4, usize::MAX).unwrap().into_iter().map(|(ticket, _)| ticket).collect();
    spool.acknowledge(&tickets);
    let state = std::fs::read(folder.path().join("state")).unwrap();
    for cut in 0..state.len() {
        std::fs::write(folder.path().join("state"), &state[..cut]).unwrap();
        assert_eq!(waiting(&open(folder.path(), small())).len(), 6);
    }
    std::fs::write(folder.path().join("state"), &state).unwrap();
    assert_eq!(waiting(&open(folder.path(), small())).len(), 2);
}

/// A disk whose machine loses power after so many written bytes or changes of names.
struct Mortal {
    folder: Folder,
    fuel: usize,
}

impl Mortal {
    fn burn(&mut self, amount: usize) -> Result<(), (usize, io::Error)> {
        let had = std::mem::take(&mut self.fuel);
        match had.checked_sub(amount) {
            Some(rest) => {
                self.fuel = rest;
                Ok(())
            }
            None => Err((had, io::Error::other("dead"))),
        }
    }
}

impl Disk for Mortal {
    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder.read(name)
    }
    fn append(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        match self.burn(bytes.len()) {
            Ok(()) => self.folder.append(name, at, bytes),
            Err((had, error)) => {
                self.folder.append(name, at, &bytes[..had])?;
                Err(error)
            }
        }
    }
    fn truncate(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.burn(1).map_err(|(_, error)| error)?;
        self.folder.truncate(name, bytes)
    }
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.burn(bytes.len() + 1) {
            Ok(()) => self.folder.replace(name, bytes),
            Err((had, error)) => {
                let had = had.min(bytes.len());
                self.folder.append(&format!("{name}.new"), 0, &bytes[..had])?;
                Err(error)
            }
        }
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.burn(1).map_err(|(_, error)| error)?;
        self.folder.remove(name)
    }
}

/// Takes and lets go until the disk dies; what it was told is kept, and what it let go.
fn live_and_die(path: &Path, fuel: usize) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>, bool) {
    let disk = Mortal { folder: Folder::open(path).unwrap(), fuel };
    let mut spool = Spool::open(disk, Limits { bytes: 1 << 20, ..small() }).unwrap();
    let (mut kept, mut let_go) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..12_u64 {
        let level = LEVELS[(round % 3) as usize + 1];
        let batch = [entry(level, round * 2), entry(level, round * 2 + 1)];
        if spool.append(&batch).is_ok() {
            kept.extend(batch.into_iter().map(|entry| entry.bytes));
        }
        if round % 2 == 1 {
            let (tickets, entries): (Vec<_>, Vec<_>) =
                spool.peek(3, usize::MAX).unwrap().into_iter().unzip();
            spool.acknowledge(&tickets);
            let_go.extend(entries.into_iter().map(|entry| entry.bytes));
        }
        if spool.disk.fuel == 0 {
            return (kept, let_go, true);
        }
    }
    (kept, let_go, false)
}

#[test]
fn killed_at_every_byte_nothing_that_was_taken_is_lost() {
    let mut fuel = 0;
    loop {
        let folder = folder();
        let (kept, let_go, died) = live_and_die(folder.path(), fuel);
        let spool = open(folder.path(), Limits { bytes: 1 << 20, ..small() });
        let there: BTreeSet<Vec<u8>> = waiting(&spool).into_iter().collect();
        let missing: Vec<_> =
            kept.difference(&let_go).filter(|entry| !there.contains(*entry)).collect();
        assert!(missing.is_empty(), "fuel {fuel}: {missing:?}");
        assert_eq!(spool.depth().entries as usize, waiting(&spool).len(), "fuel {fuel}");
        if !died {
            assert!(there.is_disjoint(&let_go), "nothing is sent twice without a kill");
            break;
        }
        fuel += 1;
    }
    assert!(fuel > 1_000, "the scenario writes little: {fuel}");
}

/// A disk with so much room.
struct Full {
    folder: Folder,
    room: u64,
}

impl Full {
    fn used(&self) -> u64 {
        let names = self.folder.list().unwrap();
        names.iter().map(|name| self.folder.read(name).unwrap().len() as u64).sum()
    }
}

impl Disk for Full {
    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder.read(name)
    }
    fn append(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let room = self.room.saturating_sub(self.used()) as usize;
        if room < bytes.len() {
            self.folder.append(name, at, &bytes[..room])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.folder.append(name, at, bytes)
    }
    fn truncate(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.folder.truncate(name, bytes)
    }
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.room.saturating_sub(self.used()) < bytes.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.folder.replace(name, bytes)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }
}

#[test]
fn a_full_disk_costs_the_lowest_is_counted_and_passes() {
    let folder = folder();
    let disk = Full { folder: Folder::open(folder.path()).unwrap(), room: 1_500 };
    let mut spool = Spool::open(disk, Limits { bytes: 1 << 20, ..small() }).unwrap();
    let mut refused = 0;
    for number in 0..100 {
        refused += u64::from(spool.append(&[entry(Level::Low, number)]).is_err());
    }
    let low = waiting(&spool).len() as u64;
    assert!(low > 0 && low < 100);
    assert_eq!(low + spool.dropped().iter().sum::<u64>(), 100, "every one is there or counted");
    // What is graver takes the place of what is less grave.
    for number in 100..110 {
        spool.append(&[entry(Level::Critical, number)]).unwrap();
    }
    let there = waiting(&spool);
    assert_eq!(there.iter().filter(|bytes| bytes.starts_with(b"entry 10")).count(), 10);
    assert_eq!(there.len() as u64 + spool.dropped().iter().sum::<u64>(), 110);
    // Room comes back.
    spool.disk.room = 1 << 20;
    spool.append(&[entry(Level::Low, 500)]).unwrap();
    let wanted = waiting(&spool);
    drop(spool);
    assert_eq!(waiting(&open(folder.path(), Limits { bytes: 1 << 20, ..small() })), wanted);
    assert!(refused <= 100);
}

#[test]
fn bounds_of_bytes_and_days_give_up_the_lowest_and_oldest_first() {
    let folder = folder();
    let mut spool = open(folder.path(), small());
    for number in 0..30 {
        spool.append(&[entry(Level::High, number)]).unwrap();
        spool.append(&[entry(Level::Low, 5_000 + number)]).unwrap();
    }
    assert!(spool.depth().bytes <= 2_000);
    let there = waiting(&spool);
    let high = there.iter().filter(|bytes| !bytes.starts_with(b"entry 50")).count();
    assert_eq!(high, 30, "the higher level is whole while there is some of the lower");
    assert!(!there.contains(&entry(Level::Low, 5_000).bytes), "the oldest went first");
    let stone = &spool.tombstones()[0];
    assert_eq!((stone.level, stone.why), (Level::Low, Dropped::Room));
    let [room, ..] = spool.dropped();
    assert_eq!(there.len() as u64 + room, 60);
    // Without room and with nothing lower, the new one is refused and counted.
    for number in 30..200 {
        spool.append(&[entry(Level::High, number)]).unwrap();
    }
    spool.append(&[entry(Level::Info, 7)]).unwrap();
    assert!(!waiting(&spool).contains(&entry(Level::Info, 7).bytes));
    // Days.
    let kept = waiting(&spool).len() as u64;
    spool.prune(Timestamp::new(1_000_000 + 199 + 1_001, 0));
    assert!(waiting(&spool).is_empty());
    let [_, age, ..] = spool.dropped();
    assert_eq!(age, kept);
    assert_eq!(open(folder.path(), small()).dropped(), spool.dropped(), "counts outlive a restart");
    // What is too large to be an entry.
    let large = Entry { bytes: vec![0; ENTRY_BYTES_MAX + 1], ..entry(Level::High, 1) };
    spool.append(&[large, entry(Level::High, 2)]).unwrap();
    assert_eq!(waiting(&spool).len(), 1);
}

#[test]
fn who_only_looks_sees_what_waits_and_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("spool");
    let look = || Spool::open(Looked::at(&path), small()).unwrap();
    assert_eq!(look().depth(), Depth::default(), "what is not there yet is empty");
    assert!(!path.exists());
    let mut spool = open(&path, small());
    spool.append(&(0..20).map(|n| entry(Level::Low, n)).collect::<Vec<_>>()).unwrap();
    let tickets: Vec<Ticket> =
        spool.peek(3, usize::MAX).unwrap().into_iter().map(|(ticket, _)| ticket).collect();
    spool.acknowledge(&tickets);
    // As if it were just being written.
    let segments = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
    let last = segments.filter(|path| path.extension().is_some()).max().unwrap();
    let whole = std::fs::read(&last).unwrap();
    std::fs::write(&last, &whole[..whole.len() - 1]).unwrap();
    let files = || {
        let files = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
        files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect::<BTreeSet<_>>()
    };
    let before = files();
    let looked = look();
    assert_eq!((looked.depth().entries, spool.depth().entries), (16, 17));
    assert_eq!(files(), before);
}

#[test]
fn only_the_owner_reads_what_waits() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mut spool = open(folder.path(), small());
    spool.append(&[entry(Level::Low, 1)]).unwrap();
    let (ticket, _) = spool.peek(1, usize::MAX).unwrap().remove(0);
    spool.acknowledge(&[ticket]);
    let mut count = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        count += 1;
    }
    assert_eq!(count, 2, "a segment and the state");
}
