"""
A value that an attacker may have chosen, as one segment of an address. Pure.

What is made of letters, digits and a few signs stands as it is. Anything else (slashes, per cent signs, "..", right-to-left text) is
written as `~` and base64url: browsers and proxies take dots and slashes away, quoted or not, and then another page would answer.
"""

import base64
import binascii
import re

PLAIN = re.compile(r"(?!\.+$)[A-Za-z0-9@._:+-]+", re.ASCII)
CODED = re.compile(r"~[A-Za-z0-9_-]+", re.ASCII)


class EntityValue:
    """A converter for `path()`: each value has exactly one address."""

    regex = f"{PLAIN.pattern}|{CODED.pattern}"

    def to_python(self, segment: str) -> str:
        """Return the value that an address names. Raises ValueError for a segment that none is written as."""
        if not segment.startswith("~"):
            return segment
        code = segment[1:]
        try:
            value = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("It is no value.") from error
        if self.to_url(value) != segment or "\x00" in value:
            raise ValueError("A value has one address, and this is not it.")
        return value

    def to_url(self, value: str) -> str:
        """Return the segment that names a value."""
        if PLAIN.fullmatch(value):
            return value
        return "~" + base64.urlsafe_b64encode(value.encode("utf-8", "replace")).decode().rstrip("=")
