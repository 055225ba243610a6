//! Pairs of words, all in one text: rules say many of themselves, and few are ever shown.

/// Stands behind each word. A rule is one line, so no word of it holds one.
const END: char = '\n';

/// Pairs of words in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Box<str>);

impl Pairs {
    /// Adds pairs behind those that are there.
    pub fn extend<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut text = String::from(std::mem::take(&mut self.0));
        for word in pairs.flat_map(|(first, second)| [first, second]) {
            // Hundreds of thousands as rules load, of which hardly any holds one.
            match memchr::memchr(END as u8, word.as_bytes()) {
                None => text.push_str(word),
                Some(_) => word.split(END).for_each(|part| text.push_str(part)),
            }
            text.push(END);
        }
        self.0 = text.into_boxed_str();
    }

    /// The pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut words = self.0.split_terminator(END);
        std::iter::from_fn(move || words.next().zip(words.next()))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut pairs = Pairs::default();
        assert!(pairs.is_empty() && pairs.iter().next().is_none());
        pairs.extend([("tag", "a b"), ("", "url")].into_iter());
        pairs.extend([("tag", ""), ("odd\nkey", "x")].into_iter());
        let all: Vec<_> = pairs.iter().collect();
        assert_eq!(all, [("tag", "a b"), ("", "url"), ("tag", ""), ("oddkey", "x")]);
    }
}
