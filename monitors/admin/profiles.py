"""How indices are laid out, as learnt and corrected, and which detections they cannot serve."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from core import activity
from monitors import profiles as profile_names
from monitors.models import IndexProfile, every_detection
from monitors.services import events, profiles


class ProfileForm(forms.ModelForm[IndexProfile]):
    """What a person says of an index, over what was learnt of it."""

    class Meta:
        model = IndexProfile
        fields = ("corrections",)

    def clean_corrections(self) -> dict[str, str]:
        """Take only Okta's own fields, each with a name."""
        given = self.cleaned_data["corrections"] or {}
        known = {*profile_names.KEYWORDS, *profile_names.TYPED}
        if not isinstance(given, dict) or not all(isinstance(name, str) and name.strip() for name in given.values()):
            raise forms.ValidationError('Give an object of Okta field to the index\'s own name: {"uuid": "event.id"}.')
        unknown = sorted(set(given) - known)
        if unknown:
            raise forms.ValidationError(f"No detection reads {', '.join(unknown[:5])}.")
        return given


@admin.register(IndexProfile)
class IndexProfileAdmin(admin.ModelAdmin[IndexProfile]):
    """How indices are laid out, as learnt and corrected, and which detections they cannot serve."""

    form = ProfileForm
    list_display = ("pattern", "learnt_at", "serves")
    fields = ("pattern", "learnt_at", "layout", "cannot_serve", "engine", "never_seen", "gaps", "corrections")
    readonly_fields = ("pattern", "learnt_at", "layout", "cannot_serve", "engine", "never_seen", "gaps")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Profiles are learnt from the index."""
        return False

    @admin.display(description="Serves")
    def serves(self, row: IndexProfile) -> str:
        """How many detections it can serve."""
        told = profiles.serving(row.profile(), set())
        return f"{sum(not one.lacks for one in told)} of {len(told)} detections"

    @admin.display(description="Okta's engine")
    def engine(self, row: IndexProfile) -> str:
        """Which engine the tenant seems to be, by what only one of them writes."""
        return (
            events.engine(row.event_types) or "Not known: the index holds no event that only one of the engines writes."
        )

    @admin.display(description="Never seen")
    def never_seen(self, row: IndexProfile) -> str:
        """What detections need and the index was never seen to hold."""
        needs = [(one.title, events.need(one, row)) for one in every_detection()]
        lines = [(title, "; ".join(need.sentences(row.pattern))) for title, need in needs if need.never or need.stopped]
        if row.event_types_at is None:
            return "Not read yet: it is read once an hour."
        return (
            format_html_join("", "<div>{}: {}</div>", lines) or "Nothing: every event that a detection needs was seen."
        )

    @admin.display(description="Gaps")
    def gaps(self, row: IndexProfile) -> str:
        """Which hours hold nothing, and which types stopped."""
        lines = [
            (f"No event in the hour from {hour[:16].replace('T', ' ')} UTC, while its neighbours were busy.",)
            for hour in row.event_gaps
        ]
        lines += [(f"{name} came regularly until {day}, and not since.",) for name, day in events.stopped(row).items()]
        return format_html_join("", "<div>{}</div>", lines) or "None in what was read."

    @admin.display(description="Cannot serve")
    def cannot_serve(self, row: IndexProfile) -> str:
        """Which detections lack what."""
        lines = [(one.title, ", ".join(one.lacks)) for one in profiles.serving(row.profile(), set()) if one.lacks]
        return format_html_join("", "<div>{}: lacks {}</div>", lines) or "Nothing: it can serve every detection."

    @admin.display(description="Layout")
    def layout(self, row: IndexProfile) -> str:
        """Where each of Okta's fields lies."""
        profile = row.profile()
        place = profile.point or (f"{profile.lat}, {profile.lon}" if profile.lat else "missing")
        pairs = [*sorted(profile.names.items()), ("place", place)]
        return format_html_join("", "<div><code>{}</code> → <code>{}</code></div>", pairs)

    def save_model(self, request: HttpRequest, obj: IndexProfile, form: Any, change: bool) -> None:
        """Keep the corrections with their author."""
        row = IndexProfile.objects.get(pk=obj.pk)
        profiles.correct(row, form.cleaned_data["corrections"], by=activity.person_of(request.user))
