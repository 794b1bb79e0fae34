"""The figures as a page of the documentation."""

import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.guards import Guarded
from bench.rounds import Round
from monitors.rendering import MAX_EVENTS_A_SHARD, MAX_FINDINGS


def page(rounds: Sequence[Round], other: Round, guarded: Guarded, *, today: date, quick: bool) -> str:
    """Return docs/performance.md. `rounds` grow in events at the same users; `other` has fewer users and the first's events."""
    last = rounds[-1]
    parts = [
        "# Performance",
        _told(last, today, quick=quick),
        "## A round of the whole catalogue",
        _growth(rounds, other),
        _sentences(rounds, other),
        "## Every detection",
        _each(rounds, other),
        "## Every guard hit",
        _guards(guarded),
    ]
    return "\n\n".join(parts) + "\n"


def _told(last: Round, today: date, *, quick: bool) -> str:
    mode = " with `--quick`, a tenth of the events" if quick else ""
    return (
        f"Measured by `make bench`{mode} on {today:%d %B %Y}: {machine()}, load average {os.getloadavg()[0]:.1f}; OpenSearch with "
        f"1 GB of heap, daily indices of three shards, two days with {last.events_a_day:,} events and {last.users:,} users each at "
        "the end. Each detection runs at its defaults as the portal's own search; the fastest of three counts. The yardstick, "
        "measured between them, is a plain count of events by user over 24 hours: other machines differ in seconds more than in "
        "multiples of it. This page is written by the benchmark."
    )


def _growth(rounds: Sequence[Round], other: Round) -> str:
    rows = [
        "| events a day | users | yardstick, ms | round of all, s | times the yardstick | cut short | slowest |",
        "|--:|--:|--:|--:|--:|--:|---|",
    ]
    for one in (other, *rounds):
        slowest = max(one.timed, key=lambda name, one=one: one.timed[name].seconds)  # type: ignore[misc]
        cut = sum(bool(each.faults) for each in one.timed.values())
        rows.append(
            f"| {one.events_a_day:,} | {one.users:,} | {one.yardstick * 1_000:.0f} | {one.seconds:.1f} | "
            f"{one.seconds / one.yardstick:,.0f} | {cut} | {slowest}, {one.timed[slowest].seconds:.2f} s |"
        )
    return "\n".join(rows)


def _sentences(rounds: Sequence[Round], other: Round) -> str:
    first, last = rounds[0], rounds[-1]
    cut = [name for name, one in last.timed.items() if one.faults]
    more = last.events_a_day / first.events_a_day
    text = (
        f"{more:.0f} times the events cost {last.seconds / first.seconds:.1f} times the seconds; {first.users / other.users:.0f} times "
        f"the users at the same events {first.seconds / other.seconds:.1f} times. Cost follows the events that a search reads."
    )
    if cut:
        text += (
            f" At the largest size {len(cut)} detections do not get a whole answer from one search, since it may keep "
            f"{MAX_EVENTS_A_SHARD:,} events a shard: {', '.join(cut)}. The portal completes it in parts (last column); more shards a "
            "day, or a shorter window, makes one search enough."
        )
    return text


def _each(rounds: Sequence[Round], other: Round) -> str:
    head = " | ".join(f"{one.events_a_day // 1000:,} k, s" for one in rounds)
    rows = [
        f"| detection | events read | {other.users // 1000:,} k users, s | {head} | times the yardstick | whole, s |",
        "|---|--:|--:|" + "--:|" * len(rounds) + "--:|--:|",
    ]
    last = rounds[-1]
    for name, one in sorted(last.timed.items(), key=lambda item: -item[1].seconds):
        seconds = " | ".join(f"{each.timed[name].seconds:.3f}" for each in rounds)
        whole = f"{one.whole_seconds:.1f}" if one.whole_seconds is not None else ("not whole" if one.faults else "")
        rows.append(
            f"| {name} | {one.read:,} | {other.timed[name].seconds:.3f} | {seconds} | {one.seconds / last.yardstick:.1f} | {whole} |"
        )
    return "\n".join(rows)


def _guards(told: Guarded) -> str:
    refused = (
        "The node refused none of them."
        if not told.refused
        else f"The node refused {len(told.refused)}: {'; '.join(sorted(told.refused)[:5])}."
    )
    return (
        f"One shard with {told.events:,} events, enough of each kind that {told.truncated} of {told.programs} window programs were cut "
        f"at {MAX_EVENTS_A_SHARD:,} events and {told.capped} at {MAX_FINDINGS} findings. One after another they took "
        f"{told.one_by_one:.1f} s, eight at a time {told.at_once:.1f} s. {refused} Afterwards the node answered a simple search in "
        f"{told.alive * 1_000:.0f} ms. What is cut is a fault that the portal shows and completes, never an empty answer."
    )


def machine() -> str:
    """Return this machine in words: its cores and their model."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} cores ({models[0] if models else platform.processor() or platform.machine()})"
