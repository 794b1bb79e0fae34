"""What happens when nothing happens: people sign in, mistype, travel, and administrators look after them.

Nothing here may look like an attack to a detection at its usual thresholds, so two rules are kept by construction:
nobody is anywhere sooner than an airliner brings them there, and failures are rationed by person and by address.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from . import places
from .events import SYSTEM, Client, Log, new_client, signed_in, user_target
from .people import APPLICATIONS, GROUPS, Person, okta_id, token
from .places import City, Network

# An airliner's speed between airports, and the time spent in them: door to door stays well below 900 km/h.
FLIGHT_KMH = 850.0
AIRPORTS = timedelta(minutes=40)
# Geography by address is off by this much without anybody having moved.
SAME_REGION_KM = 450.0
HOUR = timedelta(hours=1)
FAILURES_A_PERSON = 4  # in any hour: five from two addresses and a success would be an attack
PERSONS_AN_ADDRESS = 5  # that fail in any hour: fifteen would be a spray, and two runs may share an office
SIGN_INS_A_WORKING_HOUR = 0.35
AT_NIGHT = 0.08  # of the rate at work


class Ration:
    """Limits failures: by person, and by persons at one address, in any hour."""

    def __init__(self) -> None:
        self._by_person: dict[str, list[datetime]] = defaultdict(list)
        self._by_address: dict[str, list[tuple[datetime, str]]] = defaultdict(list)

    def allow(self, at: datetime, person: Person, network: Network, count: int) -> bool:
        """Whether this person may fail this often now; if so, it is counted."""
        recent = [t for t in self._by_person[person.id] if abs(t - at) < HOUR]
        others = {who for t, who in self._by_address[network.ip] if abs(t - at) < HOUR and who != person.id}
        if len(recent) + count > FAILURES_A_PERSON or len(others) >= PERSONS_AN_ADDRESS:
            return False
        self._by_person[person.id] = [*recent, *[at] * count]
        self._by_address[network.ip].append((at, person.id))
        return True


class Day:
    """One person's days: where they are, what they sit at, and when they were last seen where."""

    def __init__(self, log: Log, rng: Random, person: Person, ration: Ration, *, floor: int) -> None:
        self.log = log
        self.rng = rng
        self.person = person
        self.ration = ration
        self.floor = floor
        self.city = person.city
        self.computer = new_client(rng, places.home(rng, person.city), rng.choice(places.BROWSERS))
        self.phone = new_client(rng, places.mobile(rng, person.city), rng.choice(places.PHONES))
        self.home = self.computer.network
        self.seen: tuple[datetime, tuple[float, float]] | None = None

    def live(self, start: datetime, end: datetime) -> None:
        """Everything that this person does in a span of time."""
        at = start
        while True:
            at += HOUR * self.rng.expovariate(SIGN_INS_A_WORKING_HOUR)
            if at >= end:
                return
            if self.rng.random() < self._wakefulness(at):
                at = self._come_online(at, end)

    def _wakefulness(self, at: datetime) -> float:
        hour = (at.hour + self.city.utc_offset) % 24
        return 1.0 if 8 <= hour < 18 and at.weekday() < 5 else AT_NIGHT

    def _come_online(self, at: datetime, end: datetime) -> datetime:
        """Sign in and work a while; return when. A place that cannot be reached by then is reached later."""
        if self.rng.random() < 0.04:
            self._travel(self.rng.choice(places.CITIES))
        elif self.city != self.person.city and self.rng.random() < 0.3:
            self._travel(self.person.city)
        network = self._network()
        if network.place and not network.is_trusted and network.place != (0.0, 0.0):
            at = max(at, self._arrival(at, network.place))
        if at < end:
            self._sign_in(at, end, network)
        return at

    def _travel(self, city: City) -> None:
        self.city = city
        self.home = places.home(self.rng, city)  # the hotel's, when it is not the city of their home
        self.phone = self.phone.moved(places.mobile(self.rng, city))

    def _arrival(self, at: datetime, place: tuple[float, float]) -> datetime:
        """The earliest moment, from ``at`` on, at which this person can be seen there."""
        if self.seen is None:
            return at
        last, where = self.seen
        km = places.distance_km(where, place)
        return last if km < SAME_REGION_KM else last + HOUR * (km / FLIGHT_KMH) + AIRPORTS

    def _network(self) -> Network:
        draw = self.rng.random()
        if draw < 0.50 and self.city in places.OFFICES:
            return places.office(places.OFFICES.index(self.city) * 30 + self.floor, self.city)
        if draw < 0.65:
            return places.vpn(self.rng)
        if draw < 0.78:
            return places.mobile(self.rng, self.city)
        if draw < 0.80:
            return self._badly_placed(self.home)
        return self.home

    def _badly_placed(self, network: Network) -> Network:
        """The same address where Okta knows no place, or takes 0,0 for one."""
        place = None if self.rng.random() < 0.6 else (0.0, 0.0)
        return Network(network.ip, self.city, place, network.asn, network.owner, network.domain)

    def _sign_in(self, at: datetime, end: datetime, network: Network) -> None:
        client = signed_in(self.rng, self.computer.moved(network), self.person.engine)
        log, person, rng = self.log, self.person, self.rng
        if rng.random() < 0.08:
            at = self._mistype(at, client)
        log.policy(at, person, client)
        log.right_password(at + timedelta(milliseconds=rng.randrange(200, 900)), person, client)
        at += timedelta(milliseconds=rng.randrange(1_000, 3_000))
        if rng.random() < 0.7:
            at = self._push(at, client)
        log.session_start(at, person, client)
        if network.place and not network.is_trusted and network.place != (0.0, 0.0):
            self.seen = (at, network.place)
        if person.is_admin and rng.random() < 0.5:
            log.write(at + timedelta(seconds=2), "user.session.access_admin_app", person, client)
        for _ in range(rng.randrange(1, 6)):
            at += timedelta(seconds=rng.expovariate(1 / 900))
            if at < end:
                log.sso(at, person, client, rng.choice(APPLICATIONS))
        if at + HOUR < end and rng.random() < 0.2:
            log.write(at + HOUR * rng.random(), "user.session.end", person, client)

    def _mistype(self, at: datetime, client: Client) -> datetime:
        count = self.rng.randrange(1, 4)
        if not self.ration.allow(at, self.person, client.network, count):
            return at
        for _ in range(count):
            self.log.wrong_password(at, self.person, client)
            at += timedelta(seconds=self.rng.uniform(3, 12))
        return at

    def _push(self, at: datetime, client: Client) -> datetime:
        """A push and its answer, from the phone; once in fifty the thumb hits No first."""
        if self.rng.random() < 0.02:
            transaction = token(self.rng, 27)
            self.log.push_sent(at, self.person, client, transaction)
            at += timedelta(seconds=self.rng.uniform(3, 9))
            self.log.push_refused(at, self.person, self.phone, transaction)
            at += timedelta(seconds=self.rng.uniform(3, 9))
        transaction = token(self.rng, 27)
        self.log.push_sent(at, self.person, client, transaction)
        at += timedelta(seconds=self.rng.uniform(2, 8))
        self.log.push_accepted(at, self.person, self.phone, transaction)
        return at + timedelta(milliseconds=self.rng.randrange(200, 900))


