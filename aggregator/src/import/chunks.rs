//! A stream cut into blocks of whole lines, for several threads to read.

use std::io::{self, Read};

/// Bytes of a block, about.
const CHUNK_BYTES: usize = 512 * 1024;
/// Longest line, bytes; what is longer is given cut, and longer than this still.
pub const LINE_BYTES_MAX: usize = shared::limits::EVENT_BODY_BYTES_MAX;

/// Some lines.
pub struct Chunk {
    /// The number of the first one, from 1.
    pub first_line: u64,
    /// All of them, each with its end but perhaps the last.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// Its lines with their numbers, without their ends.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        (self.first_line..).zip(lines)
    }
}

/// See the module.
pub struct Chunks<R> {
    reader: R,
    carry: Vec<u8>,
    next_line: u64,
    /// The rest of a line that was cut is still to come.
    skipping: bool,
    is_done: bool,
}

impl<R: Read> Chunks<R> {
    /// Of a stream.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            carry: Vec::new(),
            next_line: 1,
            skipping: false,
            is_done: false,
        }
    }

    /// The next block.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            let mut bytes = std::mem::take(&mut self.carry);
            self.fill(&mut bytes)?;
            if self.skipping {
                match bytes.iter().position(|byte| *byte == b'\n') {
                    Some(end) => {
                        bytes.drain(..=end);
                        self.skipping = false;
                    }
                    None => bytes.clear(),
                }
            }
            if bytes.is_empty() {
                match self.is_done {
                    true => return Ok(None),
                    false => continue,
                }
            }
            if !self.is_done {
                match bytes.iter().rposition(|byte| *byte == b'\n') {
                    Some(end) => self.carry = bytes.split_off(end + 1),
                    // Not even one whole line in it.
                    None if bytes.len() >= CHUNK_BYTES => {
                        bytes.truncate(LINE_BYTES_MAX + 1);
                        bytes.push(b'\n');
                        self.skipping = true;
                    }
                    None => {
                        self.carry = bytes;
                        continue;
                    }
                }
            }
            let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            let first_line = self.next_line;
            self.next_line += ends;
            return Ok(Some(Chunk { first_line, bytes }));
        }
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let wanted = CHUNK_BYTES.saturating_sub(bytes.len());
        let read = (&mut self.reader).take(wanted as u64).read_to_end(bytes)?;
        self.is_done = wanted > 0 && read < wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &[u8]) -> Vec<(u64, usize)> {
        let mut chunks = Chunks::new(text);
        let mut lines = Vec::new();
        while let Some(chunk) = chunks.next().unwrap() {
            lines.extend(chunk.lines().map(|(no, line)| (no, line.len())));
        }
        lines
    }

    #[test]
    fn lines_keep_their_numbers() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"a"), [(1, 1)]);
        assert_eq!(lines(b"a\r\n\nbc\n"), [(1, 1), (2, 0), (3, 2)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        for length in [CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\nab\n");
            let found = lines(&text);
            assert!(found[0].1 > LINE_BYTES_MAX, "{length}");
            assert_eq!(found[1..], [(2, 2)], "{length}");
            assert!(lines(&text[..length])[0].1 > LINE_BYTES_MAX, "{length}");
        }
    }

    proptest! {
        #[test]
        fn every_line_is_given_once(lengths in prop::collection::vec(0usize..40_000, 0..60)) {
            let text: Vec<u8> = lengths.iter().flat_map(|n| [vec![b'x'; *n], vec![b'\n']].concat()).collect();
            let wanted: Vec<(u64, usize)> = (1..).zip(lengths).collect();
            prop_assert_eq!(lines(&text), wanted);
        }
    }
}
