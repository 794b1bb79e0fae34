"""When a monitor runs, and which period a run covers. All times are epoch milliseconds."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.alerting.errors import alerting_error
from sandbox.alerting.values import Json

UNITS = {"SECONDS": 1_000, "MINUTES": 60_000, "HOURS": 3_600_000, "DAYS": 86_400_000}
MINUTE = 60_000
MINUTES_A_YEAR = 366 * 24 * 60
FIELDS = (
    (0, 59),
    (0, 23),
    (1, 31),
    (1, 12),
    (0, 7),
)  # minute, hour, day of the month, month, day of the week (0, 7: Sunday)


def parsed(schedule: Any) -> Json:
    """The schedule as the plugin keeps it. Raises ApiError (400) for one that it would refuse."""
    if not isinstance(schedule, dict):
        raise alerting_error(400, "Monitor schedule is null")
    if "cron" in schedule:
        cron = schedule["cron"]
        kept = {"expression": str(cron.get("expression")), "timezone": str(cron.get("timezone"))}
        try:
            ZoneInfo(kept["timezone"])
            _sets(kept["expression"])
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise alerting_error(400, f"Invalid cron schedule: {error}") from error
        return {"cron": kept}
    period = schedule.get("period", {})
    interval, unit = period.get("interval"), str(period.get("unit", "")).upper()
    if unit not in UNITS or not isinstance(interval, int) or interval < 1:
        raise alerting_error(400, f"Invalid period schedule: {interval} {unit}")
    return {"period": {"interval": interval, "unit": unit}}


def next_due(schedule: Json, enabled_time: int, after: int) -> int:
    """The first run later than `after`: `enabled_time` plus a whole number of intervals, at least one."""
    if "cron" in schedule:
        return _cron(schedule["cron"], max(enabled_time, after), 1)
    interval = _interval(schedule)
    return enabled_time + max(1, (after - enabled_time) // interval + 1) * interval


def last_due(schedule: Json, due: int, until: int) -> int:
    """The last run in `due` … `until`, where `due` is one: those before it were missed."""
    if "cron" in schedule:
        return max(due, _cron(schedule["cron"], until + MINUTE, -1))
    return due + (until - due) // _interval(schedule) * _interval(schedule)


def period_start(schedule: Json, end: int) -> int:
    """The start of the period that ends at `end`."""
    if "cron" in schedule:
        return _cron(schedule["cron"], end, -1)
    return end - _interval(schedule)


def _interval(schedule: Json) -> int:
    period = schedule["period"]
    return int(period["interval"]) * UNITS[period["unit"]]


def _cron(cron: Json, moment: int, direction: int) -> int:
    """The nearest time of a cron expression after (1) or before (-1) a moment, within a year; else a year away."""
    zone, sets = ZoneInfo(cron["timezone"]), _sets(cron["expression"])
    at = moment // MINUTE * MINUTE
    if direction < 0 and at == moment:
        at -= MINUTE
    elif direction > 0:
        at += MINUTE
    for _ in range(MINUTES_A_YEAR):
        if _fits(datetime.fromtimestamp(at / 1000, UTC).astimezone(zone), sets):
            break
        at += direction * MINUTE
    return at


def _fits(local: datetime, sets: list[set[int]]) -> bool:
    minutes, hours, days, months, weekdays = sets
    if local.minute not in minutes or local.hour not in hours or local.month not in months:
        return False
    on_day = local.day in days
    on_weekday = local.isoweekday() in weekdays or (local.isoweekday() == 7 and 0 in weekdays)
    both_restricted = len(days) < 31 and len(weekdays) < 7
    return (on_day or on_weekday) if both_restricted else (on_day and on_weekday)


def _sets(expression: str) -> list[set[int]]:
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise ValueError(f"Cron expression contains {len(parts)} parts but we expect one of [5]")
    return [_values(part, low, high) for part, (low, high) in zip(parts, FIELDS, strict=True)]


def _values(part: str, low: int, high: int) -> set[int]:
    """What one field allows: `*`, `5`, `1-5`, a list of them, each with `/step`."""
    values: set[int] = set()
    for item in part.split(","):
        span, _, step = item.partition("/")
        first, _, last = ("*", "", "") if span == "*" else span.partition("-")
        start = low if first == "*" else int(first)
        end = high if first == "*" or (step and not last) else int(last or first)
        if not low <= start <= end <= high:
            raise ValueError(f"{item} is not within {low} and {high}")
        values.update(range(start, end + 1, int(step or 1)))
    return values
