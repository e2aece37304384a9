"""Which addresses we may connect to: none inside, unless a setting names its network. Pure.

A name is resolved once and the address that was looked at is the one connected to, so that a name which means another
address a moment later (DNS rebinding) changes nothing.
"""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Where clouds tell machines who they are, with credentials. A network that is named allows them only if it is no wider
# than the address itself. The first is public by its number.
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("168.63.129.16", "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
# Addresses of IPv6 that stand for one of IPv4 behind a translator.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def may_connect(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the address is public, or in one of the allowed networks."""
    meant = _meant(address)
    named = [network for network in allowed if meant.version == network.version and meant in network]
    if meant in METADATA:
        return any(network.num_addresses == 1 for network in named)
    return bool(named) or (meant.is_global and not meant.is_multicast and not meant.is_reserved)


def _meant(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for, else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return address
