//! Files of values separated by commas or semicolons, quoted or not: `first,last,country` or
//! `network,country`, IPv4 and IPv6 mixed, a network as `address/prefix` (an address alone is a
//! network of one). Further columns are ignored. A header is known by its first field, which is no
//! address; it may say by name where the code is, as several publishers have the country's name
//! before it. Lines that begin with `#` are comments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Gathered, Problem, quoted};

/// Names of the column with the code, the surest first.
const CODE_NAMES: [&str; 6] = [
    "country_code",
    "country_iso_code",
    "iso_code",
    "country_code2",
    "country",
    "cc",
];

/// Reads a file; the problem names the line.
pub fn read(bytes: &[u8], into: &mut Gathered) -> Result<(), Problem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .delimiter(separator(bytes))
        .from_reader(bytes);
    let mut record = StringRecord::new();
    let mut code_column = None;
    let mut begun = false;
    loop {
        let more = reader.read_record(&mut record);
        if !more.map_err(|error| error.to_string())? {
            return Ok(());
        }
        let header = !begun && is_header(&record);
        begun = true;
        if header {
            code_column = named(&record);
            continue;
        }
        range(&record, code_column, into).map_err(|problem| {
            let from = record.position().map_or(0, csv::Position::byte);
            format!("line {}: {problem}", line(bytes, from as usize))
        })?;
    }
}

/// The line of the record that is next from a place on, behind empty lines and comments.
fn line(bytes: &[u8], from: usize) -> usize {
    let (before, behind) = bytes.split_at_checked(from).unwrap_or((bytes, &[]));
    let newlines = before.iter().filter(|byte| **byte == b'\n').count();
    let lines = behind.split(|byte| *byte == b'\n');
    let skipped = lines.take_while(|line| line.starts_with(b"#") || line.trim_ascii().is_empty());
    1 + newlines + skipped.count()
}

/// The one that the first line of values has.
fn separator(bytes: &[u8]) -> u8 {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.find(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty());
    match first.is_some_and(|line| line.contains(&b';')) {
        true => b';',
        false => b',',
    }
}

/// A header's first field is a word: an address, right or wrong, begins with a digit or has colons.
fn is_header(record: &StringRecord) -> bool {
    let first = record.get(0).unwrap_or_default();
    first.starts_with(|c: char| c.is_ascii_alphabetic()) && !first.contains(':')
}

fn named(header: &StringRecord) -> Option<usize> {
    let place = |name: &&str| {
        header
            .iter()
            .position(|field| field.eq_ignore_ascii_case(name))
    };
    CODE_NAMES.iter().find_map(place)
}

fn range(
    record: &StringRecord,
    code_column: Option<usize>,
    into: &mut Gathered,
) -> Result<(), Problem> {
    let first = record.get(0).unwrap_or_default();
    let (first, last, next) = match record.get(1).map(str::parse::<IpAddr>) {
        Some(Ok(last)) => (address(first)?, last, 2),
        _ => {
            let (first, last) = network(first)?;
            (first, last, 1)
        }
    };
    match record.get(code_column.unwrap_or(next)) {
        Some(code) => into.add(first, last, code),
        None => Err("there is no country".into()),
    }
}

fn address(text: &str) -> Result<IpAddr, Problem> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("{} is no address", quoted(text)))
}

/// First and last address of a network; bits beyond the prefix are ignored.
fn network(text: &str) -> Result<(IpAddr, IpAddr), Problem> {
    let wrong = || format!("{} is neither an address nor a network", quoted(text));
    let (bare, prefix) = match text.split_once('/') {
        Some((bare, prefix)) => (bare, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = bare.parse().map_err(|_| wrong())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => prefix.parse().map_err(|_| wrong())?,
        None => bits,
    };
    if prefix > bits {
        return Err(wrong());
    }
    Ok(match address {
        IpAddr::V4(v4) => {
            let free = u32::MAX.checked_shr(prefix).unwrap_or(0);
            let first = v4.to_bits() & !free;
            (
                Ipv4Addr::from(first).into(),
                Ipv4Addr::from(first | free).into(),
            )
        }
        IpAddr::V6(v6) => {
            let free = u128::MAX.checked_shr(prefix).unwrap_or(0);
            let first = v6.to_bits() & !free;
            (
                Ipv6Addr::from(first).into(),
                Ipv6Addr::from(first | free).into(),
            )
        }
    })
}
