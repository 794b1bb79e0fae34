"""What is left out is left out in every layout, and nothing else is; long lists are looked up."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from monitors import opensearch, rendering
from monitors.definitions import detection
from monitors.errors import DefinitionError
from monitors.exclusions import LISTS_INDEX, LONG, Condition, Exclusion, clause, documents
from monitors.models import Exclusion as Row
from monitors.profiles import Profile, learn, template_profile
from monitors.rendering import Inputs
from monitors.services import push, revisions, search
from tests.events import failed_sign_in
from tests.factories import make_monitor
from tests.monitors.indexing import index_by_template, index_dynamically

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def user(*values: str) -> Exclusion:
    return Exclusion((Condition("user", values),))


def inputs(profile: Profile, *exclusions: Exclusion) -> Inputs:
    definition = detection("brute-force-user")
    return Inputs(definition, {}, profile, "u", "n", 3, 60, exclusions=exclusions)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], "everything"),
        ([{"kind": "mood", "values": ["x"]}], "cannot be about 'mood'"),
        ([{"kind": "user", "values": []}], "names no values"),
        ([{"kind": "user", "values": [3]}], "names no values"),
        ([{"kind": "user"}], "names no values"),
    ],
)
def test_an_exclusion_that_says_nothing_is_refused(conditions: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        Exclusion.from_json(conditions)


def test_conditions_are_joined_by_and() -> None:
    both = Exclusion((Condition("user", ("anna",)), Condition("zone", ("Office",))))
    told = clause(both, template_profile("okta-*"))
    assert told is not None
    assert len(told["bool"]["must_not"][0]["bool"]["filter"]) == 2


def test_an_exclusion_about_what_the_index_lacks_leaves_nothing_out() -> None:
    assert clause(user("anna"), Profile("okta-*", {})) is None


def test_exclusions_are_part_of_the_hash_and_of_the_revision() -> None:
    profile = template_profile("okta-*")
    assert rendering.content_hash(inputs(profile)) != rendering.content_hash(inputs(profile, user("anna")))


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=4))
def test_no_excluded_value_leaves_its_place(values: list[str]) -> None:
    profile = template_profile("okta-*")
    rendered = [
        rendering.monitor(inputs(profile, user(*told)), channel_id="c", revision=1, enabled=True, enabled_time_ms=0)
        for told in (values, ["x"] * len(values))
    ]
    typed, plain = (one["inputs"][0]["search"]["query"]["query"]["bool"]["filter"] for one in rendered)
    for one, wanted in ((typed, values), (plain, ["x"] * len(values))):
        clauses = one[-1]["bool"]["must_not"][0]["bool"]["should"]
        assert [next(iter(told["terms"].values())) for told in clauses] == [
            [rendering.inert(value) for value in wanted]
        ] * 2
    assert typed[:-1] == plain[:-1]


def test_a_long_list_stays_out_of_the_search() -> None:
    names = tuple(f"user{number}@example.com" for number in range(20_000))
    body = rendering.monitor(
        inputs(template_profile("okta-*"), user(*names)), channel_id="c", revision=1, enabled=True, enabled_time_ms=0
    )
    assert len(json.dumps(body)) < 20_000
    assert [len(values) for values in documents([user(*names)]).values()] == [20_000]
    assert documents([user(*names[:LONG])]) == {}


def failures(name: str) -> list[dict[str, Any]]:
    return [failed_sign_in(NOON - timedelta(minutes=50 - step), user=name) for step in range(20)]


@pytest.mark.opensearch
@pytest.mark.parametrize("layout", [index_by_template, index_dynamically])
def test_who_is_excluded_is_not_found_and_others_are(layout: Any) -> None:
    pattern = layout(f"t-{uuid.uuid4().hex[:12]}", [*failures("anna"), *failures("bert"), *failures("carl")])
    rendered = inputs(learn(pattern, opensearch.field_caps(pattern)), user("anna@example.com"), user("00ubert"))
    answer = search.run(rendered, end_ms=clock.to_ms(NOON))
    assert answer.whole
    assert [finding.entity_id for finding in answer.findings] == ["00ucarl"]


@pytest.mark.opensearch
@pytest.mark.django_db(transaction=True)
def test_twenty_thousand_exclusions_are_pushed_run_and_leave_the_rest() -> None:
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [*failures("anna"), *failures("bert")])
    monitor = make_monitor(deployed=False, index_pattern=pattern, interval_seconds=3600)
    names = ["anna@example.com", *(f"user{number}@example.com" for number in range(20_000))]
    Row.objects.create(monitor=monitor, conditions=[{"kind": "user", "values": names}], reason="service accounts")
    revisions.save(monitor, by="test")
    deployment = push.push(monitor, by="test")
    path = f"{opensearch.MONITORS}/{deployment.opensearch_id}/_execute"
    ran = opensearch.call("POST", path, params={"dryrun": "true", "period_end": f"{clock.to_ms(NOON)}ms"}, timeout=60)
    assert ran["error"] is None
    found = ran["input_results"]["results"][0]["aggregations"]["f"]["value"]["findings"]
    assert [finding["entity"] for finding in found] == ["00ubert"]
    opensearch.delete_monitor(deployment.opensearch_id)
    assert opensearch.call("GET", f"/{LISTS_INDEX}/_count")["count"] >= 1


@pytest.mark.django_db
def test_an_exclusion_that_has_run_out_is_no_longer_in_force_and_changes_the_revision() -> None:
    monitor = make_monitor()
    row = Row.objects.create(monitor=monitor, conditions=[{"kind": "user", "values": ["anna"]}], reason="test")
    first = revisions.save(monitor, by="test")
    assert [one["conditions"] for one in first.inputs["exclusions"]] == [[{"kind": "user", "values": ["anna"]}]]
    Row.objects.filter(pk=row.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    second = revisions.save(monitor, by="test")
    assert (second.number, second.inputs["exclusions"]) == (2, [])
    assert revisions.inputs_of(monitor).exclusions == ()


def test_emit_is_told_to_the_search_alone() -> None:
    base = inputs(template_profile("okta-*"))
    assert replace(base, emit_seconds=60).emit_ms == 60_000
