//! Whether a User-Agent is that of a program rather than of a person.
//!
//! The patterns are those of the npm package isbot, compiled into tables by `shared/build.rs`. A
//! User-Agent is read once: two adjacent bytes at a time are looked up in a bit map, and only
//! where a pattern's trigger lies is that pattern's automaton run. All states of an automaton
//! advance together, so no input makes it go back; and only those of a bounded length are run
//! wherever their trigger lies, the others from everywhere in one pass and once per call. So the
//! time is linear in the length of the User-Agent, whatever it is and whatever isbot adds.
//! Which of the patterns that begin with `^` can match behind the words that nearly everybody
//! begins with is found out once.

use std::sync::LazyLock;

/// A set of characters.
struct Set {
    /// One bit per ASCII character.
    ascii: u128,
    /// Whether every character beyond ASCII is in it.
    beyond: bool,
}

/// One state of a pattern's automaton. The next state is the next op, unless it says otherwise.
enum Op {
    /// Takes this byte, given in lower case, in either case.
    Byte(u8),
    /// Takes a character of `SETS` at this index.
    Set(u8),
    /// Goes on at both of these ops, counted from the pattern's first.
    Split(u8, u8),
    /// Holds at the beginning.
    Start,
    /// Holds at the end.
    End,
    /// Holds between a word and what is none (`\b`).
    WordEdge,
    /// Holds where none of the words of `WORDS` at this index follows.
    NotBefore(u8),
    /// Holds where none of the words of `WORDS` at this index precedes.
    NotAfter(u8),
    /// A bot.
    Match,
}

/// Where a pattern is to be tried.
struct Entry {
    /// The trigger: the keys of two adjacent bytes, `first * 128 + second`. `ENTRIES` is sorted by it.
    pair: u16,
    /// How many bytes before the trigger the automaton begins.
    back: u8,
    /// Where in `CODE` the automaton begins.
    code: u16,
    /// 0, or 1 + the place in `SEARCHES` of a pattern with a repetition in it: `code` is then only
    /// some bytes of it, and where they are found the pattern is tried everywhere.
    search: u8,
}

// FILTER: one bit per pair of keys: is it a trigger? ENTRIES: what the pairs trigger.
// ANCHORED: patterns that begin with `^`, sorted by the key of their first byte. ALWAYS: those of
// them that may begin with nearly anything. SEARCHES: see Entry; with each the byte that a match ends
// the text with, or 0. SETS, WORDS and CODE: the automata.
include!(concat!(env!("OUT_DIR"), "/bots_table.rs"));

/// Whether `user_agent` is that of a crawler, a library, a monitor, an automated browser or the
/// like: any pattern of isbot matches it, or it is empty, or it has no letter at all.
///
/// Linear in its length.
pub fn is_bot(user_agent: &str) -> bool {
    let text = user_agent.as_bytes();
    if !user_agent.chars().any(char::is_alphabetic) {
        return true;
    }
    begins_like_a_bot(text) || contains_a_bot(text)
}

/// What nearly every User-Agent begins with.
const COMMON_BEGINNING: &[u8] = b"Mozilla/5.0 (";

/// Of the patterns that begin with `^`, those that some text of the common beginning matches.
static AFTER_COMMON_BEGINNING: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let codes = anchored(COMMON_BEGINNING);
    let goes_on = |code: &u16| run(*code, COMMON_BEGINNING, 0, false) != Outcome::Not;
    codes.filter(goes_on).collect()
});

fn begins_like_a_bot(text: &[u8]) -> bool {
    let is_match = |code| matches(code, text, 0, false);
    match text.starts_with(COMMON_BEGINNING) {
        true => AFTER_COMMON_BEGINNING.iter().copied().any(is_match),
        false => anchored(text).any(is_match),
    }
}

/// The patterns that begin with `^` and may match a text for all that its first byte says.
fn anchored(text: &[u8]) -> impl Iterator<Item = u16> {
    let first = text.first().map_or(0, |&byte| key(byte));
    let from = ANCHORED.partition_point(|&(key, _)| key < first);
    let anchored = ANCHORED
        .iter()
        .skip(from)
        .take_while(move |&&(key, _)| key == first);
    anchored.map(|(_, code)| *code).chain(ALWAYS)
}

fn contains_a_bot(text: &[u8]) -> bool {
    let mut searched = 0u32;
    let mut first = text.first().map_or(0, |&byte| key(byte));
    // The byte after the last one reads as zero.
    let seconds = text.iter().skip(1).chain(&[0]);
    for (at, &second) in seconds.enumerate() {
        let second = key(second);
        let pair = u16::from(first) << 7 | u16::from(second);
        first = second;
        let row = FILTER.get(usize::from(pair >> 6)).copied().unwrap_or(0);
        if row >> (pair & 63) & 1 == 0 {
            continue;
        }
        let from = ENTRIES.partition_point(|entry| entry.pair < pair);
        for entry in ENTRIES
            .iter()
            .skip(from)
            .take_while(|entry| entry.pair == pair)
        {
            let Some(start) = at.checked_sub(entry.back.into()) else {
                continue;
            };
            let flag = 1u32.wrapping_shl(u32::from(entry.search)) >> 1;
            if searched & flag != 0 || !matches(entry.code, text, start, false) {
                continue;
            }
            let Some(search) = usize::from(entry.search).checked_sub(1) else {
                return true;
            };
            searched |= flag;
            let Some((code, last)) = SEARCHES.get(search) else {
                continue;
            };
            // One pass for nothing where a match ends the text and the text ends otherwise.
            if ends_in(text, *last) && matches(*code, text, 0, true) {
                return true;
            }
        }
    }
    false
}

