"""
Identity. Pure.

A fingerprint is the sha256 of length-prefixed parts, so that no two lists of parts can run together into the same bytes.
"""

import hashlib

VERSION = 1


def fingerprint(*parts: str) -> str:
    """Return the identity of (monitor uuid, or source and name for others' monitors; entity type; entity id), in hex."""
    running = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        running.update(len(data).to_bytes(8, "big") + data)
    return running.hexdigest()


def lock_key(identity: str) -> int:
    """Return a number of 60 bits for a lock on an identity: two that share one merely wait for each other."""
    return int(identity[:15], 16)
