"""A rendered monitor is a pure function, and nothing that a person typed leaves its place."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors import rendering
from monitors.definitions import catalog, detection
from monitors.errors import DefinitionError, MissingField
from monitors.profiles import template_profile
from monitors.rendering import Inputs, content_hash, inert, monitor, plain_search

CHANNEL: dict[str, Any] = {"channel_id": "c", "revision": 3, "enabled": True, "enabled_time_ms": 0}


def inputs(detection_id: str = "impossible-travel", **params: Any) -> Inputs:
    definition = detection(detection_id)
    return Inputs(
        definition, params, template_profile("okta-system-log-*"), "uuid-1", "Travel", definition.severity, 60
    )


@pytest.mark.parametrize("detection_id", list(catalog()))
def test_the_same_input_gives_the_same_bytes_within_what_a_monitor_may_hold(detection_id: str) -> None:
    one, other = (json.dumps(monitor(inputs(detection_id), **CHANNEL)) for _ in range(2))
    assert one == other
    assert len(json.dumps(monitor(inputs(detection_id), **CHANNEL)["inputs"])) < rendering.MAX_SEARCH_BYTES


def test_identity_stands_in_the_trigger_and_revision_and_hash_in_ui_metadata() -> None:
    body = monitor(inputs(), **CHANNEL)
    trigger = body["triggers"][0]["query_level_trigger"]
    assert (trigger["id"], trigger["name"], trigger["actions"][0]["id"]) == ("uuid-1", "3", "post-uuid-1")
    note = body["ui_metadata"]["oktadetect"]
    assert (note["monitor"], note["revision"], note["hash"]) == ("uuid-1", 3, content_hash(inputs()))
    assert (note["detection"], note["params"]) == (inputs().definition.id, inputs().definition.values(inputs().params))


def test_condition_and_message_are_the_same_for_all_monitors_of_a_shape() -> None:
    texts: dict[str, set[str]] = {"program": set(), "match": set()}
    for definition in catalog().values():
        trigger = monitor(inputs(definition.id), **CHANNEL)["triggers"][0]["query_level_trigger"]
        texts[definition.shape].add(
            trigger["condition"]["script"]["source"] + trigger["actions"][0]["message_template"]["source"]
        )
    assert {shape: len(found) for shape, found in texts.items()} == {"program": 1, "match": 1}


def test_what_varies_enters_scripts_through_params_alone() -> None:
    loose, strict = (monitor(inputs(max_kmh=value), **CHANNEL)["inputs"][0]["search"]["query"] for value in (900, 1000))
    metric = "aggregations", "f", "scripted_metric"
    for one, other in ((loose, strict),):
        for step in metric:
            one, other = one[step], other[step]
        assert {name: script for name, script in one.items() if name != "params"} == {
            name: script for name, script in other.items() if name != "params"
        }
        assert (one["params"]["kmh"], other["params"]["kmh"]) == (900, 1000)


def test_no_script_text_holds_an_opening_tag_of_mustache() -> None:
    for path in rendering.PAINLESS.glob("*.painless"):
        assert "{{" not in path.read_text(), path.name


def test_the_hash_leaves_out_revision_time_and_channel_and_holds_all_else() -> None:
    base = inputs()
    assert content_hash(base) == content_hash(inputs())
    changed = [
        inputs(max_kmh=901),
        inputs(trusted_zones=["VPN"]),
        replace(base, severity=1),
        replace(base, interval_seconds=120),
        replace(base, name="Other"),
        replace(base, profile=template_profile("other-*")),
        replace(base, beat_seconds=60),
    ]
    assert len({content_hash(base), *(content_hash(one) for one in changed)}) == len(changed) + 1


def test_a_long_list_is_refused_before_the_plugin_would_fail_each_run() -> None:
    groups = [f"00g{number:017d}" for number in range(4_000)]
    with pytest.raises(DefinitionError, match="a monitor may hold 65535"):
        monitor(inputs("privileged-group-add", groups=groups), **CHANNEL)


def test_an_index_without_a_needed_field_is_refused_by_name() -> None:
    profile = replace(template_profile("poor-*"), point=None)
    with pytest.raises(MissingField, match="geolocation"):
        monitor(replace(inputs(), profile=profile), **CHANNEL)


def test_one_engines_field_that_lacks_leaves_the_other_engine_served() -> None:
    profile = template_profile("classic-*")
    names = {name: found for name, found in profile.names.items() if "pushOnlyResponseType" not in name}
    body = monitor(replace(inputs("push-fatigue-success"), profile=replace(profile, names=names)), **CHANNEL)
    text = json.dumps(body)
    assert "user.mfa.okta_verify.deny_push" in text
    assert "OV_RESPONSE" not in text


def test_a_plain_search_holds_no_mustache_and_names_its_part() -> None:
    body = plain_search(inputs(trusted_zones=["a{{b"]), end_ms=1_000, part=1, parts=4)
    params = body["aggregations"]["f"]["scripted_metric"]["params"]
    assert (params["end"], params["part"], params["parts"]) == ("1000", 1, 4)
    assert "{{period_end}}" not in json.dumps(body)
    assert "a{{b" in json.dumps(body)


def test_seconds_and_minutes_are_told_as_the_plugin_takes_them() -> None:
    periods = [
        monitor(replace(inputs(), interval_seconds=seconds), **CHANNEL)["schedule"]["period"]
        for seconds in (10, 60, 3600)
    ]
    assert periods == [
        {"interval": 10, "unit": "SECONDS"},
        {"interval": 1, "unit": "MINUTES"},
        {"interval": 60, "unit": "MINUTES"},
    ]


def mustache(text: str) -> str:
    """Render a template as the plugin's mustache does, for what `inert` may leave in it: delimiter changes and plain text."""
    out, opening, closing = [], "{{", "}}"
    while True:
        before, tag, rest = text.partition(opening)
        out.append(before)
        if not tag:
            return "".join(out)
        name, end, text = rest.partition(closing)
        assert end, "a tag is left open"
        assert name.startswith("="), f"a tag is left: {name!r}"
        assert name.endswith("="), f"a tag is left: {name!r}"
        opening, closing = name[1:-1].split()


@given(st.text(alphabet=st.sampled_from("{}<%>=/# ab\"'\\\n"), max_size=40) | st.text(max_size=60))
def test_whatever_was_typed_comes_back_as_typed_from_mustache(typed: str) -> None:
    assert mustache(inert(typed)) == typed


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_no_typed_value_changes_anything_but_its_own_place(zones: list[str]) -> None:
    typed, plain = (
        monitor(inputs(trusted_zones=value), **CHANNEL)["inputs"][0]["search"]["query"]
        for value in (zones, ["x"] * len(zones))
    )
    path = typed["query"]["bool"]["filter"][3]["bool"]["must_not"][0]["terms"]
    assert path["client.zone"] == [inert(zone.strip()) for zone in zones]
    path["client.zone"] = ["x"] * len(zones)
    assert typed == plain
