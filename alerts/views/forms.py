"""What is asked before a decision: why an alert is closed, until when it is snoozed, who gets it."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.choices import Cause, Verdict
from alerts.services import triage

CLOSING = {"b": Verdict.BENIGN, "f": Verdict.FALSE_POSITIVE, "u": Verdict.UNDETERMINED}
NEEDS_WORDS = {Cause.CHANGE.value: "Say which change: its ticket.", Cause.OTHER.value: "Say what the other reason is."}
SNOOZES = {
    "1h": "1 hour",
    "4h": "4 hours",
    "tomorrow": "Tomorrow 9:00",
    "monday": "Next Monday 9:00",
    "growth": "Until it grows",
}
MORNING = time(9)


class CloseForm(forms.Form):
    """A verdict and why: a cause, and words of one's own, which some causes need. A true positive needs words alone."""

    verdict = forms.ChoiceField(
        choices=Verdict.choices, widget=forms.RadioSelect, error_messages={"required": "Choose a verdict."}
    )
    reason = forms.ChoiceField(choices=Cause.choices, widget=forms.RadioSelect, required=False)
    note = forms.CharField(max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """Ask for what is missing."""
        cleaned = super().clean() or self.cleaned_data
        cause, note = cleaned.get("reason"), cleaned.get("note")
        if cleaned.get("verdict") == Verdict.TRUE_POSITIVE:
            cleaned["reason"] = ""
            if not note:
                self.add_error("note", "Say what was done.")
        elif not cause and "reason" not in self.errors:
            self.add_error("reason", "Choose a reason.")
        elif cause in NEEDS_WORDS and not note:
            self.add_error("note", NEEDS_WORDS[cause])
        return cleaned

    @property
    def cause(self) -> Cause | None:
        """The code that is kept beside the words."""
        return Cause(self.cleaned_data["reason"]) if self.cleaned_data["reason"] else None

    def words(self) -> str:
        """Return the reason as it is kept."""
        return ": ".join(filter(None, [self.cause and self.cause.label, self.cleaned_data["note"]]))


class SnoozeForm(forms.Form):
    """Until when: one of SNOOZES, or a time of the reader's zone."""

    wanted = forms.ChoiceField(choices=list(SNOOZES.items()), required=False)
    until = forms.DateTimeField(
        required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), label="Until a time"
    )

    def clean(self) -> dict[str, Any]:
        """Settle on one time, within what a snooze may last."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("wanted"):
            cleaned["until"] = snoozed_until(cleaned["wanted"], timezone.localtime())
        elif not cleaned.get("until"):
            if not self.errors:
                self.add_error("until", "Choose until when.")
        elif not timezone.now() < cleaned["until"] <= timezone.now() + triage.LONGEST_SNOOZE:
            self.add_error("until", f"Choose a time within {triage.LONGEST_SNOOZE.days} days from now.")
        return cleaned

    @property
    def or_growth(self) -> bool:
        """Whether more evidence ends it."""
        return bool(self.cleaned_data.get("wanted") == "growth")

    def words(self) -> str:
        """Return until when, as it reads after "until"."""
        return "it grows" if self.or_growth else f"{timezone.localtime(self.cleaned_data['until']):%Y-%m-%d %H:%M}"


def snoozed_until(wanted: str, now: datetime) -> datetime:
    """Return when a snooze of SNOOZES ends, from the local time `now`: mornings are those of its zone, whatever the clocks do."""
    match wanted:
        case "1h":
            return now + timedelta(hours=1)
        case "4h":
            return now + timedelta(hours=4)
        case "tomorrow":
            return datetime.combine(now.date() + timedelta(days=1), MORNING, now.tzinfo)
        case "monday":
            return datetime.combine(now.date() + timedelta(days=7 - now.weekday()), MORNING, now.tzinfo)
    return now + triage.LONGEST_SNOOZE


class AssignForm(forms.Form):
    """Who gets it: whoever may decide."""

    to = forms.ModelChoiceField(User.objects.none(), to_field_name="username", label="Assign to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = User.objects.with_perm("alerts.change_alert", backend="django.contrib.auth.backends.ModelBackend")
        people = self.fields["to"]
        assert isinstance(people, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        people.queryset = able.filter(is_active=True).order_by("first_name", "last_name", "username")
        people.label_from_instance = lambda user: user.get_full_name() or user.username  # type: ignore[method-assign, assignment]


class CommentForm(forms.Form):
    """What somebody says, and whether the ticket says it too."""

    text = forms.CharField(max_length=4000, strip=True)
    in_ticket = forms.BooleanField(required=False)
