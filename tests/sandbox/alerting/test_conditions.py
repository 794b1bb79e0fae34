"""A condition sees exactly what the search gave, and its own params."""

import json
from typing import Any

import pytest

from sandbox.alerting import conditions, templates
from sandbox.alerting.node import Node
from tests.sandbox.alerting.recordings import load

pytestmark = pytest.mark.opensearch

RESULT: dict[str, Any] = {
    "big": 9007199254740993,
    "huge": 12345678901234567890123,
    "double": 0.1,
    "large": 1e20,
    "small": 1e-7,
    "whole": 1.0,
    "nan": "NaN",
    "infinity": "-Infinity",
    "none": None,
    "text": 'a"b\\c\u0000\u2028🙂<script>{{7*7}}',
    "list": [1, None, "x", {"deep": [[]]}],
}
CTX: dict[str, Any] = {"results": [RESULT], "periodStart": 1795522470000, "periodEnd": 1795522530000, "alert": None}


@pytest.fixture
def node(opensearch_node_url: str) -> Node:
    return Node(opensearch_node_url)


@pytest.mark.parametrize(
    "source",
    [
        "def v=ctx.results[0]; return v.big==9007199254740993L && v.big instanceof Long",
        "ctx.results[0].huge.toString().equals('12345678901234567890123')",
        "def v=ctx.results[0]; return v.double==0.1 && v.large==1e20 && v.small==1e-7 && v.whole instanceof Double",
        "def v=ctx.results[0]; return v.nan=='NaN' && v.infinity=='-Infinity' && v.none==null",
        "ctx.results[0].text.length()==24 && ctx.results[0].list[3].deep[0].size()==0",
        "ctx.periodEnd.toEpochMilli()-ctx.periodStart.toEpochMilli()==60000L && ctx.error==null && ctx.alert==null",
        "params.beat==300000 && params.ctx=='mine' && ctx.results.size()==1",
        "ctx.periodEnd.toEpochMilli()/params.beat!=ctx.periodStart.toEpochMilli()/params.beat",
    ],
)
def test_a_condition_holds_of_exact_values(source: str, node: Node) -> None:
    script = {"source": source, "params": {"beat": 300_000, "ctx": "mine"}}
    assert conditions.holds(node, script, CTX, None)


def test_a_condition_without_an_answer_does_not_hold(node: Node) -> None:
    assert not conditions.holds(node, {"source": "if(ctx.results.size()>5) return true"}, CTX, None)


def test_an_error_of_the_search_can_be_asked_and_rethrown(node: Node) -> None:
    error = {"type": "search_phase_execution_exception", "reason": "all shards failed", "phase": "query"}
    empty = {**CTX, "results": []}
    assert conditions.holds(node, {"source": "ctx.error.getMessage()=='all shards failed'"}, empty, error)
    with pytest.raises(conditions.ConditionError) as thrown:
        conditions.holds(node, {"source": "if(ctx.error!=null) throw ctx.error; return true"}, empty, error)
    assert thrown.value.error["caused_by"] == error


def test_the_prelude_shows_in_no_error(node: Node) -> None:
    for source in (
        "int x = ; true",
        "return ctx.results[0].none.size()>0",
        "throw new Exception('x'); // " + "é" * 300,
    ):
        with pytest.raises(conditions.ConditionError) as thrown:
            conditions.holds(node, {"source": source}, CTX, None)
        assert conditions.CTX not in thrown.value.text()
        assert "HashMap" not in thrown.value.text()
        assert json.loads(thrown.value.text())["position"]["offset"] <= len(source)


class Throwing(Node):
    """A node that answers with one error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__("http://127.0.0.1:1")
        self._error = error

    def call(self, *_args: Any, **_options: Any) -> tuple[int, Any]:
        return 400, {"error": self._error, "status": 400}


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("75-exec-ctx-tojson-with-error", []),
        ("27-exec-bad-painless", []),
        ("window-programs/r22-cond-plain-noindex-execute", []),
        (
            "window-programs/r24-badpainless-faultcond-execute",
            ["java.base/java.util.Collections$EmptyList.get(Unknown Source)"],
        ),
    ],
)
def test_an_error_is_told_word_by_word_as_recorded(name: str, frames: list[str]) -> None:
    (trigger,) = load(name)["response"]["body"]["trigger_results"].values()
    recorded = json.loads(trigger["error"])
    ahead = len(conditions.PRELUDE)
    position = {edge: offset + ahead for edge, offset in recorded["position"].items()}
    reason = recorded["caused_by"]["reason"].replace(conditions.EMPTY_LIST.format(0), "Index: 0")
    stack = [*frames, "the text around", "    ^---- HERE"]
    cause = {**recorded["caused_by"], "reason": reason}
    error = {**recorded, "script_stack": stack, "script": "def ctx ...", "position": position, "caused_by": cause}
    with pytest.raises(conditions.ConditionError) as thrown:
        conditions.holds(Throwing(error), {"source": recorded["script"]}, CTX, None)
    assert thrown.value.text() == trigger["error"]


def test_a_template_gives_exact_values_back(node: Node) -> None:
    rendered = templates.render(node, "{{#toJson}}v{{/toJson}}", {"v": RESULT})
    assert json.loads(rendered) == RESULT
    assert templates.render(node, "plain {{v.text}}\n", {"v": {"text": 'a"b'}}) == 'plain a\\"b\n'
    assert templates.render(node, "", {}) == templates.render(node, "{{nothing}}", {}) == ""