/// Whether a text ends in a byte, given in lower case; 0 is any.
fn ends_in(text: &[u8], last: u8) -> bool {
    last == 0 || text.last().map(u8::to_ascii_lowercase) == Some(last)
}

/// Folds case, and bytes into 128 keys; `shared/build.rs` folds its triggers the same way.
fn key(byte: u8) -> u8 {
    byte.to_ascii_lowercase() & 127
}

/// Runs the automaton at `code` over `text` from `start`, and, if `everywhere`, from every later
/// character as well.
fn matches(code: u16, text: &[u8], start: usize, everywhere: bool) -> bool {
    run(code, text, start, everywhere) == Outcome::Match
}

/// How the run of an automaton ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Match,
    /// No match, whatever the text would go on with. (What a lookahead does not see yet it takes
    /// for something else than what it looks for, so that it only ever errs towards `Open`.)
    Not,
    /// No match, but the text ended before it was decided.
    Open,
}

fn run(code: u16, text: &[u8], start: usize, everywhere: bool) -> Outcome {
    let code = CODE.get(usize::from(code)..).unwrap_or_default();
    let mut at = start;
    let mut states = 1u64;
    loop {
        if everywhere
            && states == 1
            && let Some(Op::Byte(wanted)) = code.first()
        {
            // Nothing is begun: on to where something may begin.
            let rest = text.get(at..).unwrap_or_default();
            let next = rest.iter().position(|b| b.to_ascii_lowercase() == *wanted);
            match next {
                Some(next) => at += next,
                None => return Outcome::Open,
            }
        }
        let byte = text.get(at).copied();
        // Most of most patterns is plain text: one state, one byte.
        if states.is_power_of_two()
            && !everywhere
            && let Some(Op::Byte(wanted)) = code.get(states.trailing_zeros() as usize)
        {
            match byte {
                Some(byte) if byte.to_ascii_lowercase() == *wanted => {}
                Some(_) => return Outcome::Not,
                None => return Outcome::Open,
            }
            states <<= 1;
            at += 1;
            continue;
        }
        let mut next = u64::from(everywhere);
        let mut seen = 0u64;
        while states != 0 {
            let op = states.trailing_zeros();
            let bit = 1u64.wrapping_shl(op);
            seen |= bit;
            states &= !bit;
            // The build admits no pattern of more than 64 ops, so the last bit is never shifted out.
            let after = bit << 1;
            let goes_on = match code.get(op as usize) {
                Some(Op::Match) => return Outcome::Match,
                Some(Op::Byte(wanted)) => {
                    if byte.is_some_and(|byte| byte.to_ascii_lowercase() == *wanted) {
                        next |= after;
                    }
                    continue;
                }
                Some(Op::Set(set)) => {
                    if byte.is_some_and(|byte| in_set(*set, byte)) {
                        next |= after;
                    }
                    continue;
                }
                Some(Op::Split(one, other)) => {
                    let both =
                        1u64.wrapping_shl((*one).into()) | 1u64.wrapping_shl((*other).into());
                    states |= both & !seen;
                    continue;
                }
                Some(Op::Start) => at == 0,
                Some(Op::End) => byte.is_none(),
                Some(Op::WordEdge) => is_word(before(text, at)) != is_word(byte),
                Some(Op::NotBefore(words)) => {
                    let rest = text.get(at..).unwrap_or_default();
                    !words_at(*words).iter().any(|word| starts_with(rest, word))
                }
                Some(Op::NotAfter(words)) => {
                    let past = text.get(..at).unwrap_or_default();
                    !words_at(*words).iter().any(|word| ends_with(past, word))
                }
                None => false,
            };
            if goes_on {
                states |= after & !seen;
            }
        }
        let Some(byte) = byte else {
            return Outcome::Open;
        };
        if next == 0 {
            return Outcome::Not;
        }
        states = next;
        at += match byte {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
    }
}

fn in_set(set: u8, byte: u8) -> bool {
    SETS.get(usize::from(set)).is_some_and(|set| {
        if byte.is_ascii() {
            set.ascii >> byte & 1 == 1
        } else {
            set.beyond
        }
    })
}

fn words_at(index: u8) -> &'static [&'static str] {
    WORDS.get(usize::from(index)).copied().unwrap_or_default()
}

fn before(text: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|at| text.get(at)).copied()
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn starts_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

fn ends_with(text: &[u8], word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    let end = start.and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn behind_the_common_beginning_few_patterns_are_left() {
        let all = anchored(COMMON_BEGINNING).count();
        let left = AFTER_COMMON_BEGINNING.len();
        assert!(all > ALWAYS.len() && left < 4, "{left} of {all}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn leaving_patterns_out_changes_nothing(
            tail in r"(compatible;?)?( ?[\w\d.-]{1,9}[ /][0-9]{1,2}\.[0-9])?\)?.{0,9}"
        ) {
            let text = [COMMON_BEGINNING, tail.as_bytes()].concat();
            let all = anchored(&text).any(|code| matches(code, &text, 0, false));
            prop_assert_eq!(begins_like_a_bot(&text), all);
        }

        /// A search that skips to where something may begin finds what one from each place does.
        #[test]
        fn skipping_ahead_changes_nothing(text in "([;@ a1\u{fc}./]|; |1.0;|news|gnews){0,30}") {
            let text = text.as_bytes();
            for (code, last) in SEARCHES {
                let from_each = (0..=text.len())
                    .filter(|at| text.get(*at).is_none_or(|b| b & 0xc0 != 0x80))
                    .any(|at| matches(code, text, at, false));
                prop_assert_eq!(matches(code, text, 0, true), from_each);
                prop_assert!(!from_each || ends_in(text, last));
            }
        }
    }
}