def administrate(
    log: Log, rng: Random, admins: Sequence[Person], everyone: Sequence[Person], span: tuple[datetime, datetime]
) -> None:
    """What administrators do all day. No role is granted: each grant is an alert."""
    start, end = span
    for admin in admins:
        client = signed_in(
            rng, new_client(rng, places.office(rng.randrange(6), admin.city), rng.choice(places.BROWSERS)), admin.engine
        )
        at = start
        while (at := at + HOUR * rng.expovariate(2.0)) < end:
            _chore(log, rng, at, admin, client, rng.choice(everyone))


def _chore(log: Log, rng: Random, at: datetime, admin: Person, client: Client, person: Person) -> None:
    match rng.randrange(8):
        case 0 | 1:
            log.membership(at, admin, client, person, okta_id(rng, "00g"), rng.choice(GROUPS))
        case 2 | 3:
            application = rng.choice(APPLICATIONS)
            target = {
                "id": okta_id(rng, "0oa"),
                "type": "AppInstance",
                "alternateId": application,
                "displayName": application,
            }
            log.write(at, "application.user_membership.add", admin, client, targets=[user_target(person), target])
        case 4:
            log.administered(at, "user.account.reset_password", admin, client, person)
        case 5:
            log.administered(at, "user.account.update_profile", admin, client, person)
        case 6:
            log.administered(
                at,
                "user.account.privilege.revoke",
                admin,
                client,
                person,
                debug={"privilegeRevoked": "Help desk administrator"},
            )
        case _:
            log.role_granted(at, admin, client, person, "Group administrator", marker="ROLE_UNASSIGNED")


def run_jobs(log: Log, rng: Random, everyone: Sequence[Person], span: tuple[datetime, datetime]) -> None:
    """What nobody does: imports and group rules, with no client and no place."""
    start, end = span
    at = start
    while (at := at + timedelta(minutes=rng.uniform(4, 8))) < end:
        person = rng.choice(everyone)
        log.write(at, "system.agent.ad.import_user", SYSTEM, None, targets=[user_target(person)])
        if rng.random() < 0.3:
            log.write(at + timedelta(seconds=2), "group.user_membership.rule.trigger", SYSTEM, None, targets=None)
