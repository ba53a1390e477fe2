"""Which addresses nobody here connects to, judged when the socket is made.

A cloud's metadata service hands credentials to whoever can make a request, so no URL may lead
there: neither directly, nor by a name that resolves to it only this time. The check therefore
sees the resolved address and not the name.

Link-local and metadata addresses are refused for everybody. Private and loopback addresses are
where metrics servers, the platform's private link and webhook receivers usually live, so they are
allowed until `allow_private` is switched off: a URL comes from the operator's file alone, never
from the API, a label or an answer.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

# Metadata services outside 169.254.0.0/16 and fe80::/10, from the providers' documentation:
# AWS over IPv6, Alibaba Cloud, Azure's wire server.
_METADATA = frozenset(
    ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)
_NAT64 = ip_network("64:ff9b::/96")


class ForbiddenAddressError(OSError):
    """The name resolved to an address that nobody here connects to."""

    def __init__(self, text: str) -> None:
        # With an errno, so that whoever shows the system's own words shows these.
        super().__init__(errno.EACCES, text)

    def __str__(self) -> str:
        return str(self.strerror)


def real_address(text: str) -> Address:
    """The address that packets reach: IPv4 inside mapped, 6to4 or NAT64 IPv6 is unwrapped."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and IPv6Address(int(address)) in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner or address


def is_forbidden(text: str) -> bool:
    """Whether an address literal is link-local or belongs to a metadata service."""
    address = real_address(text)
    return address.is_link_local or address in _METADATA


def is_loopback(host: str) -> bool:
    """Whether a URL's host stays on this machine: `localhost` or a loopback literal."""
    if host == "localhost":
        return True
    try:
        return real_address(host).is_loopback
    except ValueError:
        return False


def check_address(text: str, *, allow_link_local: bool = False, allow_private: bool = True) -> None:
    """Raise ForbiddenAddressError for an address literal that is not to be connected to."""
    if not allow_link_local and is_forbidden(text):
        raise ForbiddenAddressError(f"{text} is a link-local or metadata address")
    if not allow_private and not real_address(text).is_global:
        raise ForbiddenAddressError(f"{text} is not a public address (allow_private: false)")


def guarded_socket(
    *, allow_link_local: bool = False, allow_private: bool = True
) -> Callable[[AddressInfo], socket.socket]:
    """A socket factory that refuses forbidden addresses with ForbiddenAddressError."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, target = info
        check_address(
            str(target[0]), allow_link_local=allow_link_local, allow_private=allow_private
        )
        made = socket.socket(family, kind, protocol)
        made.settimeout(0.0)  # as the event loop needs it
        return made

    return make
