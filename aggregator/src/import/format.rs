//! Which format a file is in.

/// A format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line: an event of the Events API with its time and who did it.
    Jsonl,
    /// A zip of daily counts as Plausible exports them.
    PlausibleCsv,
    /// A web server's log in the combined format, also with the host before the address.
    AccessLog,
}

/// How gzip begins.
pub const GZIP: &[u8] = &[0x1f, 0x8b];
/// How a zip begins.
const ZIP: &[u8] = b"PK\x03\x04";

impl Format {
    /// The format of what begins so, unpacked; `None` when it is empty.
    pub fn guess(head: &[u8]) -> Option<Self> {
        if head.starts_with(ZIP) {
            return Some(Self::PlausibleCsv);
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace())?;
        Some(match first {
            b'{' => Self::Jsonl,
            _ => Self::AccessLog,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_how_it_begins() {
        for (head, format) in [
            (&b"PK\x03\x04rest"[..], Some(Format::PlausibleCsv)),
            (b"\n  {\"n\":1}", Some(Format::Jsonl)),
            (b"\xef\xbb\xbf{", Some(Format::Jsonl)),
            (b"192.0.2.1 - - [", Some(Format::AccessLog)),
            (b" \n", None),
            (b"", None),
        ] {
            assert_eq!(Format::guess(head), format);
        }
    }
}
