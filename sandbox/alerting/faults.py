"""What the JVM says of an exception, worked out from the error that the node gives over REST.

An error here is a dictionary of `type` (`script_exception` stands for ScriptException), `reason`, and `caused_by`.
"""

from collections.abc import Iterator

from sandbox.alerting.values import Json

JAVA = {
    "arithmetic_exception": "java.lang.ArithmeticException",
    "array_index_out_of_bounds_exception": "java.lang.ArrayIndexOutOfBoundsException",
    "class_cast_exception": "java.lang.ClassCastException",
    "illegal_argument_exception": "java.lang.IllegalArgumentException",
    "illegal_state_exception": "java.lang.IllegalStateException",
    "index_out_of_bounds_exception": "java.lang.IndexOutOfBoundsException",
    "json_parse_exception": "com.fasterxml.jackson.core.JsonParseException",
    "mustache_exception": "com.github.mustachejava.MustacheException",
    "no_viable_alt_exception": "org.antlr.v4.runtime.NoViableAltException",
    "null_pointer_exception": "java.lang.NullPointerException",
    "number_format_exception": "java.lang.NumberFormatException",
    "runtime_exception": "java.lang.RuntimeException",
    "unsupported_operation_exception": "java.lang.UnsupportedOperationException",
}

WRAPPER = "general_script_exception"


def simple_name(error: Json) -> str:
    """The class without its package."""
    return "".join(part.capitalize() for part in str(error["type"]).split("_"))


def causes(error: Json) -> Iterator[Json]:
    """The error, what caused it, what caused that, and so on; shards that failed alike are the cause of the whole."""
    link: Json | None = error
    while link is not None:
        yield link
        shards = link.get("failed_shards")
        link = link.get("caused_by", shards[0]["reason"] if shards else None)


def detailed(error: Json) -> str:
    """The chain on one line: `ScriptException[runtime error]; nested: NullPointerException[…];`."""
    links = [
        simple_name(link) + ("" if link.get("reason") is None else f"[{link['reason']}]") for link in causes(error)
    ]
    return "; nested: ".join(links) + ";" if len(links) > 1 else links[0]


def of_compilation(error: Json, source: str, lang: str) -> Json:
    """What compiling a script threw. The refusal to compile any more is wrapped, which REST does not tell."""
    if error["type"] != "circuit_breaking_exception":
        return error
    reason = f"Failed to compile inline script [{source}] using lang [{lang}]"
    return {"type": WRAPPER, "reason": reason, "caused_by": error}


def unwrapped(error: Json) -> Json:
    """The error as it is told in JSON: without the exception that only wraps another."""
    return error["caused_by"] if error["type"] == WRAPPER else error


def to_string(error: Json) -> str:
    """What `'' + exception` gives in Painless."""
    kind = error["type"]
    if kind == "search_phase_execution_exception":
        text = f"Failed to execute phase [{error.get('phase')}], {error['reason']}"
        shards = [
            f"{{[{shard.get('node')}][{shard.get('index')}][{shard.get('shard')}]: {detailed(shard['reason'])}}}"
            for shard in error.get("failed_shards", [])
        ]
        return text + ("; shardFailures " + "".join(shards) if shards else "")
    if kind in JAVA:
        return JAVA[kind] + ("" if error.get("reason") is None else f": {error['reason']}")
    return detailed(error)


def for_history(error: Json) -> str:
    """How an alert's history tells an error."""
    kind = error["type"]
    if kind == "script_exception":
        return "\n".join(error.get("script_stack", []))
    if kind in JAVA:
        return str(error.get("reason"))
    texts = []
    for link in causes(error):
        texts.append(to_string(link))
        if link["type"] in JAVA:  # only OpenSearch's own exceptions go on to tell their cause
            break
    return "; ".join(texts)
