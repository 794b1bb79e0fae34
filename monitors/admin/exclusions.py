"""Who or what monitors leave out, and why: conditions joined by *and*, with an owner and an end."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from core import activity
from monitors import exclusions
from monitors.admin import revisions as history
from monitors.errors import DefinitionError
from monitors.models import Exclusion, NamedList, every_detection
from monitors.services import exclusions as service
from monitors.services.lists import place_of

ROWS = 4
SCOPES = [
    ("monitor", "One monitor"),
    ("detection", "All monitors of one detection"),
    ("all", "All monitors, those to come too"),
]
LONE = (
    "This leaves out everything that they ever do, an attacker with their password included. Add a network, an address range or a "
    "zone, or an end; or tick the box below."
)


class ExclusionForm(forms.ModelForm[Exclusion]):
    """One exclusion. Its conditions are rows of a kind and of values, one a line, or of a list that is kept here."""

    scope = forms.ChoiceField(choices=SCOPES, widget=forms.RadioSelect, initial="monitor", label="Leaves out of")
    confirmed = forms.BooleanField(
        required=False, label="Leave out everything that they do", help_text="Only for conditions about users alone."
    )

    class Meta:
        model = Exclusion
        fields = ("monitor", "reason", "owner", "expires_at")
        labels: ClassVar[dict[str, Any]] = {"expires_at": "Ends (UTC)"}
        help_texts: ClassVar[dict[str, Any]] = {
            "reason": "Why this is no threat. Stands in the history of every monitor that it touches.",
            "owner": "Who answers for it.",
            "expires_at": "It is taken out of OpenSearch within a minute after. Empty: it stays until somebody deletes it.",
        }
        widgets: ClassVar[dict[str, Any]] = {"reason": forms.TextInput(attrs={"size": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a detection"), *((one.id, one.title) for one in every_detection())]
        self.fields["detection"] = forms.ChoiceField(
            choices=choices,
            required=False,
            initial=self.instance.detection,
            help_text="For all monitors of one detection.",
        )
        self.fields["monitor"].help_text = "For one monitor."
        lists = [
            ("", "or of a list"),
            *((row.name, f"{row.name} ({row.kind})") for row in NamedList.objects.order_by("name")),
        ]
        kinds = [("", "Choose what it is about"), *((name, kind.label) for name, kind in exclusions.KINDS.items())]
        for number in range(1, ROWS + 1):
            self.fields[f"kind_{number}"] = forms.ChoiceField(choices=kinds, required=False, label="What")
            self.fields[f"values_{number}"] = forms.CharField(
                required=False, label="Values, one a line", widget=forms.Textarea(attrs={"rows": 2, "cols": 36}),
            )  # fmt: skip
            self.fields[f"list_{number}"] = forms.ChoiceField(choices=lists, required=False, label="List")
        if self.instance.pk:
            self.initial["scope"] = scope_of(self.instance)
            for number, one in enumerate(self.instance.conditions[:ROWS], start=1):
                self.initial[f"kind_{number}"] = one["kind"]
                self.initial[f"values_{number}"] = "\n".join(one.get("values", []))
                self.initial[f"list_{number}"] = one.get("list", "")

    def clean(self) -> dict[str, Any]:
        """Gather the conditions, refuse what no search can hold, and ask once more where somebody is left out wholly."""
        cleaned = super().clean() or {}
        scope = cleaned.get("scope")
        if scope == "monitor" and not cleaned.get("monitor"):
            self.add_error("monitor", "Choose the monitor.")
        if scope == "detection" and not cleaned.get("detection"):
            self.add_error("detection", "Choose the detection.")
        self.instance.detection = cleaned.get("detection", "") if scope == "detection" else ""
        if scope != "monitor":
            cleaned["monitor"] = None
        self.instance.conditions = self._conditions(cleaned)
        lone = bool(self.instance.conditions) and {one["kind"] for one in self.instance.conditions} <= exclusions.LONE
        if not self.errors and lone and not cleaned.get("expires_at") and not cleaned.get("confirmed"):
            self.add_error("confirmed", LONE)
        return cleaned

    def _conditions(self, cleaned: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number in range(1, ROWS + 1):
            kind, named = cleaned.get(f"kind_{number}", ""), cleaned.get(f"list_{number}", "")
            lines = [line.strip() for line in cleaned.get(f"values_{number}", "").splitlines() if line.strip()]
            if not kind and (lines or named):
                self.add_error(f"kind_{number}", "Choose what these values are.")
            elif kind and lines and named:
                self.add_error(f"list_{number}", "Give values or a list, not both.")
            elif kind and not lines and not named:
                self.add_error(f"values_{number}", "Give a value, or choose a list.")
            elif kind and named:
                found.append({"kind": kind, "list": named})
            elif kind:
                try:
                    found.append({"kind": kind, "values": sorted({exclusions.check(kind, line) for line in lines})})
                except DefinitionError as error:
                    self.add_error(f"values_{number}", str(error))
        if not found and not self.errors:
            self.add_error("kind_1", "Say who or what is left out.")
        return found


def scope_of(row: Exclusion) -> str:
    """Return which of SCOPES an exclusion has."""
    return "monitor" if row.monitor_id else "detection" if row.detection else "all"


class DetectionFilter(admin.SimpleListFilter):
    """Exclusions of all monitors of one detection."""

    title = "detection"
    parameter_name = "detection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the detections that have one."""
        used = (
            Exclusion.objects.exclude(detection="").order_by("detection").values_list("detection", flat=True).distinct()
        )
        return [(name, name) for name in used]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Exclusion]) -> QuerySet[Exclusion]:
        """Return those of the chosen one."""
        return queryset.filter(detection=self.value()) if self.value() else queryset


