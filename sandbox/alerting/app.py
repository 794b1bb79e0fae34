"""Which request means what: the plugins' API, the stand-in's own, and everything else for the node."""

import gzip
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.alerting import finder, schedules
from sandbox.alerting.alerts import Alerts
from sandbox.alerting.channels import Channels
from sandbox.alerting.clock import Clock
from sandbox.alerting.delivery import Sender
from sandbox.alerting.errors import ApiError, rest_error
from sandbox.alerting.monitors import QUERY_LEVEL, Monitors, shown
from sandbox.alerting.node import Node, NodeAwayError, Reply
from sandbox.alerting.runs import Period, Runner, Subject
from sandbox.alerting.scheduler import Scheduler
from sandbox.alerting.settings import Settings
from sandbox.alerting.store import Store
from sandbox.alerting.values import Json

log = logging.getLogger(__name__)

MONITORS = "/_plugins/_alerting/monitors"
CHANNELS = "/_plugins/_notifications"
JSON_HEADERS = [
    ("X-OpenSearch-Version", "OpenSearch/3.4.0 (opensearch)"),
    ("content-type", "application/json; charset=UTF-8"),
]
MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError)  # what reading a body of another shape raises
TIME_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
FEATURES: Json = {
    "allowed_config_type_list": ["slack", "chime", "microsoft_teams", "webhook", "email", "sns", "ses_account"],
    "plugin_features": {"tooltip_support": "true"},
}


