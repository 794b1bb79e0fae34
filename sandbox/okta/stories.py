"""Stories of several stages: a stolen cookie, a help desk talked into a reset, a spray that worked.

They can be asked for by name and are not among the usual families. Each has to be found as one critical finding with its
stages as evidence, and its truth says what its stages set off besides. Nothing else of the catalogue may speak of it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from . import places
from .attacks import MINUTE, USERS_OF_A_SPRAY, Scene
from .events import Client, new_client, signed_in, user_target
from .people import APPLICATIONS, Person, okta_id
from .truth import Attack, Expected, tell


def session_cookie_replay(scene: Scene) -> Attack:
    """Somebody signs in at home; their session's cookie is used from a rented machine with another system."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    person = scene.cast.hire(scene.engine)
    desk = scene.desk(person.city)
    thief = _another_system(scene, desk)
    began = scene.decide - rng.uniform(10, 50) * MINUTE
    log.right_password(began - timedelta(milliseconds=700), person, desk)
    log.session_start(began, person, desk)
    log.sso(began + timedelta(seconds=rng.uniform(5, 60)), person, desk, rng.choice(APPLICATIONS))
    deciding = log.sso(scene.decide, person, thief, rng.choice(APPLICATIONS))
    for further in range(1, 4):
        log.sso(scene.decide + timedelta(seconds=4 * further), person, thief, rng.choice(APPLICATIONS))
    story = f"The session of {person.login} at {person.city.name} is used from {thief.network.ip} on {thief.agent.os}."
    expected = Expected("session-cookie-replay", "user", person.id)
    return tell(scene.name, "session-cookie-replay", story, expected, scene.events_since(mark), deciding)


def helpdesk_takeover(scene: Scene) -> Attack:
    """A caller has somebody's factors reset, enrols a phone and signs in from a network that the person never used."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    person, helper = scene.cast.hire(scene.engine), scene.cast.hire(scene.engine, is_admin=True)
    desk, help_desk = scene.desk(person.city), scene.desk(helper.city)
    # In the same city, so that the sign-in is no impossible journey.
    caller = scene.hostile(person.city)
    reset = scene.decide - rng.uniform(15, 40) * MINUTE
    enrolled = reset + (scene.decide - reset) * rng.uniform(0.3, 0.8)
    log.session_start(scene.start + (reset - scene.start) * rng.uniform(0.1, 0.8), person, desk)
    log.administered(reset, "user.mfa.factor.reset_all", helper, help_desk, person, reason="User reset all factors")
    factor = {
        "id": okta_id(rng, "opf"),
        "type": "AuthenticatorEnrollment",
        "alternateId": "unknown",
        "displayName": "Okta Verify",
    }
    log.write(enrolled, "user.mfa.factor.activate", person, caller, targets=[user_target(person), factor])
    caller = signed_in(rng, caller, scene.engine)
    deciding = log.session_start(scene.decide, person, caller)
    log.sso(scene.decide + timedelta(seconds=rng.uniform(2, 20)), person, caller, rng.choice(APPLICATIONS))
    story = f"{helper.login} resets the factors of {person.login} for a caller, who enrols a phone and signs in."
    return tell(
        scene.name,
        "helpdesk-takeover",
        story,
        Expected("helpdesk-takeover", "user", person.id),
        scene.events_since(mark),
        deciding,
        further=(Expected("mfa-factor-reset", "user", person.id),),
    )


def password_spray_success(scene: Scene) -> Attack:
    """One address tries a password on many people, and it is right for one of those for whom it had failed."""
    rng, log, mark = scene.rng, scene.log, len(scene.log.events)
    machine = new_client(rng, places.hostile(rng, rng.choice(places.CITIES)), rng.choice(places.BROWSERS))
    people: list[Person] = [scene.cast.hire(scene.engine) for _ in range(USERS_OF_A_SPRAY + rng.randrange(6))]
    victim = rng.choice(people)
    span = rng.uniform(10, 50) * MINUTE
    for number, person in enumerate(people):
        log.wrong_password(scene.decide - span * (1 - 0.95 * number / len(people)), person, machine)
    told = len(log.events)
    log.right_password(scene.decide, victim, machine)
    inside = signed_in(rng, machine, scene.engine)
    log.session_start(scene.decide + timedelta(milliseconds=700), victim, inside)
    deciding = log.events[told]  # on Identity Engine the password that was right, on Classic the session that follows
    log.sso(scene.decide + timedelta(seconds=6), victim, inside, rng.choice(APPLICATIONS))
    ip = machine.network.ip
    story = f"{ip} tries a password on {len(people)} people and then gets in as {victim.login}."
    return tell(
        scene.name,
        "password-spray-success",
        story,
        Expected("password-spray-success", "ip", ip),
        scene.events_since(mark),
        deciding,
        further=(Expected("password-spray-source", "ip", ip),),
    )


def _another_system(scene: Scene, desk: Client) -> Client:
    """A rented machine with the session of that desk, and with another operating system."""
    agents = [agent for agent in places.BROWSERS if agent.os != desk.agent.os]
    network = places.hostile(scene.rng, scene.rng.choice(places.CITIES))
    return replace(new_client(scene.rng, network, scene.rng.choice(agents)), session=desk.session)


STORIES: tuple[Callable[[Scene], Attack], ...] = (session_cookie_replay, helpdesk_takeover, password_spray_success)
