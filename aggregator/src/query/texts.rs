//! Texts of all segments by number, so that rows are grouped by numbers.

use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;

/// Texts of all segments by number.
#[derive(Debug, Default)]
pub struct Texts {
    pub(super) strings: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Texts {
    /// The number of a text.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.strings.len() as u32;
        let text: Arc<str> = Arc::from(text);
        self.strings.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    /// The text of a number.
    pub fn text(&self, number: u32) -> &str {
        self.strings.get(number as usize).map_or("", |text| text)
    }
}

/// Texts that several threads number.
pub type SharedTexts = Arc<Mutex<Texts>>;
