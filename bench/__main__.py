"""`python -m bench [--quick]`: the catalogue over a million events a day and 100,000 users, written to docs/performance.md."""

import argparse
import sys
from datetime import UTC, datetime, timedelta

from bench.node import Node, configure, running
from bench.say import Say, teller
from sandbox.paths import PROJECT

END = datetime(2026, 11, 24, tzinfo=UTC)
DAYS = 2
USERS = 100_000
FEW_USERS = 10_000
EVENTS_A_DAY = (250_000, 500_000, 1_000_000)
QUICK = 10  # a tenth of the events, of which nothing should be concluded


def main() -> int:
    """Measure on a node of its own, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the events; prints the page and writes nothing"
    )
    options, say = parser.parse_args(), teller()
    with running() as node:
        say(f"the node answers at {node.url}")
        configure(node.url)
        page = _measure(node, quick=options.quick, say=say)
    if options.quick:
        print(page)  # noqa: T201 - a program for a terminal
    else:
        (PROJECT / "docs" / "performance.md").write_text(page)
        say("docs/performance.md is written")
    return 0


def _measure(node: Node, *, quick: bool, say: Say) -> str:
    from bench import guards, report, rounds
    from sandbox.okta import crowd

    start, share = END - timedelta(days=DAYS), QUICK if quick else 1

    def fill(prefix: str, users: int, events_a_day: int, seed: int) -> None:
        bodies = crowd.bulk(users=users, events=DAYS * events_a_day, start=start, end=END, prefix=prefix, seed=seed)
        say(f"{prefix}*: {node.write(bodies):,} events of {users:,} users more")
        node.settle(f"{prefix}*")

    def round_of(pattern: str, users: int, events_a_day: int) -> rounds.Round:
        complete = events_a_day == EVENTS_A_DAY[-1] // share
        return rounds.run_round(
            node, pattern, end=END, events_a_day=events_a_day, users=users, complete=complete, say=say
        )

    sizes = [events // share for events in EVENTS_A_DAY]
    few = node.make_indices("few-", start, END - timedelta(seconds=1))
    fill("few-", FEW_USERS, sizes[0], seed=1)
    other = round_of(few, FEW_USERS, sizes[0])
    node.call("DELETE", f"/{few}")
    many, grown, held = node.make_indices("many-", start, END - timedelta(seconds=1)), [], 0
    for seed, size in enumerate(sizes):
        fill("many-", USERS, size - held, seed=seed)
        held = size
        grown.append(round_of(many, USERS, size))
    node.call("DELETE", f"/{many}")
    guarded = guards.hit_every_guard(node, end=END, say=say)
    node.call("DELETE", f"/{guards.PREFIX}*")
    return report.page(grown, other, guarded, today=datetime.now(UTC).date(), quick=quick)


if __name__ == "__main__":
    sys.exit(main())
