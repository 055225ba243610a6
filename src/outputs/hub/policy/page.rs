//! A TOML file read section by section, every mistake told with its line.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// The file, and what was found wrong in it.
pub(super) struct Page<'a> {
    text: &'a str,
    name: &'a str,
    problems: Vec<(usize, String)>,
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a str, name: &'a str) -> Self {
        Self { text, name, problems: Vec::new() }
    }

    /// Something is wrong at that byte.
    pub(super) fn tell(&mut self, at: usize, what: String) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.problems.push((at, format!("{}:{line}: {what}", self.name)));
    }

    /// All of it, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<String> {
        self.problems.sort();
        self.problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// A table of the file.
pub(super) struct Section<'a> {
    name: &'a str,
    /// None when it is missing; then every key that is needed was told with it.
    table: Option<&'a DeTable<'a>>,
    at: usize,
}

impl<'a> Section<'a> {
    pub(super) fn whole(table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { name: "", table: Some(table.get_ref()), at: 0 }
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.and_then(|table| table.get(key))
    }

    fn called(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Keys that are not known are told, with those that are.
    pub(super) fn only(&self, known: &[&str], page: &mut Page<'_>) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            if !known.contains(&key.get_ref().as_ref()) {
                let (name, known) = (self.called(key.get_ref()), known.join(", "));
                page.tell(key.span().start, format!("unknown key {name}; known here: {known}"));
            }
        }
    }

    /// The value of `key` is wrong.
    pub(super) fn wrong(&self, key: &str, what: &str, page: &mut Page<'_>) {
        let at = self.get(key).map_or(self.at, |value| value.span().start);
        page.tell(at, format!("{}: {what}", self.called(key)));
    }

    fn missing(&self, key: &str, help: &str, page: &mut Page<'_>) {
        // Of a section that is not there, its name is told, not each of its keys.
        if self.table.is_some() {
            page.tell(self.at, format!("{} is missing: write {help}", self.called(key)));
        }
    }

    /// A section that has to be there.
    pub(super) fn needed(&self, key: &'a str, page: &mut Page<'_>) -> Self {
        let section = self.optional(key, page);
        if section.table.is_none() && self.get(key).is_none() {
            page.tell(0, format!("the section [{key}] is missing"));
        }
        section
    }

    /// A section that may be there.
    pub(super) fn optional(&self, key: &'a str, page: &mut Page<'_>) -> Self {
        let value = self.get(key);
        let table = match value.map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => Some(table),
            Some(_) => {
                self.wrong(key, &format!("a section: write [{key}] above its keys"), page);
                None
            }
            None => None,
        };
        Self { name: key, table, at: value.map_or(0, |value| value.span().start) }
    }

    /// Sections of one name, `[[name]]`.
    pub(super) fn several(&self, key: &'a str, most: usize, page: &mut Page<'_>) -> Vec<Self> {
        let list = match self.get(key).map(Spanned::get_ref) {
            Some(DeValue::Array(list)) => list,
            Some(_) => {
                let what = format!("there may be several: write [[{key}]] with two brackets");
                self.wrong(key, &what, page);
                return Vec::new();
            }
            None => return Vec::new(),
        };
        if list.len() > most {
            self.wrong(key, &format!("{} of them; at most {most}", list.len()), page);
        }
        let section = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => {
                Some(Self { name: key, table: Some(table), at: value.span().start })
            }
            _ => None,
        };
        list.iter().take(most).filter_map(section).collect()
    }

    /// Text that has to be there.
    pub(super) fn text(&self, key: &str, help: &str, page: &mut Page<'_>) -> Option<String> {
        if self.get(key).is_none() {
            self.missing(key, help, page);
            return None;
        }
        self.optional_text(key, page)
    }

    /// Text that may be there. Empty text is wrong.
    pub(super) fn optional_text(&self, key: &str, page: &mut Page<'_>) -> Option<String> {
        match self.get(key)?.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            DeValue::String(_) => {
                self.wrong(key, "empty: write it or leave the key out", page);
                None
            }
            _ => {
                self.wrong(key, "text: write it between quotation marks", page);
                None
            }
        }
    }

    /// A list of texts that has to be there and not empty.
    pub(super) fn texts(
        &self,
        key: &str,
        help: &str,
        most: usize,
        page: &mut Page<'_>,
    ) -> Option<Vec<String>> {
        let Some(value) = self.get(key) else {
            self.missing(key, help, page);
            return None;
        };
        let read = |list: &DeArray<'_>| {
            let texts = list.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.trim().to_owned()),
                _ => None,
            });
            texts.collect::<Option<Vec<_>>>()
        };
        let texts = match value.get_ref() {
            DeValue::Array(list) => read(list),
            _ => None,
        };
        let texts = texts.filter(|texts| (1..=most).contains(&texts.len()));
        if texts.is_none() {
            self.wrong(key, &format!("write {help}, at most {most}"), page);
        }
        texts
    }

    /// A number that has to be there.
    pub(super) fn number(&self, key: &str, help: &str, page: &mut Page<'_>) -> Option<u64> {
        let Some(value) = self.get(key) else {
            self.missing(key, help, page);
            return None;
        };
        let number = match value.get_ref() {
            DeValue::Integer(integer) => {
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, &format!("no number: write {help}"), page);
        }
        number
    }

    /// A number that may be there, within bounds.
    pub(super) fn number_within(
        &self,
        key: &str,
        default: u64,
        least: u64,
        most: u64,
        page: &mut Page<'_>,
    ) -> u64 {
        if self.get(key).is_none() {
            return default;
        }
        let help = format!("a number within {least} to {most}");
        let Some(value) = self.number(key, &help, page) else { return default };
        if !(least..=most).contains(&value) {
            self.wrong(key, &format!("{value} is not within {least} to {most}"), page);
        }
        value
    }

    /// True or false.
    pub(super) fn truth(&self, key: &str, default: bool, page: &mut Page<'_>) -> bool {
        match self.get(key).map(Spanned::get_ref) {
            Some(DeValue::Boolean(truth)) => *truth,
            Some(_) => {
                self.wrong(key, "write true or false, without quotation marks", page);
                default
            }
            None => default,
        }
    }
}
