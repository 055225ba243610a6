//! How well detectors detect: over labelled captures, over an office's hours, by the strength of
//! attacks, and at what cost. The tables are kept; `QUALITY=update` writes them anew, to be read
//! before they are kept.

mod cost;
mod labelled;
mod office;
mod signatures;
mod state;
mod strength;

use std::sync::Mutex;

use crate::support::root;

/// Compares a table with the one that is kept, or keeps it.
fn keep(name: &str, table: &str) {
    let path = root().join("tests/quality").join(name);
    if std::env::var_os("QUALITY").is_some_and(|value| value == "update") {
        std::fs::write(&path, table).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let other: Vec<String> = kept
        .lines()
        .filter(|line| !table.lines().any(|new| new == *line))
        .map(|line| format!("- {line}"))
        .chain(
            table
                .lines()
                .filter(|line| !kept.lines().any(|old| old == *line))
                .map(|l| format!("+ {l}")),
        )
        .collect();
    assert!(kept == table, "{name} differs (QUALITY=update keeps it):\n{}", other.join("\n"));
}

/// Does `work` for each of `items`, two at a time; results in their order.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
