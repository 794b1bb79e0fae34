"""
Whether the cluster's settings let every monitor run, said before monitors fail.

The Alerting plugin renders the whole search of a monitor as a template of its own, so each monitor takes one compilation and one
place in the cache of templates. At stock limits (75 compilations in five minutes, 100 places) 30 monitors ran clean, and of 120 a
fifth failed every minute, healthy ones among them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitors import opensearch
from monitors.models import Monitor
from monitors.rendering import MAX_SEARCH_BYTES

RATE = "script.context.template.max_compilations_rate"
PLACES = "script.context.template.cache_max_size"
GENERAL_RATE, GENERAL_PLACES = (
    "script.max_compilations_rate",
    "script.cache.max_size",
)  # in force together, instead of the contexts'
STOCK = {RATE: "75/5m", PLACES: "100"}  # OpenSearch does not list a context's own defaults
ROOM = 1.25  # a limit leaves a quarter for other templates, and for monitors that change
ENOUGH = 1_000  # what was measured with 120 monitors
CONTEXTS = ("aggs_init", "aggs_map", "aggs_combine", "aggs_reduce", "filter", "template", "trigger")
WINDOW_SECONDS = 300
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class Shortfall:
    """
    A cluster setting under which monitors fail: `sentence` says which, why, and what to do.

    `value` is what to set it to; None where only the nodes' own opensearch.yml can.
    """

    setting: str
    value: object
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def check() -> list[Shortfall]:
    """Read the cluster's settings and return what would make enabled monitors fail, saved ones included. Raises OpenSearchError."""
    params = {"include_defaults": "true", "flat_settings": "true"}
    answer = opensearch.call("GET", "/_cluster/settings", params=params)
    settings = {**answer.get("defaults", {}), **answer.get("persistent", {}), **answer.get("transient", {})}
    return shortfalls(settings, monitors=Monitor.objects.filter(enabled=True).count())


def mend() -> list[str]:
    """
    Set what a running cluster can be told of what `check` finds; return the names of what was set. Raises OpenSearchError.

    A transient setting would win over it, and goes.
    """
    wanted = {one.setting: one.value for one in check() if one.value is not None}
    if wanted:
        opensearch.call("PUT", "/_cluster/settings", body={"persistent": wanted, "transient": dict.fromkeys(wanted)})
    return list(wanted)


def shortfalls(settings: Mapping[str, object], *, monitors: int) -> list[Shortfall]:
    """Return what of these flat settings is too little for so many monitors."""
    return [*_of_templates(settings, monitors), *_of_scripts(settings)]


def _of_templates(settings: Mapping[str, object], monitors: int) -> Iterator[Shortfall]:
    general = str(settings.get(GENERAL_RATE, "use-context")) != "use-context"
    rate_name, places_name = (GENERAL_RATE, GENERAL_PLACES) if general else (RATE, PLACES)
    rate = str(settings.get(rate_name, STOCK[RATE]))
    places = int(str(settings.get(places_name, STOCK[PLACES])))
    enough = max(ENOUGH, 2 * monitors)
    is_limited = str(settings.get("script.disable_max_compilations_rate", "false")) != "true"
    if is_limited and monitors * ROOM > _in_five_minutes(rate):
        told = f"{monitors} monitors need a template each, and the cluster compiles no more than {rate}: some will fail, any of them."
        yield Shortfall(rate_name, f"{enough}/5m", f"{told} Set {rate_name} to {enough}/5m.")
    if monitors * ROOM > places:
        told = f"{monitors} monitors need a template each, and the cluster keeps {places}: it compiles the others anew at every run."
        yield Shortfall(places_name, enough, f"{told} Set {places_name} to {enough}.")


def _of_scripts(settings: Mapping[str, object]) -> Iterator[Shortfall]:
    if str(settings.get("search.allow_expensive_queries", "true")) == "false":
        name = "search.allow_expensive_queries"
        told = "The cluster refuses expensive queries: detections that compare two fields or look within a text fail."
        yield Shortfall(name, True, f"{told} Set {name} to true.")
    size = int(str(settings.get("script.max_size_in_bytes", MAX_SEARCH_BYTES)))
    if size < MAX_SEARCH_BYTES:
        name = "script.max_size_in_bytes"
        told = f"The cluster takes searches of monitors up to {size} bytes only; longer ones fail at every run."
        yield Shortfall(name, MAX_SEARCH_BYTES, f"{told} Set {name} to {MAX_SEARCH_BYTES}.")
    types = _listed(settings, "script.allowed_types")
    if types and "inline" not in types:
        told = "The cluster takes no inline scripts: no window program, condition or template runs."
        yield Shortfall("script.allowed_types", None, f"{told} Set script.allowed_types to inline (in opensearch.yml).")
    allowed = _listed(settings, "script.allowed_contexts")
    lacking = [name for name in CONTEXTS if name not in allowed] if allowed else []
    if lacking:
        told = f"The cluster allows no scripts in the contexts {', '.join(lacking)}, which monitors need."
        yield Shortfall(
            "script.allowed_contexts", None, f"{told} Add them to script.allowed_contexts (in opensearch.yml)."
        )


def _listed(settings: Mapping[str, object], name: str) -> list[str]:
    value = settings.get(name, [])
    return [str(one) for one in value] if isinstance(value, list) else [one for one in str(value).split(",") if one]


def _in_five_minutes(rate: str) -> float:
    """Return how many compilations a rate such as `75/5m` or `unlimited` allows in five minutes; no limit where it says neither."""
    found = re.fullmatch(r"(\d+)/(\d+)([smhd])", rate)
    return int(found[1]) * WINDOW_SECONDS / (int(found[2]) * SECONDS[found[3]]) if found else math.inf
