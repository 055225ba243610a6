//! The files attached to a message, filled as the message is read.

use super::Step;
use crate::field::Side;
use crate::file::{FILES_MAX, File, Wants};

/// The files attached to a message: at most [`FILES_MAX`], of further ones nothing is kept.
#[derive(Default)]
pub struct Attached {
    files: Vec<File>,
    /// The one that is open; `None` too when it is one too many.
    open: Option<usize>,
}

impl Attached {
    /// Takes a step of a message that `side` sends; the numbers of files that ended are added to
    /// `ended`.
    pub fn step(&mut self, step: Step<'_>, side: Side, wants: Wants, ended: &mut Vec<u32>) {
        match step {
            Step::Open(name) => {
                self.cut_off(ended);
                if self.files.len() < FILES_MAX {
                    self.open = Some(self.files.len());
                    self.files.push(File::open(name, side, wants));
                }
            }
            Step::Data(data) => {
                if let Some(file) = self.open.and_then(|index| self.files.get_mut(index)) {
                    file.add(data);
                }
            }
            Step::Close => {
                if let Some(index) = self.open.take()
                    && let Some(file) = self.files.get_mut(index)
                {
                    file.close();
                    ended.extend(u32::try_from(index));
                }
            }
        }
    }

    /// No more of the message will be seen.
    pub fn cut_off(&mut self, ended: &mut Vec<u32>) {
        if let Some(index) = self.open.take()
            && let Some(file) = self.files.get_mut(index)
        {
            file.truncate();
            ended.extend(u32::try_from(index));
        }
    }

    /// A file by its number.
    pub fn get(&self, index: u32) -> Option<&File> {
        self.files.get(usize::try_from(index).ok()?)
    }

    /// The same, to mark it.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut File> {
        self.files.get_mut(usize::try_from(index).ok()?)
    }

    /// Bytes they hold, about.
    pub fn memory(&self) -> usize {
        self.files.iter().map(|file| size_of::<File>() + file.memory()).sum()
    }
}
