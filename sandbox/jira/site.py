"""What an administrator would have set up: projects, issue types, workflows, screens, people.

All ids are the numeric strings that Jira uses. Transition names differ from status names on purpose: a client that
chooses a transition by name, and not by the category of the status it leads to, shall fail here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Profile = Literal["cloud", "dc"]


@dataclass(frozen=True)
class Named:
    """An issue type, a priority, a resolution, a component or a security level."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Status:
    """A status of a workflow; ``category`` is one of ``new``, ``indeterminate``, ``done``."""

    id: str
    name: str
    category: str


@dataclass(frozen=True)
class Transition:
    """A step that an issue may take from some statuses (``None``: from any), unless it already is where the step leads.

    ``screen`` are the fields that may be set on the way, with whether each has to be; ``None`` where there is no screen.
    """

    id: str
    name: str
    to: str
    sources: tuple[str, ...] | None = None
    screen: tuple[tuple[str, bool], ...] | None = None


@dataclass(frozen=True)
class Workflow:
    """The statuses of a project's issues, the one that a new issue has, and the steps between them."""

    first: str
    transitions: tuple[Transition, ...]

    @property
    def statuses(self) -> list[str]:
        """The ids of all statuses, the first one first."""
        return list(dict.fromkeys([self.first, *(step.to for step in self.transitions)]))

    def steps_from(self, status: str) -> list[Transition]:
        """What an issue of this status may do now."""
        return [s for s in self.transitions if s.to != status and (s.sources is None or status in s.sources)]


