"""Where a request comes from: the address and the program that a session is remembered by."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

_MAX_AGENT_CHARS = 300


@dataclass(frozen=True)
class Device:
    """An address and what the program there calls itself."""

    address: str
    user_agent: str

    @property
    def network(self) -> str:
        """What one person controls: an IPv4 address, or the /64 around an IPv6 address."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if address.version == 4:
            return str(address)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))


def _device(request: Request) -> Device:
    # The gateway, through which alone this service is reached, has written the header itself and
    # dropped what the client had put there.
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    peer = request.client.host if request.client else "unknown"
    agent = request.headers.get("user-agent", "")[:_MAX_AGENT_CHARS]
    return Device(address=forwarded or peer, user_agent="".join(filter(str.isprintable, agent)))


ClientDevice = Annotated[Device, Depends(_device)]
