"""What an administrator would have set up: projects, issue types, the workflow, screens, people.

All ids are the numeric strings that Jira uses. Transition names differ from status names on purpose: a client that
chooses a transition by name, and not by the category of the status it leads to, shall fail here.
"""

from dataclasses import dataclass, replace
from typing import Literal

Profile = Literal["cloud", "dc"]


@dataclass(frozen=True)
class Named:
    """An issue type, a priority or a resolution."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Status:
    """A status of the workflow; ``category`` is one of ``new``, ``indeterminate``, ``done``."""

    id: str
    name: str
    category: str


@dataclass(frozen=True)
class Transition:
    """A step that every issue may take, unless it already is where the step leads."""

    id: str
    name: str
    to: str


@dataclass(frozen=True)
class LinkType:
    """``outward`` is what the inward issue of a link does to the outward one: A *blocks* B."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True)
class CustomField:
    """A text field that a project's administrator has added to its screen."""

    id: str
    name: str
    required: bool = False


@dataclass(frozen=True)
class Project:
    """A project with its create screen. ``writable`` says whether the caller may create issues in it."""

    id: str
    key: str
    name: str
    writable: bool = True
    off_screen: frozenset[str] = frozenset()
    custom_fields: tuple[CustomField, ...] = ()


@dataclass(frozen=True)
class Person:
    """``id`` is the account id on Cloud and the user name on Data Center."""

    id: str
    name: str
    email: str


ISSUE_TYPES = (
    Named("10001", "Task", "A small piece of work."),
    Named("10002", "Bug", "A problem or error."),
    Named("10003", "Incident", "Something that security has to look at."),
)
PRIORITIES = (Named("1", "Highest"), Named("2", "High"), Named("3", "Medium"), Named("4", "Low"), Named("5", "Lowest"))
DEFAULT_PRIORITY = "3"
STATUSES = (
    Status("10000", "To Do", "new"),
    Status("10100", "In Progress", "indeterminate"),
    Status("10200", "Done", "done"),
)
FIRST_STATUS = "10000"
TRANSITIONS = (
    Transition("11", "Put back", "10000"),
    Transition("21", "Start work", "10100"),
    Transition("31", "Close", "10200"),
)
# key: id, name, colour
STATUS_CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
RESOLUTIONS = (
    Named("10000", "Done"),
    Named("10001", "Won't Do"),
    Named("10002", "Duplicate"),
    Named("10003", "Cannot Reproduce"),
)
DEFAULT_RESOLUTION = "10000"
LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)
PROJECTS = (
    Project("10000", "SEC", "Security"),
    # A project that may be read but not written, since a team meets one sooner or later.
    Project("10001", "ARCH", "Archive", writable=False),
)
# id: name, type and, for arrays, the type of the items
SYSTEM_FIELDS: dict[str, tuple[str, str, str | None]] = {
    "project": ("Project", "project", None),
    "issuetype": ("Issue Type", "issuetype", None),
    "summary": ("Summary", "string", None),
    "description": ("Description", "string", None),
    "priority": ("Priority", "priority", None),
    "labels": ("Labels", "array", "string"),
    "assignee": ("Assignee", "user", None),
    "duedate": ("Due date", "date", None),
}
READ_ONLY_FIELDS: dict[str, tuple[str, str, str | None]] = {
    "status": ("Status", "status", None),
    "resolution": ("Resolution", "resolution", None),
    "resolutiondate": ("Resolved", "datetime", None),
    "reporter": ("Reporter", "user", None),
    "created": ("Created", "datetime", None),
    "updated": ("Updated", "datetime", None),
    "issuelinks": ("Linked Issues", "array", "issuelinks"),
    "comment": ("Comment", "comments-page", None),
}
REQUIRED_FIELDS = ("project", "issuetype", "summary")


@dataclass(frozen=True)
class Site:
    """One Jira: its kind, who calls it and what is set up in it. Never changed in place: see ``with_screen``."""

    profile: Profile
    caller: Person
    token: str
    projects: tuple[Project, ...] = PROJECTS

    @property
    def people(self) -> tuple[Person, ...]:
        """The caller, and two analysts who can be assigned."""
        ids = ("ada", "grace") if self.profile == "dc" else ("712020:ada-analyst", "712020:grace-analyst")
        ada, grace = ids
        return (
            self.caller,
            Person(ada, "Ada Analyst", "ada@example.com"),
            Person(grace, "Grace Analyst", "grace@example.com"),
        )

    def project(self, id_or_key: object) -> Project | None:
        """The project with this id or key, if there is one."""
        return next((p for p in self.projects if str(id_or_key) in {p.id, p.key}), None)

    def person(self, person_id: object) -> Person | None:
        """The person with this id, if there is one."""
        return next((p for p in self.people if p.id == person_id), None)

    def with_screen(
        self, key: str, *, off_screen: frozenset[str] = frozenset(), custom_fields: tuple[CustomField, ...] = ()
    ) -> "Site":
        """The same site with another create screen for one project."""
        return replace(
            self,
            projects=tuple(
                replace(p, off_screen=off_screen, custom_fields=custom_fields) if p.key == key else p
                for p in self.projects
            ),
        )


def make_site(profile: Profile, user: str, token: str) -> Site:
    """A site whose caller signs in with this user (an e-mail address on Cloud) and token."""
    caller_id = user if profile == "dc" else "712020:oktadetect-caller"
    return Site(profile=profile, caller=Person(caller_id, "oktadetect", user), token=token)
