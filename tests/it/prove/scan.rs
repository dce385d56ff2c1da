//! Looking for needles in everything: files, what is packed in them, what went over the wire, memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use aho_corasick::AhoCorasick;
use flate2::read::GzDecoder;

/// Most bytes that something packed is unpacked to.
const UNPACKED_MAX: u64 = 64 * 1024 * 1024;
/// What is read of a process's memory at once.
const CHUNK: usize = 4 * 1024 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// What is looked for, with a name for each.
pub struct Scanner {
    needles: AhoCorasick,
    names: Vec<String>,
    longest: usize,
}

/// What was looked at, and what was found.
#[derive(Default)]
pub struct Seen {
    /// Files, values of databases, recordings: whatever was looked at as one.
    pub things: u64,
    /// Bytes, unpacked ones as well.
    pub bytes: u64,
    /// Names of needles, where, and how often.
    pub finds: BTreeMap<(String, String), u64>,
}

impl Seen {
    /// The needles that were found somewhere.
    pub fn names(&self) -> BTreeSet<&str> {
        self.finds.keys().map(|(name, _)| name.as_str()).collect()
    }

    /// Adds what another look found.
    pub fn add(&mut self, other: Self) {
        self.things += other.things;
        self.bytes += other.bytes;
        for (find, times) in other.finds {
            *self.finds.entry(find).or_default() += times;
        }
    }

    /// In words: how much was looked at.
    pub fn size(&self) -> String {
        match self.bytes {
            0..1_000_000 => format!("{:.1} kB", self.bytes as f64 / 1e3),
            bytes => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }

    /// In words: what was found, at most some.
    pub fn found(&self) -> String {
        let some = self.finds.keys().take(4);
        let some: Vec<String> = some.map(|(name, at)| format!("{name} in {at}")).collect();
        format!("{} finds: {}", self.finds.len(), some.join("; "))
    }
}

impl Scanner {
    /// Looks for each of the needles under its name.
    pub fn new(needles: Vec<(String, Vec<u8>)>) -> Self {
        let (names, needles): (Vec<_>, Vec<_>) = needles.into_iter().unzip();
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let needles = AhoCorasick::builder()
            .kind(Some(aho_corasick::AhoCorasickKind::ContiguousNFA))
            .build(needles)
            .unwrap();
        Self {
            needles,
            names,
            longest,
        }
    }

    fn plain(&self, place: &str, bytes: &[u8], seen: &mut Seen) {
        seen.bytes += bytes.len() as u64;
        for found in self.needles.find_overlapping_iter(bytes) {
            let name = self.names[found.pattern().as_usize()].clone();
            *seen.finds.entry((name, place.to_owned())).or_default() += 1;
        }
    }

    /// Bytes, and what is packed somewhere in them.
    pub fn bytes(&self, place: &str, bytes: &[u8], seen: &mut Seen) {
        seen.things += 1;
        self.plain(place, bytes, seen);
        for unpacked in unpacked(bytes) {
            self.plain(&format!("{place}, unpacked"), &unpacked, seen);
        }
        if bytes.starts_with(b"PK\x03\x04") {
            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            for at in 0..zip.len() {
                let mut file = zip.by_index(at).unwrap();
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).unwrap();
                self.plain(&format!("{place}, {}", file.name()), &bytes, seen);
            }
        }
    }

    /// Every file below a folder.
    pub fn folder(&self, folder: &Path, seen: &mut Seen) {
        for (path, bytes) in crate::on_disk::contents(folder) {
            let place = path.strip_prefix(folder).unwrap_or(&path);
            self.bytes(&place.display().to_string(), &bytes, seen);
        }
    }

    /// What a process can read of its own memory: heap, stacks, what V8 and WebAssembly have.
    pub fn memory(&self, process: u32, part: &Part, seen: &mut Seen) {
        let program = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap();
        let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
        seen.things += 1;
        let mut chunk = vec![0; CHUNK];
        for region in regions(process) {
            if !region.rights.starts_with('r') || region.name.starts_with("[v") {
                continue;
            }
            let Region { name, rights, .. } = &region;
            for Range { mut start, end } in part.of(region.at.clone()) {
                let place = format!("{}: {name} {start:x} {rights}", program.trim_end());
                while start < end {
                    let length = CHUNK.min(usize::try_from(end - start).unwrap_or(CHUNK));
                    memory.seek(SeekFrom::Start(start)).unwrap();
                    // What was never touched, or is gone by now, cannot be read.
                    let Ok(read) = memory.read(&mut chunk[..length]) else {
                        break;
                    };
                    self.plain(&place, &chunk[..read], seen);
                    if read <= self.longest || start + read as u64 >= end {
                        break;
                    }
                    // A needle may lie across.
                    start += (read - self.longest) as u64;
                }
            }
        }
    }
}

/// Which addresses are looked at.
pub enum Part {
    /// All.
    Whole,
    /// These.
    Within(Range<u64>),
    /// The others.
    Without(Range<u64>),
}

impl Part {
    fn of(&self, all: Range<u64>) -> Vec<Range<u64>> {
        let (start, end) = (all.start, all.end);
        let [before, after] = match self {
            Self::Whole => [all, end..end],
            Self::Within(these) => [start.max(these.start)..end.min(these.end), end..end],
            Self::Without(these) => [start..end.min(these.start), start.max(these.end)..end],
        };
        let both = [before, after].into_iter();
        both.filter(|range| !range.is_empty()).collect()
    }
}

/// A region of a process's memory.
pub struct Region {
    /// Its addresses.
    pub at: Range<u64>,
    /// As in `/proc/<pid>/maps`.
    pub rights: String,
    name: String,
}

/// All of a process, in order.
pub fn regions(process: u32) -> Vec<Region> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let region = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (from, to) = words.next().unwrap().split_once('-').unwrap();
        let [start, end] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        Region {
            at: start..end,
            rights: words.next().unwrap().to_owned(),
            name: words.nth(3).unwrap_or("anonymous").to_owned(),
        }
    };
    maps.lines().map(region).collect()
}

/// Whatever is packed somewhere in the bytes: gzip, zstd.
pub fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(bytes, GZIP) {
        let mut unpacked = Vec::new();
        // As far as it goes: it may have been cut short.
        let _ = GzDecoder::new(&bytes[at..])
            .take(UNPACKED_MAX)
            .read_to_end(&mut unpacked);
        found.push(unpacked);
    }
    for at in memchr::memmem::find_iter(bytes, ZSTD) {
        if let Ok(decoder) = zstd::Decoder::new(&bytes[at..]) {
            let mut unpacked = Vec::new();
            let _ = decoder
                .single_frame()
                .take(UNPACKED_MAX)
                .read_to_end(&mut unpacked);
            found.push(unpacked);
        }
    }
    found.retain(|unpacked| !unpacked.is_empty());
    found
}
