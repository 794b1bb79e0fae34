"""Who works at example.com: names that break careless pages, ids as Okta makes them."""

import string
from dataclasses import dataclass
from random import Random
from typing import Literal

from .places import CITIES, OFFICES, City

Engine = Literal["classic", "oie"]

GIVEN = (
    *("Ada", "Grace", "Alan", "Edsger", "Barbara", "Ken", "Radia", "Donald", "Margaret", "Dennis", "Frances", "Leslie"),
    *(
        "Shafi",
        "Tim",
        "Adele",
        "Vint",
        "Hedy",
        "Niklaus",
        "Karen",
        "Bjarne",
        "Anita",
        "Guido",
        "Mary",
        "Linus",
        "Sophie",
    ),
    *("Yukihiro", "Lynn", "Rob", "Joan", "Brian", "Evelyn", "Claude", "Katherine", "John", "Annie", "Peter", "Ruth"),
)
FAMILY = (
    *("Keller", "Novak", "Rossi", "Dubois", "Schmidt", "Garcia", "Kowalski", "Lindqvist", "Papadopoulos", "Levi"),
    *("Haddad", "Iyer", "Tan", "Sato", "Wilson", "Okafor", "Mwangi", "Silva", "Torres", "Miller", "Nguyen", "Baker"),
    *("Rivera", "Tremblay", "Meier", "Fischer", "Bianchi", "Moreau", "Jensen", "Horvat", "Costa", "Yilmaz", "Petrov"),
)
# Display names that are right, and that a page or a query must survive.
AWKWARD = (
    "Siobhán O'Neill-D'Arcy",
    'Robert "Bob" Müller',
    "<script>alert('hello')</script>",
    "عمر الخطيب",
    "יעל כהן",
    "山田 太郎",
    "Zoë 🚀 Rocket",
    "Percy {{period_end}} Mustache",
    "Back\\slash \u202eDrahcir",
    "Wolfeschlegelsteinhausenbergerdorff " * 6,
    "=HYPERLINK(1)",
    "null",
)
APPLICATIONS = (
    "Office 365",
    "Slack",
    "GitHub Enterprise",
    "Salesforce",
    "Workday",
    "Jira",
    "AWS IAM Identity Center",
    "Zoom",
    "Figma",
)
GROUPS = (
    "Engineering",
    "Marketing",
    "Berlin office",
    "Everyone at lunch",
    "Book club",
    "Sales EMEA",
    "VPN users",
    "Contractors",
)
# Groups whose membership carries administrator roles. Okta does not say so: a monitor has to be told.
PRIVILEGED_GROUPS = (
    ("00gPRIVILEGED0000001", "Okta Administrators"),
    ("00gPRIVILEGED0000002", "Super Administrators"),
    ("00gPRIVILEGED0000003", "Domain Admins"),
    ("00gPRIVILEGED0000004", "Enterprise Admins"),
)
ROLES = (
    "Super administrator",
    "Organization administrator",
    "Application administrator",
    "Group administrator",
    "Help desk administrator",
)
ID_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Person:
    """Somebody with an account. An unknown person is a login that was typed, and nobody: id and name are "unknown"."""

    id: str
    login: str
    name: str
    engine: Engine
    city: City
    is_admin: bool = False


def okta_id(rng: Random, prefix: str) -> str:
    """An id of twenty characters whose beginning tells the kind: ``00u`` user, ``00g`` group, ``0oa`` application."""
    return prefix + "".join(rng.choices(ID_ALPHABET, k=20 - len(prefix)))


def token(rng: Random, length: int) -> str:
    """A random word, as ids of sessions and requests are."""
    return "".join(rng.choices(ID_ALPHABET, k=length))


class Cast:
    """Hands out people, each only once; no two share an id or a login."""

    def __init__(self, rng: Random, engines: tuple[Engine, ...]) -> None:
        self.rng = rng
        self.engines = engines
        self._logins: set[str] = set()
        self._count = 0

    def hire(self, engine: Engine | None = None, *, is_admin: bool = False) -> Person:
        """A new person: three in four work at an office, one in nine has an awkward name."""
        self._count += 1
        city = self.rng.choice(OFFICES if self.rng.random() < 0.75 else CITIES)
        given, family = self.rng.choice(GIVEN), self.rng.choice(FAMILY)
        name = AWKWARD[self._count // 9 % len(AWKWARD)] if self._count % 9 == 0 else f"{given} {family}"
        return Person(
            id=okta_id(self.rng, "00u"),
            login=self._login(given, family),
            name=name.strip(),
            engine=engine or self.engines[self._count % len(self.engines)],
            city=city,
            is_admin=is_admin,
        )

    def invent(self, engine: Engine) -> Person:
        """A login that an attacker typed and that nobody has."""
        login = self._login(self.rng.choice(GIVEN), self.rng.choice(FAMILY))
        return Person(id="unknown", login=login, name="unknown", engine=engine, city=CITIES[0])

    def _login(self, given: str, family: str) -> str:
        while True:
            login = f"{given}.{family}{self.rng.randrange(10, 10_000)}@example.com".lower()
            if login not in self._logins:
                self._logins.add(login)
                return login
