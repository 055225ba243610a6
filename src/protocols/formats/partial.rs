//! Units of a stream, put together from chunks however they are cut.

/// The beginning of a unit whose end has not come. Whoever feeds it bounds the size of its units.
#[derive(Debug, Default)]
pub struct Partial {
    held: Vec<u8>,
}

impl Partial {
    /// Offers what is held and `bytes`, as one, to `take` as long as it takes something. It gives
    /// how many bytes it took, 0 when it needs more, and must come to the same whether it sees a
    /// unit at once or grow. The rest is held.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8]) -> usize) {
        if self.held.is_empty() {
            let rest = taken(bytes, &mut take);
            self.held.extend_from_slice(rest);
            return;
        }
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let left = taken(&held, &mut take).len();
        self.held = held;
        let took = self.held.len().saturating_sub(left);
        if took > 0 {
            self.held.drain(..took);
            // What was large once should not stay so.
            if self.held.capacity() > 4 * self.held.len().max(4096) {
                self.held.shrink_to_fit();
            }
        }
    }

    /// Forgets what is held.
    pub fn clear(&mut self) {
        self.held = Vec::new();
    }

    /// Bytes held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.held.capacity()
    }
}

/// The rest of a unit that is not waited for: its content is taken as it comes.
#[derive(Default)]
pub struct Rest {
    /// Bytes of the unit that are to come.
    pub left: u64,
    /// The exchange whose file they are of.
    pub file: Option<u64>,
    /// Bytes of them that are content; the others follow.
    pub content: u64,
}

impl Rest {
    /// Takes up to so many bytes away: how many, and how many of them are content.
    pub fn pass(&mut self, count: u64) -> (u64, u64) {
        let taken = self.left.min(count);
        let content = self.content.min(taken);
        self.left -= taken;
        self.content -= content;
        (taken, content)
    }
}

fn taken<'a>(bytes: &'a [u8], take: &mut impl FnMut(&[u8]) -> usize) -> &'a [u8] {
    let mut rest = bytes;
    while !rest.is_empty() {
        let took = take(rest);
        match rest.get(took..) {
            Some(after) if took > 0 => rest = after,
            _ => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_the_same_however_they_are_cut() {
        let stream = b"\x02ab\x00\x01c\x03def\x05gh";
        for size in 1..=stream.len() {
            let (mut partial, mut units) = (Partial::default(), Vec::new());
            for chunk in stream.chunks(size) {
                partial.feed(chunk, |bytes| {
                    let Some((length, rest)) = bytes.split_first() else { return 0 };
                    let Some(unit) = rest.get(..usize::from(*length)) else { return 0 };
                    units.push(unit.to_vec());
                    1 + unit.len()
                });
            }
            assert_eq!(units, [&b"ab"[..], b"", b"c", b"def"], "chunks of {size}");
            assert_eq!(partial.len(), 3);
        }
    }
}
