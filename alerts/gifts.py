"""
Who gave what to whom, read off System Log events: roles, memberships, permissions, scopes, tokens. Pure.

A whole event names all of it in its targets. The few words that a finding tells of an event name less: the rest is then taken from
what was observed, and where nobody is named, nobody is made up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitors import facts
from monitors.findings import when


@dataclass(frozen=True)
class Rule:
    """Which types of an event's targets are given, and to which; with no `given` all others are. `lacks` says what is given if none is."""

    given: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    lacks: str = ""
    observed: str = "target"
    takes: bool = False


ROLES = ("ROLE", "CUSTOM_ROLE")
A_ROLE = "an administrator role"
RULES: Mapping[str, Rule] = {
    "user.account.privilege.grant": Rule(ROLES, ("User",), A_ROLE, "roles"),
    "user.account.privilege.revoke": Rule(ROLES, ("User",), A_ROLE, "roles", takes=True),
    "group.privilege.grant": Rule(ROLES, ("UserGroup",), A_ROLE, "roles"),
    "group.privilege.revoke": Rule(ROLES, ("UserGroup",), A_ROLE, "roles", takes=True),
    "iam.resourceset.bindings.add": Rule(ROLES, ("User", "UserGroup"), A_ROLE, "roles"),
    "iam.role.permissions.add": Rule((), ("CUSTOM_ROLE", "UserGroup"), "a permission"),
    "iam.resourceset.resources.add": Rule((), ("RESOURCE_SET",), "more to reach"),
    "iam.resourceset.resources.update": Rule((), ("RESOURCE_SET",), "more to reach"),
    "group.user_membership.add": Rule(("UserGroup",), ("User",), "a membership", "groups"),
    "app.oauth2.client.privilege.grant": Rule(ROLES, ("PublicClientApp", "AppInstance"), A_ROLE, "roles"),
    "app.oauth2.admin.consent.grant": Rule((), ("PublicClientApp", "AppInstance"), "a scope"),
    "system.api_token.create": Rule(("Token",), (), "an API token"),
    "user.session.impersonation.grant": Rule((), (), "access for Okta support", ""),
    "workflows.user.role.user.add": Rule((), ("User",), "a role in Workflows"),
    "workflows.user.role.group.add": Rule((), ("UserGroup",), "a role in Workflows"),
}
KINDS: Mapping[str, str] = {
    "User": "user",
    "UserGroup": "group",
    "AppInstance": "application",
    "PublicClientApp": "service app",
    "ROLE": "role",
    "CUSTOM_ROLE": "custom role",
    "PERMISSION": "permission",
    "RESOURCE_SET": "resource set",
    "Token": "API token",
    "scope": "scope",
    "WorkflowsRole": "Workflows role",
}
MARKS = frozenset({"ROLE_ASSIGNED", "ROLE_UNASSIGNED"})  # Okta's notes on a grant, which name nothing


