//! Whose connection it is: addresses, and networks of them. Pure.

use std::net::IpAddr;

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits count.
    bits: u32,
}

impl Network {
    /// `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`; what stands behind the bits must be zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|digit| digit.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => all,
        };
        let network = Self { address, bits };
        (bits <= all && head(address, bits) == number(address)).then_some(network)
    }

    /// Whether an address is among them; an IPv4 address in the form of IPv6 is that IPv4 address.
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && head(address, self.bits) == number(self.address)
    }
}

/// The address as a number whose highest bit is its first.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn head(address: IpAddr, bits: u32) -> u128 {
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    number(address) & mask
}

/// What counts as one guest in the limits: an address, or the network of 64 bits that one customer is given.
pub fn guest(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}
