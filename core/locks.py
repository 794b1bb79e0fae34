"""Being alone at something, or taking turns, across all processes: advisory locks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(*key: int) -> Iterator[bool]:
    """
    Say whether nobody else holds the lock of this key (one 64-bit number, or two of 32 bits); while the block runs, nobody will.

    It needs no transaction and outlives those within it. A process that dies lets go of it with its connection.
    """
    numbers = ", ".join(["%s"] * len(key))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({numbers})", key)
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock({numbers})", key)


def take_turns(key: int) -> None:
    """Wait until nobody else holds the lock of this key (64 bits), and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
