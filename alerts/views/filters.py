"""What an address asks of the queue, read and answered the same way by its page, its bulk decisions and its kept views."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict

from alerts import querysets, search
from alerts.choices import Verdict
from alerts.grouping import GROUPS, Group
from alerts.models import Alert
from core import clock
from monitors.definitions import SEVERITIES

BIGGEST_ID = 2**63 - 1
MAX_LEFT_OUT = 10
SEVERITY_WORDS = [(number, word.capitalize()) for number, word in SEVERITIES.items()]
PERIODS = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
ASKED = (*querysets.NARROWS, "time", "q")
OF_A_PAGE = ("before", "after", "all")


class QueueFilter(forms.Form):
    """What an address may ask of the queue. A value that makes no sense is said and left out; the others hold."""

    tab = forms.ChoiceField(choices=list(querysets.TABS.items()), required=False)
    severity = forms.TypedChoiceField(choices=SEVERITY_WORDS, coerce=int, empty_value=None, required=False)
    detection = forms.CharField(max_length=120, required=False)
    status = forms.ChoiceField(choices=list(querysets.STATUSES.items()), required=False)
    verdict = forms.ChoiceField(choices=Verdict.choices, required=False)
    assignee = forms.CharField(max_length=150, required=False)
    country = forms.CharField(max_length=80, required=False)
    time = forms.ChoiceField(choices=list(PERIODS.items()), required=False)
    entity = forms.CharField(max_length=500, required=False)
    address = forms.CharField(max_length=60, required=False)
    group = forms.ChoiceField(choices=list(GROUPS.items()), required=False)
    q = forms.CharField(max_length=200, required=False, label="search")
    before = forms.IntegerField(min_value=1, max_value=BIGGEST_ID, required=False)
    after = forms.IntegerField(min_value=0, max_value=BIGGEST_ID, required=False)


@dataclass(frozen=True)
class LeftOut:
    """A value that is filtered out: `not=field:value` in the address. `words` says it, `query` is the address without it."""

    field: str
    value: Any
    words: str
    query: str


@dataclass(frozen=True)
class Asked:
    """An address, understood."""

    form: QueueFilter
    wanted: dict[str, Any]
    tab: str
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for less than its whole tab."""
        return bool(self.left_out) or any(self.wanted.get(name) for name in ASKED)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The names and values that make the address anew: only what was understood, without the page it is on."""
        said = [(name, str(self.wanted[name])) for name in ("tab", "group", *ASKED) if self.wanted.get(name)]
        return said + [("not", f"{one.field}:{one.value}") for one in self.left_out]

    @property
    def of_alerts(self) -> str:
        """The address of the same alerts, not grouped."""
        return urlencode([(name, value) for name, value in self.pairs if name != "group"])

    def within(self, group: Group) -> str:
        """Return the address of the alerts of a group: the same, narrowed to it."""
        rest = [(name, value) for name, value in self.pairs if name not in {"group", group.field}]
        return urlencode([*rest, (group.field, group.value)])

    def alerts(self, user_id: int) -> QuerySet[Alert]:
        """Return all that match, in no order."""
        alerts = self._tab(user_id)
        for name in querysets.NARROWS:
            if self.wanted.get(name):
                alerts = alerts.filter(querysets.narrowing(name, self.wanted[name]))
        for one in self.left_out:
            alerts = alerts.exclude(querysets.narrowing(one.field, one.value))
        if self.wanted.get("time"):
            alerts = alerts.filter(last_seen__gte=clock.now() - SPANS[self.wanted["time"]])
        if self.wanted.get("q"):
            alerts = search.about(alerts, self.wanted["q"])
        return alerts

    def searched_in(self, user_id: int) -> search.Searched | None:
        """Return its whole tab where it asks for what the database cannot know the number of, for `search.newest`; else None."""
        if not any(self.wanted.get(name) for name in ("q", "country")):
            return None
        return search.Searched(self._tab(user_id), grows=self.tab in querysets.GROWING)

    def _tab(self, user_id: int) -> QuerySet[Alert]:
        return querysets.in_tab(Alert.objects.all(), self.tab, user_id=user_id, now=clock.now())


def asked(address: QueryDict) -> Asked:
    """Understand an address."""
    form = QueueFilter(address)
    form.is_valid()
    values = list(dict.fromkeys(address.getlist("not")))[:MAX_LEFT_OUT]
    left_out = [one for value in values if (one := _left_out(form, address, value))]
    return Asked(form, form.cleaned_data, form.cleaned_data.get("tab") or "new", left_out)


def cleaned(address: QueryDict) -> str:
    """Return the address as a view keeps it: only what was understood, without the page it is on."""
    return urlencode(asked(address).pairs)


def _left_out(form: QueueFilter, address: QueryDict, value: str) -> LeftOut | None:
    """Understand one `not`; None when it makes no sense."""
    name, _, said = value.partition(":")
    if name not in querysets.NARROWS:
        return None
    try:
        meant = form.fields[name].clean(said)
    except ValidationError:
        return None
    choices = dict(getattr(form.fields[name], "choices", ()))
    words = str(choices.get(meant, meant))
    return LeftOut(name, meant, words, _without(address, value)) if meant else None


def _without(address: QueryDict, value: str) -> str:
    rest = address.copy()
    rest.setlist("not", [other for other in address.getlist("not") if other != value])
    for name in OF_A_PAGE:
        rest.pop(name, None)
    return rest.urlencode()