@dataclass(frozen=True)
class Request:
    """One request. `headers` are in the order received; `target` is path and query as received."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def json(self) -> Json:
        """The body. Raises ApiError (400) if it is not a JSON object."""
        content = gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body
        try:
            body = json.loads(content or b"{}")
        except ValueError as error:
            raise rest_error(400, "json_parse_exception", str(error)) from error
        if not isinstance(body, dict):
            raise rest_error(400, "parsing_exception", "Expected an object")
        return body

    def from_dashboards(self) -> bool:
        return "OpenSearch-Dashboards" in self.header("user-agent")


@dataclass(frozen=True)
class Answer:
    """What we answer ourselves."""

    body: Json
    status: int = 200
    location: str | None = None


Handler = Callable[..., Answer | Reply]


class App:
    """The stand-in: one state folder, in front of one node."""

    def __init__(self, node: Node, folder: Path) -> None:
        self._node = node
        self._store = Store(folder)
        self._clock = Clock()
        self._settings = Settings(self._store, self._node)
        self._alerts = Alerts(self._store, self._clock)
        self._channels = Channels(self._store, self._clock, self._settings, Sender())
        self._monitors = Monitors(self._store, self._node, self._clock, self._alerts)
        self._runner = Runner(self._node, self._clock, self._alerts, self._channels)
        self._scheduler = Scheduler(self._monitors, self._runner, self._clock)
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in self._table()]

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.stop()
        self._store.close()

    def answer(self, request: Request) -> Reply:
        """Answer one request, or pass it on. Raises nothing for what a client or the node may do wrong."""
        try:
            answer = self._route(request)
        except ApiError as error:
            answer = Answer(error.body, error.status)
        except MISSHAPEN as error:
            log.exception("%s %s has another shape than expected", request.method, request.target)
            words = f"The request has another shape than expected: {error}"
            wrong = rest_error(400, "illegal_argument_exception", words)
            answer = Answer(wrong.body, wrong.status)
        except NodeAwayError as error:
            answer = Answer({"error": f"The node behind the Alerting stand-in is away: {error}", "status": 503}, 503)
        if isinstance(answer, Reply):
            return answer
        headers = [("Location", answer.location)] if answer.location else []
        return Reply(answer.status, headers + JSON_HEADERS, json.dumps(answer.body).encode())

    def _route(self, request: Request) -> Answer | Reply:
        method = "GET" if request.method == "HEAD" else request.method
        for allowed, pattern, handler in self._routes:
            found = pattern.fullmatch(request.path)
            if found and method in allowed.split():
                return handler(request, *(unquote(part) for part in found.groups()))
        if request.path.startswith(("/_plugins/_alerting", CHANNELS, "/_sandbox")):
            words = f"no handler found for uri [{request.target}] and method [{request.method}]"
            return Answer({"error": words}, 400)
        return self._node.send(request.method, request.target, request.body, request.headers)

    def _table(self) -> list[tuple[str, str, Handler]]:
        one = rf"{MONITORS}/([^/]+)"
        config = rf"{CHANNELS}/configs/([^/]+)"
        return [
            ("POST", f"{MONITORS}/?", self._create_monitor),
            ("GET POST", f"{MONITORS}/_search", self._search_monitors),
            ("POST", f"{MONITORS}/_execute", self._execute_unsaved),
            ("POST", f"{one}/_execute", self._execute),
            ("GET", f"{MONITORS}/alerts", lambda request: Answer(self._alerts.search(request.query))),
            ("POST", f"{one}/_acknowledge/alerts", self._acknowledge),
            ("GET", one, self._get_monitor),
            ("PUT", one, self._update_monitor),
            ("DELETE", one, lambda _, monitor_id: Answer(self._monitors.delete(monitor_id))),
            ("POST", f"{CHANNELS}/configs/?", lambda request: Answer(self._channels.create(request.json()))),
            ("GET", f"{CHANNELS}/configs/?", lambda request: Answer(self._channels.search(request.query))),
            ("DELETE", f"{CHANNELS}/configs/?", self._delete_channels),
            ("GET", config, lambda _, key: Answer(self._channels.get(key))),
            ("PUT", config, lambda request, key: Answer(self._channels.update(key, request.json()))),
            ("DELETE", config, lambda _, key: Answer(self._channels.delete([key]))),
            ("GET POST", rf"{CHANNELS}/feature/test/([^/]+)", lambda _, key: Answer(self._channels.test(key))),
            ("GET", f"{CHANNELS}/channels", lambda _: Answer(self._channels.briefs())),
            ("GET", f"{CHANNELS}/features", lambda _: Answer(FEATURES)),
            ("PUT", "/_cluster/settings", self._change_settings),
            ("GET", "/_sandbox/clock", lambda _: Answer(self._time())),
            ("POST", "/_sandbox/clock", self._set_clock),
            ("GET", "/_sandbox/deliveries", lambda _: Answer({"deliveries": self._channels.deliveries()})),
            ("DELETE", "/_sandbox/deliveries", lambda _: self._forget_deliveries()),
        ]

    def _create_monitor(self, request: Request) -> Answer:
        monitor_id, stored = self._monitors.create(request.json())
        return Answer({"_id": monitor_id, **stored}, 201, f"{MONITORS}/{monitor_id}")

    def _get_monitor(self, request: Request, monitor_id: str) -> Answer:
        stored = self._monitors.get(monitor_id)
        monitor = shown(stored["monitor"], request.from_dashboards())
        return Answer({"_id": monitor_id, **stored, "monitor": monitor, "associated_workflows": []})

    def _update_monitor(self, request: Request, monitor_id: str) -> Answer:
        seq_no, term = (_whole_number(request.query, key) for key in ("if_seq_no", "if_primary_term"))
        return Answer({"_id": monitor_id, **self._monitors.update(monitor_id, request.json(), seq_no, term)})

    def _search_monitors(self, request: Request) -> Answer:
        return Answer(finder.search(self._monitors.all(), request.json(), request.from_dashboards()))

    def _execute(self, request: Request, monitor_id: str) -> Answer:
        stored = self._monitors.find(monitor_id)
        if stored is None:
            raise rest_error(404, "status_exception", f"Can't find monitor with id: {monitor_id}")
        return self._run(request, Subject(monitor_id, stored["_version"], stored["monitor"]))

    def _execute_unsaved(self, request: Request) -> Answer:
        return self._run(request, Subject("", 1, self._monitors.parse(request.json())))

    def _run(self, request: Request, subject: Subject) -> Answer:
        kind = subject.monitor["monitor_type"]
        if kind != QUERY_LEVEL:
            raise rest_error(501, "unsupported_operation_exception", f"The Alerting stand-in does not run a {kind}")
        end = _moment(request.query.get("period_end"), self._clock.now())
        start = schedules.period_start(subject.monitor["schedule"], end)
        dry = request.query.get("dryrun", "false") == "true"
        return Answer(self._runner.run(subject, Period(start, end), dry))

    def _acknowledge(self, request: Request, monitor_id: str) -> Answer:
        ids = request.json().get("alerts", [])
        if not ids:
            raise rest_error(400, "illegal_argument_exception", "You must provide at least one alert id.")
        self._monitors.get(monitor_id)
        return Answer(self._alerts.acknowledge(monitor_id, ids))

    def _delete_channels(self, request: Request) -> Answer:
        ids = [key for key in request.query.get("config_id_list", "").split(",") if key]
        return Answer(self._channels.delete(ids))

    def _change_settings(self, request: Request) -> Reply:
        query = urlsplit(request.target).query
        return self._settings.change(request.json(), f"?{query}" if query else "")

    def _set_clock(self, request: Request) -> Answer:
        body = request.json()
        if "advance_ms" in body:
            runs = self._scheduler.advance(int(body["advance_ms"]))
            return Answer({**self._time(), "runs": runs})
        self._scheduler.set_clock(body.get("now"), body.get("speed"))
        return Answer(self._time())

    def _time(self) -> Json:
        return {"now": self._clock.now(), "speed": self._clock.speed()}

    def _forget_deliveries(self) -> Answer:
        self._channels.forget_deliveries()
        return Answer({"deliveries": []})


def _whole_number(query: dict[str, str], key: str) -> int | None:
    value = query.get(key)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError as error:
        words = f"Failed to parse long parameter [{key}] with value [{value}]"
        raise rest_error(400, "illegal_argument_exception", words) from error


def _moment(value: str | None, now: int) -> int:
    """`period_end` as the plugin takes it: a time value such as `1795522493563ms`."""
    if value is None:
        return now
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", value)
    if found is None:
        words = f"failed to parse setting [period_end] with value [{value}] as a time value: unit is missing"
        raise rest_error(400, "illegal_argument_exception", f"{words} or unrecognized")
    return int(found[1]) * TIME_UNITS[found[2]]
