"""The form of a monitor: fields for its settings, and one for each parameter that its detection declares."""

from typing import Any

from django import forms

from monitors.definitions import Definition, Parameter
from monitors.errors import DefinitionError
from monitors.models import Monitor, find_detection

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
    """Settings and parameters of one monitor; `reason` goes into the revision that a save makes."""

    reason = forms.CharField(
        max_length=300,
        required=False,
        label="Reason for this change",
        help_text="Stands in the monitor's history beside your name.",
    )

    class Meta:
        model = Monitor
        fields = ("detection", "name", "index_pattern", "severity", "interval_seconds", "enabled")
        widgets = {"detection": forms.HiddenInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, parameter in self.definition().parameters.items():
            self.fields[PREFIX + name] = parameter_field(parameter)
            self.initial.setdefault(PREFIX + name, self.instance.params.get(name, parameter.default))

    def definition(self) -> Definition:
        """Return the detection that the form is about; raises DefinitionError for none of the catalogue."""
        return find_detection(
            self.instance.detection or self.data.get("detection") or self.initial.get("detection", "")
        )

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
        return cleaned


def parameter_field(parameter: Parameter) -> forms.Field:
    """Return the form field of one parameter: its unit and default beside it, its help below."""
    default = (
        ", ".join(parameter.default) or "empty"
        if isinstance(parameter.default, list)
        else f"{parameter.default} {parameter.unit}"
    )
    told: dict[str, Any] = {
        "label": f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label,
        "help_text": f"{parameter.help} Default: {default.strip()}. {parameter.source}",
        "required": parameter.type != "list",
    }
    if parameter.type == "list":
        return LinesField(**told)
    if parameter.type == "number":
        return forms.FloatField(min_value=parameter.minimum, max_value=parameter.maximum, **told)
    low, high = (None if bound is None else int(bound) for bound in (parameter.minimum, parameter.maximum))
    return forms.IntegerField(min_value=low, max_value=high, **told)
