"""The form of a monitor: fields for its settings, and one for each parameter that its detection declares."""

from collections.abc import Collection
from typing import Any, ClassVar

from django import forms
from django.utils.html import format_html
from django.utils.timesince import timesince

from monitors.definitions import Definition, Parameter
from monitors.errors import DefinitionError
from monitors.models import Monitor, MonitorRevision, find_detection
from monitors.services import revisions
from monitors.told import in_words

PREFIX = "param_"


class LinesField(forms.CharField):
    """A list of names, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Read lines as a list."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        """An empty list is a list."""


class MonitorForm(forms.ModelForm[Monitor]):
    """
    Settings and parameters of one monitor; `reason` goes into the revision that a save makes.

    `made_from` is the revision that its values were read from: over a newer one it saves only when it is sent once more.
    """

    defaults: ClassVar[Collection[str]] = ()  # parameters to begin with at their default
    ask_about_newer = True

    made_from = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=300,
        required=False,
        label="Reason for this change",
        help_text="Stands in the monitor's history beside your name.",
        widget=forms.TextInput(attrs={"size": 44}),
    )

    class Meta:
        model = Monitor
        fields = ("detection", "name", "index_pattern", "severity", "interval_seconds", "enabled")
        labels: ClassVar[dict[str, Any]] = {"interval_seconds": "Runs every (s)"}
        widgets: ClassVar[dict[str, Any]] = {"detection": forms.HiddenInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["made_from"] = newest.number if (newest := self._newest()) else None
        for name, parameter in self.definition().parameters.items():
            value = self.instance.params.get(name, self.initial.get(PREFIX + name, parameter.default))
            value = parameter.default if name in self.defaults else value
            self.fields[PREFIX + name] = parameter_field(parameter, value=value)
            self.initial[PREFIX + name] = value

    def definition(self) -> Definition:
        """Return the detection that the form is about; raises DefinitionError for none of the catalogue."""
        if self.instance.detection or self.instance.kept:
            return self.instance.definition()
        return find_detection(self.data.get("detection") or self.initial.get("detection", ""))

    def _newest(self) -> MonitorRevision | None:
        if self.instance._state.adding:
            return None
        return self.instance.revisions.select_related("author").first()

    def clean(self) -> dict[str, Any]:
        """Gather the parameters, each checked by its own schema."""
        cleaned = super().clean() or {}
        params = {}
        for name, parameter in self.definition().parameters.items():
            if PREFIX + name not in cleaned:
                continue
            try:
                params[name] = parameter.check(cleaned[PREFIX + name])
            except DefinitionError as error:
                self.add_error(PREFIX + name, str(error))
        self.instance.params = params
        if self.ask_about_newer and not self.instance._state.adding and cleaned.get("made_from") is not None:
            self._ask_about_newer(cleaned["made_from"])
        return cleaned

    def _ask_about_newer(self, made_from: int) -> None:
        """Refuse to save over a revision that the person has not seen, show what it changed, and take it for seen then."""
        Monitor.objects.select_for_update().get(pk=self.instance.pk)  # of two who save at once, one comes second
        newest = self._newest()
        if newest is None or newest.number <= made_from:
            return
        seen = self.instance.revisions.filter(number=made_from).first()
        changed = revisions.changes_between(self.instance, seen, newest)
        lines = "; ".join(f"{one.what}: {one.old or 'nothing'} → {one.new or 'nothing'}" for one in changed)
        who = newest.author or newest.program
        self.add_error(
            None,
            f"{who} saved revision {newest.number} {timesince(newest.created_at)} ago, after you opened this page"
            f"{f' ({newest.reason})' if newest.reason else ''}. What changed: {lines}. "
            "Your values stand below; save once more to put them over it.",
        )
        self.data = {**self.data, "made_from": str(newest.number)}


def parameter_field(parameter: Parameter, *, value: Any = None) -> forms.Field:
    """Return the form field of one parameter: its unit beside it; help, limits, source and default below, with a way back to it."""
    default = in_words(parameter, parameter.default) if parameter.default != [] else "empty"
    mark = ""
    if value == parameter.default:
        mark = " This is the default."
    elif value is not None:
        mark = format_html(' <a href="?default={}">Reset to the default</a>', parameter.name)
    help_text = format_html(
        "{} {}Default: {}. {}{}", parameter.help, _limits(parameter), default, parameter.source, mark
    )
    told: dict[str, Any] = {
        "label": f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label,
        "help_text": help_text,
        "required": parameter.type != "list",
    }
    if parameter.type == "list":
        return LinesField(**told)
    if parameter.type == "number":
        return forms.FloatField(min_value=parameter.minimum, max_value=parameter.maximum, **told)
    low, high = (None if bound is None else int(bound) for bound in (parameter.minimum, parameter.maximum))
    return forms.IntegerField(min_value=low, max_value=high, **told)


def _limits(parameter: Parameter) -> str:
    if parameter.minimum is None or parameter.maximum is None:
        return ""
    return f"{parameter.minimum:,g} to {parameter.maximum:,g}. "
