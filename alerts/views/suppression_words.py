"""History lines about suppressions, and about what they hide, in words. Part of `alerts.views.history`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from alerts.rules import in_words
from alerts.templatetags.portal import exactly

Names = Mapping[str, str]


def _suppressed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"suppressed by S-{data.get('suppression')}", str(data.get("reason") or "")


def _stayed(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "seen again, and still suppressed", ""


def _unsuppressed(data: Mapping[str, Any], names: Names) -> tuple[str, str]:
    if data["by"] in names:
        return f"brought it back from S-{data.get('suppression')}: it is new", ""
    return f"it grew beyond what S-{data.get('suppression')} hides, or that has ended: it is new", ""


def _made(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"made it: hides {_of(data)}", str(data.get("reason") or "")


def _changed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"changed it: hides {_of(data)}", str(data.get("reason") or "")


def _withdrawn(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "withdrew it", ""


def _expired(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "it has expired", ""


def _of(data: Mapping[str, Any]) -> str:
    until = exactly(timezone.localtime(datetime.fromisoformat(data["expires_at"])))
    return f"{in_words(data['conditions'])}, until {until}"


SENTENCES: Mapping[str, Callable[[Mapping[str, Any], Names], tuple[str, str]]] = {
    "alert.suppressed": _suppressed,
    "alert.stayed_suppressed": _stayed,
    "alert.unsuppressed": _unsuppressed,
    "suppression.made": _made,
    "suppression.changed": _changed,
    "suppression.withdrawn": _withdrawn,
    "suppression.expired": _expired,
}
