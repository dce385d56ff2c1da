//! The text that Tor's geoip-db-tool makes of the IPFire Location database, in Debian the files of
//! `tor-geoipdb`: `geoip` with `first,last,CC` as decimal numbers, `geoip6` with addresses. `#`
//! begins a comment; those at the top say when the data was made. `??` is unknown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Gathered, Problem, quoted};

const ATTRIBUTION: &str = "IPFire Location database, CC BY-SA 4.0 (https://location.ipfire.org/)";

/// Whether the comments at the top name IPFire.
pub fn is(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .take_while(|line| line.starts_with(b"#") || line.trim_ascii().is_empty())
        .any(|line| line.windows(6).any(|word| word == b"IPFire"))
}

/// Reads a file; the problem names the line.
pub fn read(bytes: &[u8], into: &mut Gathered) -> Result<(), Problem> {
    let text = str::from_utf8(bytes).map_err(|_| "it is no text")?;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(moment) = comment.trim().strip_prefix("Generated:")
                && let Ok(moment) = jiff::fmt::rfc2822::parse(moment.trim())
            {
                into.of_day(moment.date());
            }
        } else if !line.is_empty() {
            range(line, into).map_err(|problem| format!("line {}: {problem}", number + 1))?;
        }
    }
    into.credit(ATTRIBUTION);
    Ok(())
}

fn range(line: &str, into: &mut Gathered) -> Result<(), Problem> {
    let mut fields = line.split(',').map(str::trim);
    let (Some(first), Some(last), Some(code), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(format!("{} is not first,last,country", quoted(line)));
    };
    into.add(address(first)?, address(last)?, code)
}

fn address(text: &str) -> Result<IpAddr, Problem> {
    match (text.parse::<u32>(), text.parse::<Ipv6Addr>()) {
        (Ok(number), _) => Ok(Ipv4Addr::from(number).into()),
        (_, Ok(v6)) => Ok(v6.into()),
        _ => Err(format!(
            "{} is neither an IPv4 address as a number nor an IPv6 address",
            quoted(text)
        )),
    }
}
