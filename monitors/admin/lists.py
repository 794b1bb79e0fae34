"""Lists that exclusions share: pasted or uploaded, with what was read of them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core import activity
from monitors import exclusions
from monitors.errors import DefinitionError
from monitors.models import NamedList
from monitors.services import exclusions as leaving_out
from monitors.services import lists

MAX_BYTES = 2_000_000
SHOWN = 5  # refused lines that are quoted


class NamedListForm(forms.ModelForm[NamedList]):
    """One list. An uploaded file takes the place of what stands in the text."""

    kind = forms.ChoiceField(choices=[(name, kind.label) for name, kind in exclusions.KINDS.items()], label="Holds")
    text = forms.CharField(
        required=False, strip=False, label="Values, one a line", widget=forms.Textarea(attrs={"rows": 14, "cols": 60})
    )
    file = forms.FileField(
        required=False, help_text="Instead of the text: one value a line, or a CSV file. UTF-8, 2 MB at most."
    )
    column = forms.CharField(
        required=False,
        max_length=100,
        help_text="Of a CSV file: the column's heading, or its number from 1. Empty: whole lines.",
    )
    reason = forms.CharField(
        required=False, max_length=200, label="Reason for this change", widget=forms.TextInput(attrs={"size": 80})
    )

    class Meta:
        model = NamedList
        fields = ("name", "kind", "description", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read: lists.Read | None = None
        self.fields["owner"].help_text = "Who keeps it up to date."
        if self.instance.pk:
            self.initial["text"] = "\n".join(self.instance.values)
            if leaving_out.naming(self.instance.name):
                for name in ("name", "kind"):
                    self.fields[name].disabled = True
                    self.fields[name].help_text = "Exclusions name this list, so it stays as it is."

    def clean(self) -> dict[str, Any]:
        """Read the values."""
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        text = cleaned.get("text", "")
        if file is not None:
            if file.size > MAX_BYTES:
                self.add_error("file", f"The file is {file.size} bytes; {MAX_BYTES} are taken at most.")
                return cleaned
            try:
                text = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is no UTF-8 text.")
                return cleaned
        if "kind" in cleaned:
            try:
                self.read = lists.read(text, cleaned["kind"], column=cleaned.get("column", ""))
            except DefinitionError as error:
                self.add_error("column" if cleaned.get("column") else "text", str(error))
            else:
                self.instance.values = list(self.read.values)
        return cleaned


@admin.register(NamedList)
class NamedListAdmin(admin.ModelAdmin[NamedList]):
    """No event says who belongs to a group, so it is kept here. Each save is a revision of every monitor that uses the list."""

    form = NamedListForm
    list_display = ("name", "kind", "count", "description", "owner", "updated_at")
    list_filter = ("kind",)
    search_fields = ("name", "description")
    list_select_related = ("owner",)
    readonly_fields = ("used_by",)

    @admin.display(description="Values")
    def count(self, row: NamedList) -> int:
        """How many values it holds."""
        return len(row.values)

    @admin.display(description="Used by")
    def used_by(self, row: NamedList) -> str:
        """The exclusions that name it."""
        rows = [
            (reverse("admin:monitors_exclusion_change", args=[one.pk]), one.reason, lists.place_of(one))
            for one in leaving_out.naming(row.name)
        ]
        return format_html_join("", '<div><a href="{}">{}</a>: {}</div>', rows) or "No exclusion yet."

    def get_form(self, request: HttpRequest, obj: NamedList | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class as it is: its text is no field of the model."""
        return NamedListForm

    def get_fieldsets(self, request: HttpRequest, obj: NamedList | None = None) -> Any:
        """Return what it is, then its values, then the change."""
        about = ["name", "kind", "description", "owner", *(["used_by"] if obj else [])]
        return [
            (None, {"fields": about}),
            ("Values", {"fields": ["text", "file", "column"]}),
            ("This change", {"fields": ["reason"]}),
        ]

    def save_model(self, request: HttpRequest, obj: NamedList, form: Any, change: bool) -> None:
        """Save with a revision of each monitor that uses it; say what was read."""
        made = lists.save(obj, by=activity.person_of(request.user), reason=form.cleaned_data["reason"])
        told: lists.Read = form.read
        sentence = f"{len(told.values)} value{'' if len(told.values) == 1 else 's'} kept"
        if told.duplicates:
            sentence += f", {told.duplicates} came twice"
        messages.info(
            request, f"{sentence}. {len(made)} monitor{'' if len(made) == 1 else 's'} revised; push them to use it."
        )
        if told.refused:
            count = f"{len(told.refused)} line{'' if len(told.refused) == 1 else 's'} refused. "
            messages.warning(request, format_html("{}{}", count, " ".join(told.refused[:SHOWN])))

    def get_actions(self, request: HttpRequest) -> Any:
        """Offer no deleting of many at once: each may be in use."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Delete, or say where the list is used."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except lists.ListInUse as error:
            messages.error(request, f"Nothing was deleted. {error}")
            return HttpResponseRedirect(reverse("admin:monitors_namedlist_change", args=[object_id]))

    def delete_model(self, request: HttpRequest, obj: NamedList) -> None:
        """Delete it unless it is in use."""
        lists.delete(obj, by=activity.person_of(request.user))
