//! Client addresses, cut to what each use may see (I1, I5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A visitor's address. It has no `Debug`, no `Display` and no `Serialize`, so that it cannot
/// slip into a log, an error or a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Stands in where no address is to be had: visitors are then told apart by User-Agent only.
    pub const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// Reads an address as a proxy or a socket writes it: bare, `[v6]`, with a zone, or with a
    /// port. IPv4 mapped into IPv6 is IPv4.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?,
            None if text.matches(':').count() == 1 => text.split(':').next()?,
            None => text,
        };
        let bare = bare.split('%').next()?;
        let address: IpAddr = bare.parse().ok()?;
        Some(Self(address.to_canonical()))
    }

    /// What enters the visitor hash: IPv4 whole, IPv6 cut to its /64 (one home or device).
    pub(crate) fn for_hash(self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().into_iter().take(8).collect(),
        }
    }

    /// The address as text, for who hands a request on to the edge of this machine. Never to be written
    /// anywhere.
    pub fn to_hand_on(self) -> String {
        self.0.to_string()
    }

    /// What a country lookup sees: IPv4 cut to /24, IPv6 to /48.
    pub fn truncated(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
        }
    }
}

/// An address or a network of a shield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// As IPv6; IPv4 is mapped.
    first: u128,
    mask: u128,
}

impl Network {
    /// Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. Bits beyond the prefix are ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u32 = match prefix {
            Some(text) => text.parse().ok().filter(|prefix| *prefix <= most)?,
            None => most,
        };
        // Of the 128 bits as many count as the prefix says, and all those before mapped IPv4.
        let free = most.saturating_sub(prefix);
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Some(Self {
            first: mapped(address) & mask,
            mask,
        })
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: ClientAddress) -> bool {
        mapped(address.0) & self.mask == self.first
    }
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Option<String> {
        ClientAddress::parse(text).map(|a| a.truncated().to_string())
    }

    #[test]
    fn lookups_only_see_the_truncated_address() {
        assert_eq!(cut("203.0.113.77").as_deref(), Some("203.0.113.0"));
        assert_eq!(cut("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1::"));
    }

    #[test]
    fn addresses_as_proxies_write_them() {
        for text in ["203.0.113.77:4711", " 203.0.113.77 ", "::ffff:203.0.113.77"] {
            assert_eq!(cut(text).as_deref(), Some("203.0.113.0"), "{text}");
        }
        for text in ["[2001:db8:1::9]:443", "2001:db8:1::9%eth0"] {
            assert_eq!(cut(text).as_deref(), Some("2001:db8:1::"), "{text}");
        }
        for text in ["", "unknown", "203.0.113.77, 10.0.0.1", "[", ":", "::1::"] {
            assert!(cut(text).is_none(), "{text}");
        }
    }

    #[test]
    fn networks() {
        let cases = [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.9/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
        ];
        for (network, address, expected) in cases {
            let network = Network::parse(network).unwrap();
            let address = ClientAddress::parse(address).unwrap();
            assert_eq!(network.contains(address), expected);
        }
        for bad in ["", "x", "1.2.3.4/", "1.2.3.4/33", "::1/129", "1.2.3.4/-1"] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
