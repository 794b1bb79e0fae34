"""Cities, networks, browsers and phones. Addresses are from ranges that nobody routes; their owners are invented."""

import math
from dataclasses import dataclass
from ipaddress import IPv4Network
from random import Random

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class City:
    """A place as Okta names it. ``utc_offset`` is in hours and decides when people work."""

    name: str
    state: str
    country: str
    postal_code: str
    lat: float
    lon: float
    utc_offset: int


CITIES = (
    City("Zürich", "Zurich", "Switzerland", "8001", 47.3769, 8.5417, 1),
    City("Berlin", "Land Berlin", "Germany", "10115", 52.52, 13.405, 1),
    City("London", "England", "United Kingdom", "EC1A", 51.5074, -0.1278, 0),
    City("Paris", "Île-de-France", "France", "75001", 48.8566, 2.3522, 1),
    City("Madrid", "Madrid", "Spain", "28001", 40.4168, -3.7038, 1),
    City("Milan", "Lombardy", "Italy", "20121", 45.4642, 9.19, 1),
    City("Warsaw", "Mazovia", "Poland", "00-001", 52.2297, 21.0122, 1),
    City("Stockholm", "Stockholm County", "Sweden", "111 20", 59.3293, 18.0686, 1),
    City("Athens", "Attica", "Greece", "105 57", 37.9838, 23.7275, 2),
    City("Tel Aviv", "Tel Aviv", "Israel", "61000", 32.0853, 34.7818, 2),
    City("Dubai", "Dubai", "United Arab Emirates", "", 25.2048, 55.2708, 4),
    City("Bengaluru", "Karnataka", "India", "560001", 12.9716, 77.5946, 5),
    City("Singapore", "", "Singapore", "018989", 1.3521, 103.8198, 8),
    City("Tokyo", "Tokyo", "Japan", "100-0001", 35.6762, 139.6503, 9),
    City("Sydney", "New South Wales", "Australia", "2000", -33.8688, 151.2093, 11),
    City("Lagos", "Lagos", "Nigeria", "100001", 6.5244, 3.3792, 1),
    City("Nairobi", "Nairobi County", "Kenya", "00100", -1.2921, 36.8219, 3),
    City("São Paulo", "São Paulo", "Brazil", "01000-000", -23.5505, -46.6333, -3),
    City("Bogotá", "Bogota D.C.", "Colombia", "110111", 4.711, -74.0721, -5),
    City("New York", "New York", "United States", "10001", 40.7128, -74.006, -5),
    City("Austin", "Texas", "United States", "78701", 30.2672, -97.7431, -6),
    City("Chicago", "Illinois", "United States", "60601", 41.8781, -87.6298, -6),
    City("San Francisco", "California", "United States", "94105", 37.7749, -122.4194, -8),
    City("Toronto", "Ontario", "Canada", "M5H", 43.6532, -79.3832, -5),
)
OFFICES = tuple(
    city for city in CITIES if city.name in {"Zürich", "London", "Bengaluru", "New York", "Austin", "Tokyo"}
)
VPN_ZONE = "Corporate VPN"
# Networks of the company's own egress: a person's place is not where they come out.
TRUSTED_ZONES = [VPN_ZONE]


@dataclass(frozen=True)
class Network:
    """Where a request comes from, as Okta's geography and security context tell it.

    ``place`` is (latitude, longitude) in degrees; ``None`` where Okta knows none, (0, 0) where it is wrong about it.
    """

    ip: str
    city: City | None
    place: tuple[float, float] | None
    asn: int
    owner: str
    domain: str
    is_proxy: bool = False
    zone: str = "null"

    @property
    def is_trusted(self) -> bool:
        """Whether this is the company's own egress."""
        return self.zone in TRUSTED_ZONES


@dataclass(frozen=True)
class Agent:
    """A browser, an app or a script."""

    raw: str
    os: str
    browser: str
    device: str


CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
BROWSERS = (
    Agent(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME.format(v=151)}", "Windows 11", "CHROME", "Computer"),
    Agent(
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME.format(v=150)} Edg/150.0", "Windows 11", "EDGE", "Computer"
    ),
    Agent(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME.format(v=151)}", "Mac OS X", "CHROME", "Computer"),
    Agent(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.1 Safari/605.1.15",
        "Mac OS X",
        "SAFARI",
        "Computer",
    ),
    Agent("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Linux", "FIREFOX", "Computer"),
)
PHONES = (
    Agent("OktaVerify/9.52.0 com.okta.mobile iOS/26.1 Apple/iPhone17,1", "iOS", "UNKNOWN", "Mobile"),
    Agent("OktaVerify/9.52.1 com.okta.android.auth Android/16 Google/Pixel_10", "Android", "UNKNOWN", "Mobile"),
)
MOBILE_BROWSER = Agent(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "iOS",
    "SAFARI",
    "Mobile",
)
SCRIPTS = (
    Agent("python-requests/2.32.5", "Unknown", "UNKNOWN", "Unknown"),
    Agent("Go-http-client/2.0", "Unknown", "UNKNOWN", "Unknown"),
    Agent(
        f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.format(v=139).replace('Chrome', 'HeadlessChrome')}",
        "Linux",
        "CHROME",
        "Computer",
    ),
)

# Offices and VPN lie in the ranges for documentation (RFC 5737), homes and attackers in those for benchmarks
# (RFC 2544), phones in documentation's IPv6 (RFC 3849).
OFFICE_RANGE = IPv4Network("203.0.113.0/24")
VPN_RANGE = IPv4Network("198.51.100.0/24")
HOME_RANGE = IPv4Network("198.19.0.0/16")
HOSTILE_RANGE = IPv4Network("198.18.0.0/16")
HOSTERS = (
    (64496, "Bulletproof Example Hosting", "hosting.example", False),
    (64497, "Anonymous Example VPN", "vpn.example", True),
    (64498, "Residential Example Proxies", "proxy.example", True),
    (64499, "Cheap Example Cloud", "cloud.example", False),
)


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The way between two places in degrees, along the great circle."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


def _near(rng: Random, city: City, degrees: float) -> tuple[float, float]:
    """Somewhere about a city: geography by address is never exact."""
    return round(city.lat + rng.uniform(-degrees, degrees), 4), round(city.lon + rng.uniform(-degrees, degrees), 4)


def office(index: int, city: City) -> Network:
    """The egress of an office floor. The same index is the same address in every run."""
    ip = str(OFFICE_RANGE[1 + index % 200])
    return Network(ip, city, (city.lat, city.lon), 64500, "Example Corporation", "example.com")


def branch(rng: Random, city: City) -> Network:
    """The egress of a small office that only this run has."""
    return Network(_random_ip(rng, HOME_RANGE), city, (city.lat, city.lon), 64500, "Example Corporation", "example.com")


def vpn(rng: Random) -> Network:
    """One of the company's VPN gateways; they lie where the company rents them, not where its people are."""
    city = rng.choice((CITIES[1], CITIES[12], CITIES[21]))
    ip = str(VPN_RANGE[10 + CITIES.index(city)])
    return Network(ip, city, (city.lat, city.lon), 64501, "Example Corporate VPN", "example.com", zone=VPN_ZONE)


def home(rng: Random, city: City) -> Network:
    """A connection at home."""
    asn = 64510 + CITIES.index(city)
    return Network(
        _random_ip(rng, HOME_RANGE), city, _near(rng, city, 0.15), asn, f"{city.country} Broadband", "broadband.example"
    )


def mobile(rng: Random, city: City) -> Network:
    """A phone's carrier, whose egress lies up to some 70 km off."""
    asn = 64540 + CITIES.index(city)
    return Network(random_ipv6(rng), city, _near(rng, city, 0.4), asn, f"{city.country} Mobile", "mobile.example")


def hostile(rng: Random, city: City) -> Network:
    """A rented machine or an anonymiser; one in four comes by IPv6."""
    asn, owner, domain, is_proxy = rng.choice(HOSTERS)
    ip = random_ipv6(rng) if rng.random() < 0.25 else _random_ip(rng, HOSTILE_RANGE)
    return Network(ip, city, _near(rng, city, 0.1), asn, owner, domain, is_proxy=is_proxy)


def _random_ip(rng: Random, network: IPv4Network) -> str:
    return str(network[rng.randrange(1, network.num_addresses - 1)])


def random_ipv6(rng: Random) -> str:
    """An address in 2001:db8::/32, written the short way."""
    groups = [f"{rng.randrange(1, 0x10000):x}" for _ in range(6)]
    return "2001:db8:" + ":".join(groups)
