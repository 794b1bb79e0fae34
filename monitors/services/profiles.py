"""Learning how an index is laid out."""

from core import clock
from monitors import opensearch, profiles
from monitors.models import IndexProfile


def learn(pattern: str) -> IndexProfile:
    """Read the index and keep its layout. Raises OpenSearchError, and then keeps what was known."""
    learnt = profiles.learn(pattern, opensearch.field_caps(pattern))
    row, _ = IndexProfile.objects.update_or_create(
        pattern=pattern, defaults={"learnt": learnt.to_json(), "learnt_at": clock.now()}
    )
    return row
