"""What a benchmark tells the person at the terminal while it goes on."""

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]


def teller() -> Say:
    """Return what tells a line, with the seconds since now before it."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f}  {line}", file=sys.stderr, flush=True)  # noqa: T201 - a program for a terminal

    return say