@admin.register(Exclusion)
class ExclusionAdmin(admin.ModelAdmin[Exclusion]):
    """Each save and each deletion is a revision of every monitor that it touches; pushing stays a step of its own."""

    form = ExclusionForm
    list_display = ("left_out", "place", "reason", "owner", "expires_at", "in_force")
    list_filter = (DetectionFilter,)
    search_fields = ("reason", "conditions")
    list_select_related = ("monitor", "owner")
    change_form_template = "admin/monitors/exclusion/change_form.html"

    @admin.display(description="Leaves out")
    def left_out(self, row: Exclusion) -> str:
        """Who or what, in words."""
        return exclusions.in_words(row.conditions)

    @admin.display(description="Of")
    def place(self, row: Exclusion) -> str:
        """Whose it is."""
        return place_of(row)

    @admin.display(description="In force", boolean=True)
    def in_force(self, row: Exclusion) -> bool:
        """Whether it has not ended yet."""
        return row.is_in_force

    def get_form(self, request: HttpRequest, obj: Exclusion | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class as it is: its rows are no fields of the model."""
        return ExclusionForm

    def get_fieldsets(self, request: HttpRequest, obj: Exclusion | None = None) -> Any:
        """Return the conditions, joined by *and*, then where they hold, why and for how long."""
        rows = [
            (
                "Leave out what is" if number == 1 else "and is",
                {"fields": [tuple(f"{part}_{number}" for part in ("kind", "values", "list"))]},
            )
            for number in range(1, ROWS + 1)
        ]
        return [
            *rows,
            ("Where", {"fields": ["scope", "monitor", "detection"]}),
            ("Why, and for how long", {"fields": ["reason", "owner", "expires_at", "confirmed"]}),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add what the values of each kind look like."""
        return super().render_change_form(request, {**context, "kinds": exclusions.KINDS.values()}, *args, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill the form from the address, as an alert's page gives it: ?monitor=…&user=…&network=…"""
        initial: dict[str, Any] = {"owner": activity.person_of(request.user).pk, "scope": "monitor"}
        monitor = history.find(request.GET.get("monitor"))
        if monitor is not None:
            initial["monitor"] = monitor.pk
        for name in ("detection", "reason"):
            if request.GET.get(name):
                initial[name] = request.GET[name]
        if initial.get("detection") and monitor is None:
            initial["scope"] = "detection"
        told = [(kind, request.GET.getlist(kind)) for kind in exclusions.KINDS if request.GET.get(kind)]
        for number, (kind, values) in enumerate(told[:ROWS], start=1):
            initial |= {f"kind_{number}": kind, f"values_{number}": "\n".join(values)}
        return initial

    def save_model(self, request: HttpRequest, obj: Exclusion, form: Any, change: bool) -> None:
        """Save with a revision of each monitor that it touches, and say of how many."""
        made = service.save(obj, by=activity.person_of(request.user))
        count = f"{len(made)} monitor{'' if len(made) == 1 else 's'}"
        messages.info(request, f"{count} revised. Nothing is left out in OpenSearch before you push.")

    def delete_model(self, request: HttpRequest, obj: Exclusion) -> None:
        """Delete with a revision of each monitor that it touched."""
        service.delete(obj, by=activity.person_of(request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Exclusion]) -> None:
        """Delete one after the other, each with its revisions."""
        for row in queryset:
            self.delete_model(request, row)

    def response_add(self, request: HttpRequest, obj: Exclusion, post_url_continue: str | None = None) -> HttpResponse:
        """Go back to where one came from."""
        return _next(request) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Exclusion) -> HttpResponse:
        """Go back to where one came from."""
        return _next(request) or super().response_change(request, obj)


def _next(request: HttpRequest) -> HttpResponse | None:
    address = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return None
    return HttpResponseRedirect(address)
