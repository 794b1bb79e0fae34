"""
Whether indices still lay out what pushed monitors search by.

A field that became text breaks no search: exact values just match nothing in it any more, and the monitor is heard as healthy.
So the watch looks at the mapping itself.
"""

from uuid import UUID

from core.text import few
from monitors import opensearch, profiles
from monitors.errors import OpenSearchError
from monitors.models import Deployment

MOST_NAMED = 3


def moved() -> dict[UUID, str]:
    """
    Return by monitor what is wrong with the layout of its index, in a sentence. One request for each index pattern.

    An index that cannot be asked tells nothing here: the watch says what stands in the way.
    """
    faults = {}
    rows = Deployment.objects.exclude(opensearch_id="").exclude(layout={}).select_related("monitor")
    by_pattern: dict[str, list[Deployment]] = {}
    for row in rows:
        by_pattern.setdefault(row.monitor.index_pattern, []).append(row)
    for pattern, deployments in by_pattern.items():
        names = sorted({name for one in deployments for name in profiles.asked_of(one.layout)})
        try:
            caps = opensearch.field_caps(pattern, names)
        except OpenSearchError:
            continue
        for one in deployments:
            fields = profiles.moved(one.layout, caps)
            if fields:
                faults[one.pk] = _sentence(pattern, fields)
    return faults


def _sentence(pattern: str, fields: list[str]) -> str:
    named = few(fields, MOST_NAMED)
    return f"The layout of {pattern} changed since the last push: {named} is found under another name or type, so the search misses events."
