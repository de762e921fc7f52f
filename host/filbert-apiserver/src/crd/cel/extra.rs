//! Values that Kubernetes adds to CEL.

use crate::builtin::quantity::Quantity;
use cel::common::types::Type;
use cel::common::value::{StaticVal, Val};
use std::any::Any;
use std::net::IpAddr;

macro_rules! extra {
    ($(#[$doc:meta])* $name:ident($inner:ty), $type:ident, $cel:literal) => {
        pub(super) static $type: Type = Type::new_unspecified_type($cel);

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct $name(pub(super) $inner);

        impl Val for $name {
            fn get_type(&self) -> &Type {
                &$type
            }
            fn cel_type() -> &'static Type {
                &$type
            }
            fn equals(&self, other: &dyn Val) -> bool {
                other.downcast_ref::<$name>() == Some(self)
            }
            fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
                Box::new(self.clone())
            }
            fn as_any(&self) -> Option<&dyn Any> {
                Some(self)
            }
        }

        impl StaticVal for $name {}
    };
}

extra!(
    /// A quantity.
    QuantityValue(Quantity), QUANTITY, "kubernetes.Quantity"
);
extra!(
    /// An IP address.
    IpValue(IpAddr), IP, "net.IP"
);
extra!(
    /// A block of addresses.
    CidrValue(Cidr), CIDR, "net.CIDR"
);
extra!(
    /// A URL.
    UrlValue(http::Uri), URL, "kubernetes.URL"
);

/// An address and the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    pub(super) address: IpAddr,
    pub(super) bits: u8,
}

impl Cidr {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { address, bits })
    }

    pub(super) fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                let prefix = |address: std::net::Ipv4Addr| u64::from(u32::from(address)) >> shift;
                prefix(mine) == prefix(other)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                let prefix = |address: std::net::Ipv6Addr| u128::from(address).checked_shr(shift).unwrap_or(0);
                prefix(mine) == prefix(other)
            }
            _ => false,
        }
    }
}
