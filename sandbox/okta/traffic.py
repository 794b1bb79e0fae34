"""All that Okta logs in a span of time: everyday events, look-alikes, and attacks with the truth about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from .attacks import FAMILIES, LONGEST_STORY, Scene
from .events import Event, Log, written
from .everyday import Day, Ration, administrate, run_jobs
from .lookalikes import LOOK_ALIKES
from .people import PRIVILEGED_GROUPS, Cast, Engine
from .places import TRUSTED_ZONES
from .stories import STORIES
from .truth import Attack, LookAlike

Engines = Literal["classic", "oie", "both"]
ENGINES: dict[Engines, tuple[Engine, ...]] = {"classic": ("classic",), "oie": ("oie",), "both": ("classic", "oie")}
# Every story by its family's name; the usual ones are those of ``attacks``.
KNOWN = {story.__name__.replace("_", "-"): story for story in (*FAMILIES, *STORIES)}
USUAL = tuple(KNOWN)[: len(FAMILIES)]
# What follows a deciding event within seconds still has room before the end.
TAIL = timedelta(seconds=2)
PEOPLE_A_FLOOR = 100


@dataclass(frozen=True)
class Traffic:
    """Raw System Log events, sorted by time, and what is true about them."""

    seed: int
    run_id: str
    start: datetime
    end: datetime
    events: list[Event]
    truth: list[Attack]
    look_alikes: list[LookAlike]

    def facts(self) -> dict[str, Any]:
        """What a monitor has to be told to find exactly the truth, and how to make the same traffic again."""
        return {
            "seed": self.seed,
            "run_id": self.run_id,
            "start": written(self.start),
            "end": written(self.end),
            "trusted_zones": TRUSTED_ZONES,
            "privileged_groups": [{"id": group_id, "name": name} for group_id, name in PRIVILEGED_GROUPS],
        }

    def truth_json(self) -> dict[str, Any]:
        """The truth as JSON: the facts, ``attacks`` and ``look_alikes``."""
        return {
            **self.facts(),
            "attacks": [attack.to_json() for attack in self.truth],
            "look_alikes": [each.to_json() for each in self.look_alikes],
        }


def plan(
    *,
    seed: int,
    users: int,
    start: datetime,
    end: datetime,
    attacks: int,
    run_id: str = "",
    engine: Engines = "both",
    decide_from: datetime | None = None,
    families: Sequence[str] = USUAL,
) -> Traffic:
    """Plan traffic from ``start`` to ``end``: the same inputs give the same bytes.

    ``users`` people have an everyday life. Each of the ``attacks`` (the families in turn) and each look-alike has
    people and addresses of its own, which another ``run_id`` does not share. The deciding events of the attacks are
    spread from ``decide_from`` on, by default as soon as a story fits in front of it. Raises ValueError where it does
    not fit, and KeyError for a family that there is none of.
    """
    first = decide_from or start + LONGEST_STORY
    last = end - TAIL
    if first < start + LONGEST_STORY or last <= first:
        raise ValueError(f"attacks are decided at least {LONGEST_STORY} after the start and {TAIL} before the end")
    root = f"{seed}/{run_id}"
    engines = ENGINES[engine]
    log = Log(Random(f"{root}/ids"))  # noqa: S311 - has to be repeatable, not secret
    cast = Cast(Random(f"{root}/people"), engines)  # noqa: S311 - as above
    _everyday(log, Random(f"{root}/everyday"), cast, users, (start, end))  # noqa: S311 - as above
    moments = _moments(Random(f"{root}/moments"), first, last, attacks)  # noqa: S311 - as above

    truth = []
    for number, decide in enumerate(moments):
        rng = Random(f"{root}/attack/{number}")  # noqa: S311 - as above
        name = f"{run_id or seed}-{number + 1:03d}"
        chosen = engines[number // len(families) % len(engines)]
        scene = Scene(name=name, log=log, rng=rng, cast=cast, engine=chosen, start=start, decide=decide, end=end)
        truth.append(KNOWN[families[number % len(families)]](scene))

    look_alikes = []
    for number, look_alike in enumerate(LOOK_ALIKES):
        rng = Random(f"{root}/look-alike/{number}")  # noqa: S311 - as above
        decide = start + LONGEST_STORY + (last - start - LONGEST_STORY) * rng.random()
        chosen = engines[number % len(engines)]
        scene = Scene(name="", log=log, rng=rng, cast=cast, engine=chosen, start=start, decide=decide, end=end)
        look_alikes.append(look_alike(scene))

    return Traffic(seed, run_id, start, end, _in_order(log.events, end), truth, look_alikes)


def _in_order(events: Sequence[Event], end: datetime) -> list[Event]:
    """The events by time, without the few that would follow after the end."""
    last = written(end)
    return sorted((event for event in events if event["published"] < last), key=lambda e: (e["published"], e["uuid"]))


def _everyday(log: Log, rng: Random, cast: Cast, users: int, span: tuple[datetime, datetime]) -> None:
    people = [cast.hire(is_admin=number % 20 == 0) for number in range(users)]
    if not people:
        return
    ration = Ration()
    for number, person in enumerate(people):
        Day(log, rng, person, ration, floor=number // PEOPLE_A_FLOOR).live(*span)
    administrate(log, rng, [person for person in people if person.is_admin], people, span)
    run_jobs(log, rng, people, span)


def _moments(rng: Random, first: datetime, last: datetime, count: int) -> list[datetime]:
    """Moments spread evenly, each shifted within its part; whole milliseconds, as Okta writes them."""
    step = (last - first) / max(count, 1)
    moments = [first + step * (number + rng.random()) for number in range(count)]
    return [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in moments]


def now() -> datetime:
    """Now, in whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
