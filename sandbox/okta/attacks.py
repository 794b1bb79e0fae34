"""One story a family, each by people and from addresses that only it has, with the one finding that it has to make.

A story is told backwards from the event that decides it: what came before may lie in the past, and what follows within
seconds is left out where the traffic ends. No story may set off another detection: who is brute-forced does not sign in
afterwards, who accepts a push has its attacker next door, who grants a role does not travel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from . import places
from .events import Client, Event, Log, new_client, signed_in, written
from .people import APPLICATIONS, PRIVILEGED_GROUPS, ROLES, Cast, Engine, okta_id, token
from .places import City
from .truth import Attack, Expected, tell

# The usual thresholds, which stories pass and look-alikes do not.
FAILURES_OF_A_USER = 20
USERS_OF_A_SPRAY = 15
REFUSED_PUSHES = 5
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Scene:
    """What a story gets: its name, its time and its engine, and who and what it may use.

    ``decide`` is when the deciding event is published; nothing lies before ``start``, nothing at or after ``end``.
    """

    name: str
    log: Log
    rng: Random
    cast: Cast
    engine: Engine
    start: datetime
    decide: datetime
    end: datetime

    def events_since(self, mark: int) -> list[Event]:
        """What was told since the log was that long, cut where the traffic ends."""
        end = written(self.end)
        return [event for event in self.log.events[mark:] if event["published"] < end]

    def hostile(self, city: City | None = None) -> Client:
        """An attacker's machine, in that city or anywhere."""
        network = places.hostile(self.rng, city or self.rng.choice(places.CITIES))
        return new_client(self.rng, network, self.rng.choice((*places.BROWSERS, *places.SCRIPTS)))

    def desk(self, city: City) -> Client:
        """Somebody's own machine at home, signed in."""
        client = new_client(self.rng, places.home(self.rng, city), self.rng.choice(places.BROWSERS))
        return signed_in(self.rng, client, self.engine)


def impossible_travel(scene: Scene) -> Attack:
    """A sign-in at home, then one from where nobody could have travelled."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    past = (scene.decide - scene.start) / MINUTE
    minutes = rng.uniform(15, min(5 * 60, past * 0.9))
    desk = scene.desk(person.city)
    # 1,300 km/h and more, and 800 km at least: away from the thresholds whatever the geography is off by.
    km = max(800.0, 1_300 * minutes / 60)
    far = [
        city
        for city in places.CITIES
        if places.distance_km((city.lat, city.lon), (person.city.lat, person.city.lon)) > km
    ]
    there = rng.choice(far)
    stolen = rng.random() < 0.3
    thief = new_client(rng, places.hostile(rng, there), rng.choice(places.BROWSERS), desk.dt_hash if stolen else None)
    thief = signed_in(rng, thief, scene.engine)
    log.session_start(scene.decide - minutes * MINUTE, person, desk)
    log.right_password(scene.decide - timedelta(milliseconds=700), person, thief)
    deciding = log.session_start(scene.decide, person, thief)
    for _ in range(3):
        log.sso(scene.decide + timedelta(seconds=rng.uniform(2, 20)), person, thief, rng.choice(APPLICATIONS))
    cookie = " with a copy of the device cookie" if stolen else ""
    story = f"{person.login} signs in at {person.city.name} and {minutes:.0f} minutes later from {there.name}{cookie}."
    expected = Expected("impossible-travel", "user", person.id)
    return tell(scene.name, "impossible-travel", story, expected, scene.events_since(mark), deciding)


def brute_force_user(scene: Scene) -> Attack:
    """Guesses at one password, from one or two addresses, none of which is right."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    machines = [scene.hostile() for _ in range(rng.choice((1, 2)))]
    span = rng.uniform(8, 50) * MINUTE
    earlier = sorted(rng.uniform(0.001, 1.0) for _ in range(FAILURES_OF_A_USER - 2))
    moments = [scene.decide - span, *(scene.decide - span * (1 - part * 0.99) for part in earlier)]
    for at in moments:
        log.wrong_password(at, person, rng.choice(machines))
    deciding = log.wrong_password(scene.decide, person, rng.choice(machines))[-1]
    for further in range(rng.randrange(5)):
        log.wrong_password(scene.decide + timedelta(seconds=2 * further + 2), person, rng.choice(machines))
    story = f"Somebody guesses at the password of {person.login} from {len(machines)} address(es), and fails."
    expected = Expected("brute-force-user", "user", person.id)
    return tell(scene.name, "brute-force-user", story, expected, scene.events_since(mark), deciding)


