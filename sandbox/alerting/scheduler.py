"""When monitors run: each at `enabled_time` plus a whole number of intervals, by the stand-in's clock.

Different monitors run side by side, at most eight at once; a run whose monitor is still running is left out. What was
due while the stand-in was down, or while the clock was set, is left out as well.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from sandbox.alerting import schedules
from sandbox.alerting.clock import Clock
from sandbox.alerting.monitors import QUERY_LEVEL, Monitors
from sandbox.alerting.node import NodeAwayError
from sandbox.alerting.runs import Period, Runner, Subject
from sandbox.alerting.values import Json

WORKERS = 8
IDLE = 3600.0  # seconds to sleep when nothing is due
STEP_TIMEOUT = 300.0  # seconds that one step of a moved clock may take

log = logging.getLogger(__name__)


class Scheduler:
    """Starts runs when they are due, in the background and whenever the clock is moved by hand."""

    def __init__(self, monitors: Monitors, runner: Runner, clock: Clock) -> None:
        self._monitors = monitors
        self._runner = runner
        self._clock = clock
        self._state = threading.Condition()  # guards _due, _running and _stopped
        self._stepping = threading.Lock()  # one hand moves the clock at a time
        self._due: dict[str, int] = {}
        self._running: set[str] = set()
        self._moving = False
        self._stopped = False
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="run")
        self._thread = threading.Thread(target=self._watch, name="scheduler", daemon=True)

    def start(self) -> None:
        self._monitors.changed = self.plan
        for monitor_id in self._monitors.all():
            self.plan(monitor_id)
        self._thread.start()

    def stop(self) -> None:
        """Start no more runs, and wait for those that are running."""
        with self._state:
            self._stopped = True
            self._state.notify_all()
        self._thread.join(timeout=STEP_TIMEOUT)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def plan(self, monitor_id: str) -> None:
        """Look again when this monitor runs next."""
        stored = self._monitors.find(monitor_id)
        with self._state:
            self._due.pop(monitor_id, None)
            if stored is not None and _runs(stored["monitor"]):
                monitor = stored["monitor"]
                now = self._clock.now()
                self._due[monitor_id] = schedules.next_due(monitor["schedule"], monitor["enabled_time"], now)
            self._state.notify_all()

    def set_clock(self, now: int | None, speed: float | None) -> None:
        """Set the clock without running what would have been due meanwhile."""
        with self._stepping:
            self._clock.set(now, speed)
            for monitor_id in self._monitors.all():
                self.plan(monitor_id)

    def advance(self, ms: int) -> list[Json]:
        """Move the clock on and run everything that comes due, in order; returns when all of it has run.

        Each entry tells the monitor, the end of its period, which triggers fired, and the answer's errors.
        """
        with self._stepping:
            target = self._clock.now() + ms
            told: list[Json] = []
            try:
                with self._state:
                    self._moving = True
                while (moment := self._next_moment(target)) is not None:
                    self._clock.forward_to(moment)
                    runs = self._begin(moment)
                    told += [future.result(timeout=STEP_TIMEOUT) for future in runs]
                self._clock.forward_to(target)
            finally:
                with self._state:
                    self._moving = False
                    self._state.notify_all()
        return told

    def _next_moment(self, target: int) -> int | None:
        with self._state:
            return min((due for due in self._due.values() if due <= target), default=None)

    def _watch(self) -> None:
        while True:
            with self._state:
                if self._stopped:
                    return
                due = min(self._due.values(), default=None)
                pause = IDLE if self._moving or due is None else self._clock.seconds_until(due)
                if pause is None or pause > 0:
                    self._state.wait(IDLE if pause is None else min(pause, IDLE))
                    continue
            self._begin(self._clock.now())

    def _begin(self, now: int) -> list[Future[Json]]:
        """Start what is due. Of several runs that one monitor missed, only the last."""
        begun: list[Future[Json]] = []
        with self._state:
            for monitor_id, due in [item for item in self._due.items() if item[1] <= now]:
                stored = self._monitors.find(monitor_id)
                if stored is None:
                    del self._due[monitor_id]
                    continue
                monitor = stored["monitor"]
                end = schedules.last_due(monitor["schedule"], due, now)
                self._due[monitor_id] = schedules.next_due(monitor["schedule"], monitor["enabled_time"], end)
                if monitor_id in self._running:
                    log.warning("%s: the run of %s is left out, the one before still runs", monitor["name"], end)
                    continue
                self._running.add(monitor_id)
                run = self._pool.submit(self._run, monitor_id, stored, end)
                run.add_done_callback(_report)
                begun.append(run)
        return begun

    def _run(self, monitor_id: str, stored: Json, end: int) -> Json:
        told: Json = {"monitor_id": monitor_id, "period_end": end, "triggered": [], "errors": []}
        try:
            period = Period(schedules.period_start(stored["monitor"]["schedule"], end), end)
            result = self._runner.run(Subject(monitor_id, stored["_version"], stored["monitor"]), period, False)
        except NodeAwayError as error:
            log.warning("%s: no run, the node is away: %s", stored["monitor"]["name"], error)
            told["errors"].append(f"The node is away: {error}")
            return told
        finally:
            with self._state:
                self._running.discard(monitor_id)
        fired = {key: trigger for key, trigger in result["trigger_results"].items() if trigger["triggered"]}
        told["triggered"] = list(fired)
        told["errors"] += [result["input_results"]["error"]] if result["input_results"]["error"] is not None else []
        told["errors"] += [trigger["error"] for trigger in fired.values() if trigger["error"] is not None]
        for trigger in fired.values():
            told["errors"] += [a["error"] for a in trigger["action_results"].values() if a["error"] is not None]
        return told


def _report(run: Future[Json]) -> None:
    """Nobody waits for a run in the background: what it did not expect is told here."""
    if not run.cancelled() and (error := run.exception()) is not None:
        log.error("A run broke off", exc_info=error)


def _runs(monitor: Json) -> bool:
    return bool(monitor["enabled"]) and monitor["monitor_type"] == QUERY_LEVEL
