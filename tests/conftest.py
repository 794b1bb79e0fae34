"""Who runs what under pytest-xdist: tests that share something which cannot be shared run in one process, the longest first.

xdist's own groups do not work with pytest 9.2 (pytest-dev/pytest-xdist#1386), so the scheduler is told here.
"""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

TESTS = Path(__file__).parent
GROUPS = ("story", "opensearch")
"""A world that its tests break; the Alerting stand-in with its one channel. In the order in which they are begun."""


@cache
def group_of(path: str) -> str:
    """The group of a test's file, by its folder or the marker that stands in it; else a group of its own."""
    if path.startswith("tests/story/"):
        return "story"
    return "opensearch" if "mark.opensearch" in (TESTS.parent / path).read_text() else path


class Grouped(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each group to one process as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Grouped | None:
    """Serve `--dist loadscope`; whoever asks for another way gets it."""
    return Grouped(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups, which nobody else can help with; the others keep their random order."""
    rank = {name: position for position, name in enumerate(GROUPS)}
    items.sort(key=lambda item: rank.get(group_of(item.nodeid.partition("::")[0]), len(GROUPS)))
