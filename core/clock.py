"""One place to ask for the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def to_ms(at: datetime) -> int:
    """Return epoch milliseconds, as OpenSearch counts."""
    return int(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return the time that epoch milliseconds say."""
    return datetime.fromtimestamp(ms / 1000, UTC)
