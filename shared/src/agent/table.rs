//! An ordered table of substrings, all of them looked for in one reading of a text.
//!
//! A substring counts only where a word begins (`Line/` is not in `Online/`), and case counts. Of
//! all that occur, the one that stands first in the table wins, wherever in the text it stands.

/// How many chains the index has; a power of two.
const HEADS: usize = 128;
/// The end of a chain.
const NONE: u8 = u8::MAX;

/// Rules in their order, with an index by a substring's first two bytes.
pub struct Table<T: 'static, const N: usize> {
    rules: &'static [(&'static str, T)],
    /// Per hash the first rule of its chain.
    heads: [u8; HEADS],
    /// Per rule the next one, further down in the table, of the same hash.
    next: [u8; N],
}

/// The best rule so far: its place in the table, and where in the text its substring ends.
pub type Found = Option<(usize, usize)>;

const fn hash(first: u8, second: u8) -> usize {
    (first as usize * 5 + second as usize) % HEADS
}

impl<T, const N: usize> Table<T, N> {
    /// Builds the index, at compile time.
    // Evaluated by the compiler only: a bad index would be a compile error.
    #[allow(clippy::indexing_slicing, clippy::panic)]
    pub const fn new(rules: &'static [(&'static str, T)]) -> Self {
        assert!(N == rules.len(), "one link for each rule");
        assert!(N < NONE as usize, "a rule's place is one byte");
        let mut heads = [NONE; HEADS];
        let mut next = [NONE; N];
        let mut at = N;
        while at > 0 {
            at -= 1;
            let needle = rules[at].0.as_bytes();
            let hash = hash(needle[0], needle[1]);
            next[at] = heads[hash];
            heads[hash] = at as u8;
        }
        Table { rules, heads, next }
    }

    /// Looks which rule stands at `at` in `text`, and keeps it if it comes before `best`.
    #[inline]
    pub fn look(&self, text: &str, at: usize, best: &mut Found) {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let [first, second, ..] = *rest else { return };
        let below = best.map_or(N, |(place, _)| place);
        let mut place = self.heads.get(hash(first, second)).copied().unwrap_or(NONE);
        while usize::from(place) < below {
            if let Some((needle, _)) = self.rules.get(usize::from(place))
                && rest.starts_with(needle.as_bytes())
            {
                *best = Some((place.into(), at + needle.len()));
                return;
            }
            place = self.next.get(usize::from(place)).copied().unwrap_or(NONE);
        }
    }

    /// What the table holds for what was found, and the text after its substring.
    pub fn get<'a>(&self, found: Found, text: &'a str) -> Option<(&'static T, &'a str)> {
        let (place, end) = found?;
        let (_, value) = self.rules.get(place)?;
        Some((value, text.get(end..).unwrap_or_default()))
    }
}

/// Where words begin: every ASCII letter or digit, or other character, not preceded by a letter or
/// a digit.
pub fn word_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut in_word = false;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        let starts = !in_word;
        in_word = byte.is_ascii_alphanumeric();
        starts.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Table<u8, 3> = Table::new(&[("Edg/", 1), ("Chrome/", 2), ("Line/", 3)]);

    fn find(text: &str) -> Option<(u8, &str)> {
        let mut best = None;
        for at in word_starts(text) {
            TABLE.look(text, at, &mut best);
        }
        TABLE.get(best, text).map(|(value, rest)| (*value, rest))
    }

    #[test]
    fn the_first_rule_wins_wherever_it_stands() {
        assert_eq!(find("Chrome/1 Edg/2"), Some((1, "2")));
        assert_eq!(find("(Edg/2) Chrome/1"), Some((1, "2) Chrome/1")));
        assert_eq!(find("a;Chrome/"), Some((2, "")));
    }

    #[test]
    fn only_the_beginning_of_a_word_counts() {
        assert_eq!(find("Online/1 HeadlessChrome/2"), None);
        assert_eq!(find("ÜLine/1"), Some((3, "1")));
        assert_eq!(find(""), None);
        assert_eq!(find("L"), None);
    }
}