@dataclass(frozen=True)
class LinkType:
    """``outward`` is what the inward issue of a link does to the outward one: A *blocks* B."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True)
class CustomField:
    """A field that a project's administrator has added to its screens.

    ``kind`` is a key of ``CUSTOM_KINDS``. The options of a *select* have as ids their places, from 1.
    """

    id: str
    name: str
    required: bool = False
    kind: str = "text"
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """A project. ``lacking`` are permissions that the caller does not have in it; people have all.

    ``off_screen`` and ``required`` name fields of the create and edit screens.
    """

    id: str
    key: str
    name: str
    workflow: Workflow
    lacking: frozenset[str] = frozenset()
    issue_types: tuple[str, ...] = ("10001", "10002", "10003")
    off_screen: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    custom_fields: tuple[CustomField, ...] = ()
    components: tuple[Named, ...] = ()
    levels: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Person:
    """``id`` is the account id on Cloud and the user name on Data Center."""

    id: str
    name: str
    email: str
    active: bool = True


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
    Status("10300", "Triage", "new"),
    Status("10400", "Investigating", "indeterminate"),
    Status("10500", "Contained", "indeterminate"),
    Status("10600", "Resolved", "done"),
    Status("10700", "Rejected", "done"),
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
# Any status from any other, as a new project has it; whoever closes may say with which resolution.
OPEN_WORKFLOW = Workflow(
    first="10000",
    transitions=(
        Transition("11", "Put back", "10000"),
        Transition("21", "Start work", "10100"),
        Transition("31", "Close", "10200", screen=(("resolution", False), ("assignee", False))),
    ),
)
# One step after the other, two ways to an end that both ask for a resolution, and no way to the end from the start.
STRICT_WORKFLOW = Workflow(
    first="10300",
    transitions=(
        Transition("101", "Take", "10400", sources=("10300", "10500")),
        Transition("111", "Contain", "10500", sources=("10400",)),
        Transition("121", "Finish", "10600", sources=("10400", "10500"), screen=(("resolution", True),)),
        Transition("131", "Turn down", "10700", sources=("10400",), screen=(("resolution", True),)),
        Transition("141", "Look again", "10400", sources=("10600", "10700")),
    ),
)
LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)
PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "ADD_COMMENTS",
    "LINK_ISSUES",
    "TRANSITION_ISSUES",
    "ASSIGN_ISSUES",
    "DELETE_ISSUES",
    "CREATE_ATTACHMENTS",
    "SET_ISSUE_SECURITY",
)
# The caller may give the first; whoever gives the second hides the issue from the caller.
TEAM_LEVEL = Named("10010", "Security team", "Security staff and their programs.")
MANAGEMENT_LEVEL = Named("10011", "Management", "Hidden from programs.")
PROJECTS = (
    Project(
        "10000",
        "SEC",
        "Security",
        OPEN_WORKFLOW,
        components=(Named("10020", "Identity"), Named("10021", "Network")),
        levels=(TEAM_LEVEL, MANAGEMENT_LEVEL),
    ),
    # A project that may be read but not written, since a team meets one sooner or later.
    Project("10001", "ARCH", "Archive", OPEN_WORKFLOW, lacking=frozenset(PERMISSIONS) - {"BROWSE_PROJECTS"}),
    Project("10002", "SOC", "Operations", STRICT_WORKFLOW, issue_types=("10003", "10001")),
)
# id: name, type and, for arrays, the type of the items
SYSTEM_FIELDS: dict[str, tuple[str, str, str | None]] = {
    "project": ("Project", "project", None),
    "issuetype": ("Issue Type", "issuetype", None),
    "summary": ("Summary", "string", None),
    "description": ("Description", "string", None),
    "priority": ("Priority", "priority", None),
    "labels": ("Labels", "array", "string"),
    "components": ("Components", "array", "component"),
    "assignee": ("Assignee", "user", None),
    "security": ("Security Level", "securitylevel", None),
    "duedate": ("Due date", "date", None),
}
READ_ONLY_FIELDS: dict[str, tuple[str, str, str | None]] = {
    "status": ("Status", "status", None),
    "resolution": ("Resolution", "resolution", None),
    "resolutiondate": ("Resolved", "datetime", None),
    "reporter": ("Reporter", "user", None),
    "creator": ("Creator", "user", None),
    "created": ("Created", "datetime", None),
    "updated": ("Updated", "datetime", None),
    "issuelinks": ("Linked Issues", "array", "issuelinks"),
    "attachment": ("Attachment", "array", "attachment"),
    "comment": ("Comment", "comments-page", None),
}
REQUIRED_FIELDS = ("project", "issuetype", "summary")
# kind: type, type of the items, and the last part of Jira's name of it
CUSTOM_KINDS: dict[str, tuple[str, str | None, str]] = {
    "text": ("string", None, "textfield"),
    "textarea": ("string", None, "textarea"),
    "number": ("number", None, "float"),
    "date": ("date", None, "datepicker"),
    "select": ("option", None, "select"),
    "multiselect": ("array", "option", "multiselect"),
    "user": ("user", None, "userpicker"),
}


@dataclass(frozen=True)
class Site:
    """One Jira: its kind, who calls it and what is set up in it. Never changed in place: see ``with_project``."""

    profile: Profile
    caller: Person
    token: str
    projects: tuple[Project, ...] = PROJECTS

    @property
    def people(self) -> tuple[Person, ...]:
        """The caller, two analysts who can be assigned, and one who has left and cannot."""
        prefix = "" if self.profile == "dc" else "712020:"
        suffix = "" if self.profile == "dc" else "-analyst"
        return (
            self.caller,
            Person(f"{prefix}ada{suffix}", "Ada Analyst", "ada@example.com"),
            Person(f"{prefix}grace{suffix}", "Grace Analyst", "grace@example.com"),
            Person(f"{prefix}leo{suffix}", "Leo Left", "leo@example.com", active=False),
        )

    def project(self, id_or_key: object) -> Project | None:
        """The project with this id or key, if there is one."""
        return next((p for p in self.projects if str(id_or_key) in {p.id, p.key}), None)

    def person(self, person_id: object) -> Person | None:
        """The person with this id, if there is one."""
        return next((p for p in self.people if p.id == person_id), None)

    def who_signs_in(self, user: str, token: str) -> Person | None:
        """Who has this address (or, on Data Center, user name). Everybody's token is the caller's."""
        found = next((p for p in self.people if user == p.email or (self.profile == "dc" and user == p.id)), None)
        return found if found and found.active and token == self.token else None

    def hidden_levels(self, person: Person) -> list[str]:
        """The security levels whose issues this person does not see."""
        return [MANAGEMENT_LEVEL.id] if person == self.caller else []

    def with_project(self, key: str, changes: dict[str, Any]) -> "Site":
        """The same site with one project set up otherwise. Raises ``KeyError`` and ``TypeError``."""
        if not any(p.key == key for p in self.projects):
            raise KeyError(key)
        return replace(self, projects=tuple(replace(p, **changes) if p.key == key else p for p in self.projects))


def read_project_changes(told: dict[str, Any]) -> dict[str, Any]:
    """What shall be different about a project, out of JSON. Raises ``KeyError``, ``TypeError`` and ``ValueError``."""
    readers: dict[str, Callable[[Any], Any]] = {
        "off_screen": frozenset,
        "required": frozenset,
        "lacking": frozenset,
        "issue_types": lambda names: tuple(_id_of(ISSUE_TYPES, name) for name in names),
        "custom_fields": lambda entries: tuple(_custom_field(entry) for entry in entries),
        "components": lambda names: tuple(Named(str(10_020 + at), name) for at, name in enumerate(names)),
        "levels": lambda names: tuple(level for level in (TEAM_LEVEL, MANAGEMENT_LEVEL) if level.name in names),
        "workflow": _workflow,
    }
    return {name: readers[name](value) for name, value in told.items()}


def _custom_field(told: dict[str, Any]) -> CustomField:
    field = CustomField(**{**told, "options": tuple(told.get("options", ()))})
    if field.kind not in CUSTOM_KINDS:
        raise ValueError("kind is one of " + ", ".join(CUSTOM_KINDS))
    return field


def _workflow(told: dict[str, Any]) -> Workflow:
    """``{"first": status, "transitions": [{"id", "name", "to", "from": [status], "screen": {field: required}}]}``."""
    steps = [
        Transition(
            id=str(step["id"]),
            name=step["name"],
            to=_id_of(STATUSES, step["to"]),
            sources=tuple(_id_of(STATUSES, name) for name in step["from"]) if "from" in step else None,
            screen=tuple(step["screen"].items()) if "screen" in step else None,
        )
        for step in told["transitions"]
    ]
    return Workflow(_id_of(STATUSES, told["first"]), tuple(steps))


def _id_of(things: Sequence[Named] | Sequence[Status], name: str) -> str:
    found = next((thing.id for thing in things if name in {thing.id, thing.name}), None)
    if found is None:
        raise ValueError(f"there is no {name!r}; there are " + ", ".join(thing.name for thing in things))
    return found


def make_site(profile: Profile, user: str, token: str) -> Site:
    """A site whose caller signs in with this user (an e-mail address on Cloud) and token."""
    caller_id = user if profile == "dc" else "712020:oktadetect-caller"
    return Site(profile=profile, caller=Person(caller_id, "oktadetect", user), token=token)
