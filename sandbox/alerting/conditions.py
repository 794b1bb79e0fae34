"""A trigger's Painless condition, judged by the node.

The node's `_scripts/painless/_execute` knows only `params`. A fixed prelude in front of the condition rebuilds `ctx`
from one reserved parameter; the condition's own `params` stay what they are. Errors are told as if it were not there.
A condition that begins with a function of its own cannot be judged this way: Painless wants functions first.
"""

import re

from sandbox.alerting import faults
from sandbox.alerting.node import Node, failure
from sandbox.alerting.values import Json, pretty

CTX = "__ctx"
# IllegalMonitorStateException stands for what the search threw: a condition may rethrow it, and throws none itself.
PRELUDE = (
    f"def ctx=new HashMap(params['{CTX}']);"
    "ctx.periodStart=Instant.ofEpochMilli(ctx.periodStart);ctx.periodEnd=Instant.ofEpochMilli(ctx.periodEnd);"
    "if(ctx.results.isEmpty())ctx.results=Collections.emptyList();"
    "if(ctx.failed)ctx.error=new IllegalMonitorStateException(ctx.error);"
)
STAND_IN = "illegal_monitor_state_exception"
STAND_IN_CLASS = "java.lang.IllegalMonitorStateException"
NAME_LIMIT = 256  # characters of a script that an error shows
AROUND = 25  # characters that a compile error shows on either side
POINTER = "^---- HERE"
EMPTY_LIST = "Empty list doesn't contain element at index {}."


class ConditionError(Exception):
    """A condition that does not compile, or that throws; `error` is the exception as OpenSearch tells it."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["reason"])
        self.error = error

    def text(self) -> str:
        """What the answer of a run shows."""
        if self.error["type"] == "script_exception":
            told = dict(self.error)
            if "caused_by" in told:
                told["caused_by"] = faults.unwrapped(told["caused_by"])
            return pretty(told)
        return str(self.error["reason"])


def holds(node: Node, script: Json, ctx: Json, input_error: Json | None) -> bool:
    """Whether the condition holds in this ctx (`periodStart` and `periodEnd` in epoch ms).

    `input_error` is what the search threw. Raises ConditionError and NodeAwayError.
    """
    source: str = script["source"]
    message = None if input_error is None else input_error.get("reason")
    params = {**script.get("params", {}), CTX: {**ctx, "error": message, "failed": input_error is not None}}
    status, answer = node.call(
        "POST", "/_scripts/painless/_execute", {"script": {"source": PRELUDE + source, "params": params}}
    )
    if status != 200:
        raise ConditionError(_without_prelude(failure(answer), source, input_error))
    return bool(answer["result"] == "true")


def _without_prelude(error: Json, source: str, input_error: Json | None) -> Json:
    """The node's error, as it would be of the condition alone."""
    if error["type"] != "script_exception":
        return faults.of_compilation(error, source, "painless")
    cause: Json = error.get("caused_by", {})
    told: Json = {"type": error["type"], "reason": error["reason"]}
    if input_error is not None and cause.get("type") == STAND_IN:
        # the frames are the JVM's, of where the search failed; there are none here
        return {**told, "script_stack": [], "script": _name(source), "lang": "painless", "caused_by": input_error}
    position = error.get("position")
    if position is None:  # the JVM throws what it has often thrown without saying where
        told.update(script_stack=[], script=_name(source), lang="painless")
    else:
        told.update(_placed(error, source, *(position[edge] - len(PRELUDE) for edge in ("offset", "start", "end"))))
    if cause:
        told["caused_by"] = _told(cause, input_error)
    return told


def _placed(error: Json, source: str, offset: int, start: int, end: int) -> Json:
    """Where in the condition it happened. A compile error shows what is around; one at run time, whole statements."""
    before = after = ""
    if error["reason"] == "compile error":
        start, end = max(0, offset - AROUND), min(len(source), offset + AROUND)
        before, after = "... " if start > 0 else "", " ..." if end < len(source) else ""
    snippet = [before + source[start:end] + after, " " * (len(before) + offset - start) + POINTER]
    return {
        "script_stack": _frames(error["script_stack"]) + snippet,
        "script": _name(source),
        "lang": "painless",
        "position": {"offset": offset, "start": start, "end": end},
    }


def _frames(stack: list[str]) -> list[str]:
    """The Java frames above the script. The plugin's empty list is Kotlin's: its frames and words differ."""
    pointer = next((i for i, line in enumerate(stack) if line.endswith(POINTER)), 1)
    frames = stack[: max(0, pointer - 1)]
    if any("java.util.Collections$EmptyList.get" in frame for frame in frames):
        return [f"kotlin.collections.EmptyList.get(Collections.kt:{line})" for line in (37, 25)]
    return frames


def _name(source: str) -> str:
    first_line = re.split(r"[\r\n]", source, maxsplit=1)[0][:NAME_LIMIT]
    return first_line if first_line == source else first_line + " ..."


def _told(cause: Json, input_error: Json | None) -> Json:
    reason = cause.get("reason")
    if cause["type"] == "index_out_of_bounds_exception" and (missing := re.fullmatch(r"Index: (\d+)", str(reason))):
        return {**cause, "reason": EMPTY_LIST.format(missing[1])}
    if input_error is not None and isinstance(reason, str) and STAND_IN_CLASS in reason:
        message = input_error.get("reason")
        printed = STAND_IN_CLASS if message is None else f"{STAND_IN_CLASS}: {message}"
        return {**cause, "reason": reason.replace(printed, faults.to_string(input_error))}
    return cause
