"""What a process that serves pages does once, before its first request."""

import gc

from django.urls import get_resolver

OLDEST = 200  # collections of the middle generation before one of the oldest; Python's own is 10


def settle() -> None:
    """
    Load what the first request would load, and leave all that is loaded out of every later collection.

    A collection of all objects took 180 ms, in one of a hundred pages (measured with `bench.portal`, 190,000 objects). What is loaded
    after this, as templates are, is collected a twentieth as often as Python would: few cycles live that long, and a worker ends
    after `max_requests`.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    young, old, _ = gc.get_threshold()
    gc.set_threshold(young, old, OLDEST)