def password_spray_source(scene: Scene) -> Attack:
    """One address tries a few passwords on many people, some of whom do not exist."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    machine = scene.hostile()
    count = USERS_OF_A_SPRAY + rng.randrange(6)
    people = [
        scene.cast.invent(scene.engine) if rng.random() < 0.2 else scene.cast.hire(scene.engine) for _ in range(count)
    ]
    before, last = people[: USERS_OF_A_SPRAY - 1], people[USERS_OF_A_SPRAY - 1]
    span = rng.uniform(6, 45) * MINUTE
    tries = [(person, rng.uniform(0.01, 1.0)) for person in before for _ in range(rng.choice((1, 1, 2, 3)))]
    for person, part in sorted(tries, key=lambda entry: entry[1], reverse=True):
        log.wrong_password(scene.decide - span * part, person, machine)
    deciding = log.wrong_password(scene.decide, last, machine)[-1]
    for further, person in enumerate(people[USERS_OF_A_SPRAY:]):
        log.wrong_password(scene.decide + timedelta(seconds=3 * further + 3), person, machine)
    story = f"{machine.network.ip} tries a few passwords on each of {count} logins."
    expected = Expected("password-spray-source", "ip", machine.network.ip)
    return tell(scene.name, "password-spray-source", story, expected, scene.events_since(mark), deciding)


def push_fatigue_success(scene: Scene) -> Attack:
    """Somebody with the password sends push after push until one is accepted."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    # Next door, so that the sign-in which follows is no impossible journey.
    attacker = signed_in(rng, scene.hostile(person.city), scene.engine)
    phone = new_client(rng, places.mobile(rng, person.city), rng.choice(places.PHONES))
    refusals = REFUSED_PUSHES + rng.randrange(4)
    step = timedelta(seconds=rng.uniform(20, 50))
    log.right_password(scene.decide - step * (refusals + 1), person, attacker)
    for left in range(refusals, 0, -1):
        at = scene.decide - step * left
        transaction = token(rng, 27)
        log.push_sent(at - timedelta(seconds=8), person, attacker, transaction)
        log.push_refused(at, person, phone, transaction)
    transaction = token(rng, 27)
    log.push_sent(scene.decide - timedelta(seconds=6), person, attacker, transaction)
    deciding = log.push_accepted(scene.decide, person, phone, transaction)
    log.session_start(scene.decide + timedelta(milliseconds=800), person, attacker)
    log.sso(scene.decide + timedelta(seconds=5), person, attacker, rng.choice(APPLICATIONS))
    story = f"{person.login} refuses {refusals} pushes and accepts the next one."
    expected = Expected("push-fatigue-success", "user", person.id)
    return tell(scene.name, "push-fatigue-success", story, expected, scene.events_since(mark), deciding)


def admin_role_granted(scene: Scene) -> Attack:
    """An administrator gives a role to themself, to somebody else or to a group."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    actor, other = scene.cast.hire(scene.engine, is_admin=True), scene.cast.hire(scene.engine)
    desk = scene.desk(actor.city)
    role = rng.choice(ROLES)
    log.session_start(scene.decide - timedelta(seconds=rng.uniform(60, 600)), actor, desk)
    log.write(scene.decide - timedelta(seconds=40), "user.session.access_admin_app", actor, desk)
    to = rng.choice(("themself", "themself", other.login, "a group"))
    if to == "a group":
        group = okta_id(rng, "00g"), "Helpers"
        deciding = log.role_granted_to_group(scene.decide, actor, desk, *group, role)
    else:
        receiver = actor if to == "themself" else other
        marker = rng.choice(("ROLE_ASSIGNED", None))
        deciding = log.role_granted(scene.decide, actor, desk, receiver, role, marker)
    story = f"{actor.login} grants {role} to {to}."
    expected = Expected("admin-role-granted", "user", actor.id)
    return tell(scene.name, "admin-role-granted", story, expected, scene.events_since(mark), deciding)


def privileged_group_add(scene: Scene) -> Attack:
    """An administrator puts themself or somebody else into a group that carries administrator roles."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    actor, other = scene.cast.hire(scene.engine, is_admin=True), scene.cast.hire(scene.engine)
    desk = scene.desk(actor.city)
    group_id, group = rng.choice(PRIVILEGED_GROUPS)
    member = rng.choice((actor, other))
    log.session_start(scene.decide - timedelta(seconds=rng.uniform(60, 600)), actor, desk)
    deciding = log.membership(scene.decide, actor, desk, member, group_id, group)
    who = "themself" if member is actor else member.login
    story = f"{actor.login} adds {who} to {group}."
    expected = Expected("privileged-group-add", "user", actor.id)
    return tell(scene.name, "privileged-group-add", story, expected, scene.events_since(mark), deciding)


FAMILIES: tuple[Callable[[Scene], Attack], ...] = (
    impossible_travel,
    brute_force_user,
    password_spray_source,
    push_fatigue_success,
    admin_role_granted,
    privileged_group_add,
)
# The longest story but travel, which fits itself into what there is.
LONGEST_STORY = timedelta(minutes=60)
