//! Writes a small MaxMind DB (version 2.0 of the format: a search tree with records of 24 bits,
//! then data, then metadata), as several makers fill them.

use std::net::Ipv6Addr;

/// Where a side of a node leads.
#[derive(Clone, Copy)]
enum Side {
    Nothing,
    Node(usize),
    Data(usize),
}

/// IPv4 lies under ::/96.
pub fn example() -> Vec<u8> {
    let nested = |key: &str, code: &str| map(&[(key, map(&[("iso_code", text(code))]))]);
    let both = [nested("country", "DE"), nested("registered_country", "US")];
    let both = map_of(2, &[&both[0][1..], &both[1][1..]].concat());
    let flat = map(&[
        ("country", text("Netherlands")),
        ("country_code", text("NL")),
    ]);
    let records = [
        ("::192.0.2.0", 120, both),
        ("::198.51.100.0", 120, nested("registered_country", "FR")),
        ("::203.0.113.0", 120, flat),
        ("2001:db8:1::", 48, nested("country", "JP")),
        ("2001:db8:2::", 48, map(&[("country", text("CH"))])),
    ];
    let mut nodes = vec![[Side::Nothing; 2]];
    let mut data = Vec::new();
    for (network, prefix, record) in records {
        let bits = network.parse::<Ipv6Addr>().unwrap().to_bits();
        let side = |depth: u32| (bits >> (127 - depth) & 1) as usize;
        let mut node = 0;
        for depth in 0..prefix - 1 {
            node = match nodes[node][side(depth)] {
                Side::Node(next) => next,
                _ => {
                    nodes.push([Side::Nothing; 2]);
                    nodes[node][side(depth)] = Side::Node(nodes.len() - 1);
                    nodes.len() - 1
                }
            };
        }
        nodes[node][side(prefix - 1)] = Side::Data(data.len());
        data.extend(record);
    }
    let mut file = Vec::new();
    for side in nodes.iter().flatten() {
        let value = match side {
            Side::Nothing => nodes.len(),
            Side::Node(node) => *node,
            Side::Data(at) => nodes.len() + 16 + at,
        };
        file.extend(&(value as u32).to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xAB\xCD\xEFMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_778_041_950)),
        ("database_type", text("Test-Country")),
        ("description", map(&[("en", text("Made up for tests"))])),
        ("ip_version", number(5, 6)),
        ("languages", vec![1, 4, 0x42, b'e', b'n']),
        ("node_count", number(6, nodes.len() as u64)),
        ("record_size", number(5, 24)),
    ]));
    file
}

/// Text of less than 285 bytes.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = match text.len() {
        length @ 0..29 => vec![2 << 5 | length as u8],
        length => vec![2 << 5 | 29, (length - 29) as u8],
    };
    bytes.extend(text.as_bytes());
    bytes
}

/// An unsigned number of a type of the format (5: 16 bits, 6: 32 bits, 9: 64 bits).
fn number(kind: u8, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let bytes = &bytes[value.leading_zeros() as usize / 8..];
    let mut all = match kind {
        0..8 => vec![kind << 5 | bytes.len() as u8],
        _ => vec![bytes.len() as u8, kind - 7],
    };
    all.extend(bytes);
    all
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| [text(key), value.clone()].concat())
        .collect();
    map_of(entries.len() as u8, &bytes)
}

fn map_of(entries: u8, bytes: &[u8]) -> Vec<u8> {
    [&[7 << 5 | entries], bytes].concat()
}