@dataclass(frozen=True)
class Thing:
    """Who gives or receives, or what is given: its kind in words, its name, its Okta id (empty where it is not told)."""

    kind: str
    name: str
    id: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: people by the name they go by, since findings know some by that alone."""
        return (self.kind, (self.name if self.kind == "user" else self.id or self.name).lower())


@dataclass(frozen=True)
class Gift:
    """
    One thing that somebody gave to somebody, or took away; no `receiver` where none is named.

    `refused` says that Okta let nothing come of it.
    """

    at: datetime | None
    giver: Thing
    given: Thing
    receiver: Thing | None
    takes: bool = False
    refused: bool = False

    @property
    def to_themself(self) -> bool:
        """Whether the giver is the receiver."""
        return self.receiver is not None and self.receiver.key == self.giver.key

    @property
    def verb(self) -> str:
        """What was done, in a word or three."""
        did, tried = ("took", "tried to take") if self.takes else ("gave", "tried to give")
        return tried if self.refused else did

    @property
    def words(self) -> str:
        """The gift as a sentence."""
        way = "from" if self.takes else "to"
        to = "" if self.receiver is None else f" {way} {'themself' if self.to_themself else self.receiver.name}"
        return f"{self.giver.name} {self.verb} {self.given.name}{to}."


def gifts(told: Sequence[Any], whole: Iterable[Any], observed: Mapping[str, Any]) -> list[Gift]:
    """
    Return what the events gave, the earliest first.

    `whole` are kept events as Okta wrote them; what only `told` knows (by short names) is read with the help of `observed`.
    """
    found: list[Gift] = []
    kept = {str(event.get("uuid")): event for event in whole if isinstance(event, Mapping)}
    for event in told:
        if not isinstance(event, Mapping):
            continue
        full = kept.get(str(event.get("uuid")))
        found += _of_whole(full) if full is not None else _of_told(event, observed)
    return sorted(found, key=lambda gift: (gift.at is not None, gift.at))


def _of_whole(event: Mapping[str, Any]) -> list[Gift]:
    rule = RULES.get(facts.text(event, "eventType") or "")
    if rule is None:
        return []
    targets = [target for target in facts.targets(event) if not _marks(target)]
    receiving = [target for target in targets if target.get("type") in rule.receivers]
    given = [
        target
        for target in targets
        if (target.get("type") in rule.given if rule.given else target not in receiving and rule.observed)
    ]
    said = str(facts.of_event(event)["roles"]) if rule.observed == "roles" else rule.lacks
    actor = facts.read(event, "actor")
    giver = _thing({**actor, "type": "User"} if isinstance(actor, Mapping) else {"type": "User"})
    takes = rule.takes or any(_marks(target) == "ROLE_UNASSIGNED" for target in facts.targets(event))
    refused = facts.text(event, "outcome.result") in facts.REFUSED
    receivers: list[Thing | None] = [_thing(one) for one in receiving] or [None]
    return [
        Gift(when(event.get("published")), giver, what, receiver, takes, refused)
        for what in ([_thing(one) for one in given] or [Thing(_kind_of(rule), said)])
        for receiver in receivers
    ]


def _of_told(event: Mapping[str, Any], observed: Mapping[str, Any]) -> list[Gift]:
    rule = RULES.get(str(event.get("type") or ""))
    if rule is None:
        return []
    giver = Thing("user", str(event.get("user") or "somebody"), str(event.get("actor") or ""))
    named = observed.get(rule.observed) or event.get("target") if rule.observed else ""
    given = Thing(_kind_of(rule), str(named or rule.lacks))
    receiver = _receiver(rule, giver, observed.get("receiver"))
    refused = event.get("result") in facts.REFUSED
    return [Gift(when(event.get("t")), giver, given, receiver, rule.takes, refused)]


def _receiver(rule: Rule, giver: Thing, named: Any) -> Thing | None:
    if not named or not rule.receivers or named == "somebody":
        return None
    if named == "themself" or str(named).lower() == giver.name.lower():
        return giver
    return Thing(KINDS[rule.receivers[0]], str(named))


def _kind_of(rule: Rule) -> str:
    return KINDS[rule.given[0]] if rule.given else ""


def _thing(target: Mapping[str, Any]) -> Thing:
    kind = str(target.get("type") or "")
    by_login = kind == "User"
    name = facts.label(target) if by_login else facts.text(target, "displayName") or facts.label(target)
    return Thing(KINDS.get(kind, kind.replace("_", " ").lower()), name, facts.text(target, "id") or "")


def _marks(target: Mapping[str, Any]) -> str:
    """Return the note of Okta's that a target is, ROLE_ASSIGNED or ROLE_UNASSIGNED; empty for what is a target indeed."""
    said = {str(target.get(key)) for key in ("id", "type", "alternateId", "displayName")} & MARKS
    return min(said, default="")
