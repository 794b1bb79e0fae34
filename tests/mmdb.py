"""A real database in MaxMind's format, as small as can be, for tests (https://maxmind.github.io/MaxMind-DB/)."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

RECORD_BITS = 24
UINT16, UINT32, UINT64 = 5, 6, 9
SEPARATOR = b"\x00" * 16
MARKER = b"\xab\xcd\xefMaxMind.com"


def write(path: Path, networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Write what is known of IPv4 networks that do not overlap, and return the path as a setting takes it."""
    data, places = b"", {}
    for network, known in networks.items():
        places[network] = len(data)
        data += _encoded(known)
    nodes: list[list[int | None]] = [[None, None]]
    ends: dict[tuple[int, int], int] = {}
    for network, place in places.items():
        bits = f"{int(IPv4Network(network).network_address):032b}"[: IPv4Network(network).prefixlen]
        node = 0
        for bit in bits[:-1]:
            following = nodes[node][int(bit)]
            if following is None:
                nodes.append([None, None])
                following = nodes[node][int(bit)] = len(nodes) - 1
            node = following
        ends[node, int(bits[-1])] = place
    tree = b""
    for number, node_pair in enumerate(nodes):
        for side, following in enumerate(node_pair):
            end = ends.get((number, side))
            value = len(nodes) + len(SEPARATOR) + end if end is not None else following
            tree += (len(nodes) if value is None else value).to_bytes(RECORD_BITS // 8, "big")
    metadata = {
        "node_count": (UINT32, len(nodes)),
        "record_size": (UINT16, RECORD_BITS),
        "ip_version": (UINT16, 4),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1_790_000_000),
        "description": {"en": "made by a test"},
    }
    path.write_bytes(tree + SEPARATOR + data + MARKER + _encoded(metadata))
    return str(path)


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        said = value.encode()
        return _control(2, len(said)) + said
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        return _encoded((UINT32, value))
    if isinstance(value, tuple):
        kind, number = value
        said = int(number).to_bytes((number.bit_length() + 7) // 8, "big")
        return _control(kind, len(said)) + said
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    return _control(7, len(value)) + b"".join(_encoded(part) for pair in value.items() for part in pair)


def _control(kind: int, size: int) -> bytes:
    """Return what goes before a value: type and size. Types above 7, and sizes from 29 on (to 284), take a byte more each."""
    first, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | first]) if kind <= 7 else bytes([first, kind - 7])) + more
