"""What comes close to an attack and is none: one step below a threshold, or explained by a zone that is trusted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from . import places
from .attacks import FAILURES_OF_A_USER, MINUTE, REFUSED_PUSHES, USERS_OF_A_SPRAY, Scene
from .events import new_client, signed_in
from .people import token
from .places import City
from .truth import LookAlike

FAST_FLIGHT_KMH = 880.0


def _told(scene: Scene, kind: str, story: str, mark: int) -> LookAlike:
    return LookAlike(kind, story, tuple(event["uuid"] for event in scene.events_since(mark)))


def forgotten_phone(scene: Scene) -> LookAlike:
    """A mail client with an old password fails nineteen times."""
    mark = len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    phone = new_client(scene.rng, places.home(scene.rng, person.city), places.MOBILE_BROWSER)
    for left in range(FAILURES_OF_A_USER - 1):
        scene.log.wrong_password(scene.decide - 2 * MINUTE * left, person, phone)
    return _told(scene, "19 failures", f"A forgotten phone of {person.login} fails 19 times in 36 minutes.", mark)


def clumsy_thumb(scene: Scene) -> LookAlike:
    """Four refused pushes, then an accepted one."""
    log, rng, mark = scene.log, scene.rng, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    desk = scene.desk(person.city)
    phone = new_client(rng, places.mobile(rng, person.city), rng.choice(places.PHONES))
    for left in range(REFUSED_PUSHES - 1, 0, -1):
        at, transaction = scene.decide - left * MINUTE, token(rng, 27)
        log.push_sent(at - timedelta(seconds=6), person, desk, transaction)
        log.push_refused(at, person, phone, transaction)
    transaction = token(rng, 27)
    log.push_sent(scene.decide - timedelta(seconds=6), person, desk, transaction)
    log.push_accepted(scene.decide, person, phone, transaction)
    log.session_start(scene.decide + timedelta(seconds=1), person, desk)
    return _told(scene, "4 refusals", f"{person.login} refuses four pushes of their own and accepts the fifth.", mark)


def monday_morning(scene: Scene) -> LookAlike:
    """Fourteen people behind one office address mistype within the hour, and most get in."""
    log, rng, mark = scene.log, scene.rng, len(scene.log.events)
    city = rng.choice(places.OFFICES)
    egress = places.branch(rng, city)
    for number in range(USERS_OF_A_SPRAY - 1):
        person = scene.cast.hire(scene.engine)
        client = signed_in(rng, new_client(rng, egress, rng.choice(places.BROWSERS)), scene.engine)
        at = scene.decide - 55 * MINUTE * (number / (USERS_OF_A_SPRAY - 1))
        for attempt in range(rng.choice((1, 1, 2, 3)), 0, -1):
            log.wrong_password(at - timedelta(seconds=9 * attempt), person, client)
        log.session_start(at, person, client)
    return _told(
        scene,
        "14 users",
        f"14 people at the branch office in {city.name} mistype their passwords within an hour.",
        mark,
    )


def fast_flight(scene: Scene) -> LookAlike:
    """Two sign-ins at 880 km/h: a fast airliner and no queue."""
    log, rng, mark = scene.log, scene.rng, len(scene.log.events)
    here, there, km = rng.choice(_flights(scene.start, scene.decide))
    person = replace(scene.cast.hire(scene.engine), city=here)
    took = timedelta(hours=km / FAST_FLIGHT_KMH)
    for at, city in ((scene.decide - took, here), (scene.decide, there)):
        network = places.branch(rng, city)  # placed exactly
        client = signed_in(rng, new_client(rng, network, rng.choice(places.BROWSERS)), scene.engine)
        log.session_start(at, person, client)
    return _told(scene, "880 km/h", f"{person.login} flies from {here.name} to {there.name}, {km:.0f} km.", mark)


def _flights(start: datetime, end: datetime) -> list[tuple[City, City, float]]:
    """Pairs of cities over 500 km apart, with the way in km, that fit into the span at that speed."""
    longest = (end - start) / timedelta(hours=1) * FAST_FLIGHT_KMH
    pairs = [(a, b, places.distance_km((a.lat, a.lon), (b.lat, b.lon))) for a in places.CITIES for b in places.CITIES]
    return [pair for pair in pairs if 500 < pair[2] < longest]


def vpn_switched_on(scene: Scene) -> LookAlike:
    """At home, then through the company's VPN on another continent, then at home again."""
    log, rng, mark = scene.log, scene.rng, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    desk = scene.desk(person.city)
    gateways = [network for network in (places.vpn(rng) for _ in range(20)) if network.city != person.city]
    log.session_start(scene.decide - 12 * MINUTE, person, desk)
    log.session_start(scene.decide - 6 * MINUTE, person, signed_in(rng, desk.moved(gateways[0]), scene.engine))
    log.session_start(scene.decide, person, signed_in(rng, desk, scene.engine))
    return _told(scene, "VPN", f"{person.login} switches the VPN on and off within twelve minutes.", mark)


def lock_out(scene: Scene) -> LookAlike:
    """Ten wrong passwords, a lock, a call to the help desk, and in again from the same place."""
    log, mark = scene.log, len(scene.log.events)
    person, helper = scene.cast.hire(scene.engine), scene.cast.hire(scene.engine, is_admin=True)
    desk, help_desk = scene.desk(person.city), scene.desk(helper.city)
    for left in range(10):
        log.wrong_password(scene.decide - 20 * MINUTE - timedelta(seconds=12 * left), person, desk)
    log.write(scene.decide - 19 * MINUTE, "user.account.lock", person, desk, result="FAILURE", reason="LOCKED_OUT")
    log.administered(scene.decide - 8 * MINUTE, "user.account.reset_password", helper, help_desk, person)
    log.administered(scene.decide - 7 * MINUTE, "user.account.unlock", helper, help_desk, person)
    log.session_start(scene.decide, person, desk)
    return _told(scene, "lock-out", f"{person.login} is locked out and helped by {helper.login}.", mark)


def role_revoked(scene: Scene) -> LookAlike:
    """A role taken away, which Okta logs as a grant with the marker ROLE_UNASSIGNED."""
    mark = len(scene.log.events)
    actor, person = scene.cast.hire(scene.engine, is_admin=True), scene.cast.hire(scene.engine)
    scene.log.role_granted(
        scene.decide, actor, scene.desk(actor.city), person, "Super administrator", "ROLE_UNASSIGNED"
    )
    return _told(scene, "revoke", f"{actor.login} takes the role of super administrator from {person.login}.", mark)


LOOK_ALIKES: tuple[Callable[[Scene], LookAlike], ...] = (
    forgotten_phone,
    clumsy_thumb,
    monday_morning,
    fast_flight,
    vpn_switched_on,
    lock_out,
    role_revoked,
)
