"""Which addresses are pages, and which are not and why. Held complete against Django's own list of addresses."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse


@dataclass(frozen=True)
class At:
    """A page with something to show: the name of its address and what that takes; with `post`, the page that answers these fields."""

    name: str
    args: tuple[Any, ...] = ()
    query: str = ""
    post: dict[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def address(self) -> str:
        """Path and query."""
        return reverse(self.name, args=self.args) + self.query

    def __str__(self) -> str:
        return f"{'POST ' if self.post else ''}{self.address}"


DECIDES = "changes something, and leads on to a page of this list"
FRAGMENT = "a part of a page of this list, which the browser puts there"
DATA = "no page: JSON or CSV"
MACHINE = "spoken to by programs"
REFUSED = "refused to everybody: what happens writes it, and nobody takes it away"

NO_PAGE = {
    "okta-detections": MACHINE,
    "jira-events": MACHINE,
    "livez": MACHINE,
    "readyz": MACHINE,
    "monitors:coverage-csv": DATA,
    "monitors:coverage-layer": DATA,
    "alerts:palette": FRAGMENT,
    "alerts:first-run-step": FRAGMENT,
    "alerts:first-run-channel": DECIDES,
    "alerts:first-run-webhook": DECIDES,
    "alerts:first-run-jira": DECIDES,
    "alerts:first-run-test": DECIDES,
    "alerts:newer": FRAGMENT,
    "alerts:preview": FRAGMENT,
    "alerts:undo-bulk": DECIDES,
    "alerts:keep-view": DECIDES,
    "alerts:drop-view": DECIDES,
    "alerts:acknowledge": DECIDES,
    "alerts:unsnooze": DECIDES,
    "alerts:escalate": DECIDES,
    "alerts:undo": DECIDES,
    "alerts:comment": DECIDES,
    "alerts:remove-comment": DECIDES,
    "alerts:judge-true": DECIDES,
    "alerts:tick": DECIDES,
    "alerts:looking": FRAGMENT,
    "alerts:reopen": DECIDES,
    "alerts:retry": DECIDES,
    "alerts:replace-ticket": DECIDES,
    "alerts:check-jira": DECIDES,
    "alerts:retry-delivery": DECIDES,
    "alerts:restore-delivery": DECIDES,
    "alerts:retry-operation": DECIDES,
    "alerts:ask-jira": DECIDES,
    "alerts:restore-operation": DECIDES,
    "alerts:cancel-rehearsal": DECIDES,
    "alerts:judge-finding": DECIDES,
    "alerts:bring-back": DECIDES,
    "alerts:bring-all-back": DECIDES,
    "alerts:withdraw-suppression": DECIDES,
    "alerts:withdraw-token": DECIDES,
    "alerts:cancel-survey": DECIDES,
    "alerts:choose-from-survey": DECIDES,
    "admin:logout": DECIDES,
    "admin:core_activity_add": REFUSED,
    "admin:core_activity_delete": REFUSED,
    "admin:core_person_delete": REFUSED,
    "admin:monitors_indexprofile_add": REFUSED,
    "admin:jsi18n": DATA,
    "admin:autocomplete": DATA,
    "admin:view_on_site": "leads on to a page of this list",
    "admin:password_change_done": "says that the password was changed; made of the templates of the other pages",
    "admin:monitors_monitor_dry_run_new": "the page of a dry run, which this list has",
    "admin:monitors_monitor_untune": DECIDES,
    "admin:monitors_monitor_mend": DECIDES,
    "admin:monitors_monitor_pause": DECIDES,
    "admin:monitors_monitor_resume": DECIDES,
    "admin:monitors_monitor_rotate": DECIDES,
    "admin:monitors_monitor_give_back": DECIDES,
}
LEFT_OUT = ("admin:axes_", "admin:auth_", "api-")
"""Tables of Django and its packages, whose pages are made of the same templates as those of ours; and the API."""


def names() -> set[str]:
    """Return the name of every address of ours that the site answers."""
    return {name for name in _names(get_resolver()) if not name.startswith(LEFT_OUT)}


def _names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern) and pattern.name:  # the admin's catch-all and its old addresses have none
            yield f"{prefix}{pattern.name}"
