"""What `_field_caps` says of an index becomes the names that searches use."""

from typing import Any

import pytest

from monitors.errors import MissingField
from monitors.profiles import GEOLOCATION, Profile, lacks, learn, moved, template_profile, used


def caps(**fields: str) -> dict[str, dict[str, Any]]:
    return {name.replace("__", "."): {kind: {} for kind in kinds.split("|")} for name, kinds in fields.items()}


def test_without_an_index_the_layout_is_our_templates() -> None:
    assert learn("okta-*", {"_id": {"_id": {}}}) == template_profile("okta-*")


def test_a_text_field_is_asked_by_its_keyword() -> None:
    profile = learn("okta-*", caps(eventType="text", eventType__keyword="keyword", published="date"))
    assert profile.name("eventType") == "eventType.keyword"
    assert profile.name("published") == "published"


def test_a_text_field_without_keyword_cannot_be_asked_exactly() -> None:
    profile = learn("okta-*", caps(eventType="keyword", actor__id="text"))
    with pytest.raises(MissingField, match=r"actor\.id"):
        profile.name("actor.id")


def test_a_prefix_is_found_by_the_event_type() -> None:
    fields = caps(detail__eventType="text", detail__eventType__keyword="keyword", detail__actor__id="keyword")
    profile = learn("bus-*", fields)
    assert profile.prefix == "detail."
    assert profile.name("actor.id") == "detail.actor.id"
    assert profile.unwrap({"detail": {"eventType": "x"}}) == {"eventType": "x"}


def test_places_are_a_point_or_two_floats_or_lack() -> None:
    point = learn("a-*", {**caps(eventType="keyword"), GEOLOCATION: {"geo_point": {}}})
    floats = learn(
        "b-*", {**caps(eventType="keyword"), f"{GEOLOCATION}.lat": {"float": {}}, f"{GEOLOCATION}.lon": {"float": {}}}
    )
    neither = learn("c-*", caps(eventType="keyword"))
    assert (point.point, point.lat) == (GEOLOCATION, None)
    assert (floats.point, floats.lat) == (None, f"{GEOLOCATION}.lat")
    assert lacks(neither, [GEOLOCATION]) == [GEOLOCATION]


def test_fields_of_two_types_on_different_days_are_named() -> None:
    profile = learn("okta-*", caps(eventType="keyword", client__ipAddress="ip|keyword"))
    assert profile.conflicts == ("client.ipAddress",)


def test_a_profile_survives_being_stored() -> None:
    profile = learn("okta-*", caps(eventType="text", eventType__keyword="keyword", client__ipAddress="ip|text"))
    assert Profile.from_json(profile.to_json()) == profile


def test_a_search_uses_the_names_that_stand_in_it_and_no_others() -> None:
    profile = learn(
        "okta-*",
        {**caps(eventType="text", eventType__keyword="keyword", actor__id="keyword"), GEOLOCATION: {"geo_point": {}}},
    )
    text = f"doc['{GEOLOCATION}'] of {{\"eventType.keyword\": 1}} and target.actor.id"
    assert used(profile, text) == {"eventType": "eventType.keyword", GEOLOCATION: GEOLOCATION}


@pytest.mark.parametrize(
    ("layout", "now", "expected"),
    [
        ({"actor.id": "actor.id"}, caps(actor__id="keyword"), []),
        ({"actor.id": "actor.id"}, caps(actor__id="text", actor__id__keyword="keyword"), ["actor.id"]),
        ({"actor.id": "actor.id"}, caps(actor__id="keyword|text"), ["actor.id"]),  # of one day's index
        ({"actor.id": "actor.id.keyword"}, caps(actor__id="keyword"), ["actor.id"]),
        ({"actor.id": "actor.id.keyword"}, caps(actor__id="text", actor__id__keyword="keyword"), []),
        ({"device.id": "device.id"}, caps(actor__id="keyword"), []),  # no event had one yet
        ({"client.ipAddress": "client.ipAddress"}, caps(client__ipAddress="ip|keyword"), []),
        ({"published": "published"}, caps(published="date"), []),
        ({"published": "published"}, caps(published="text"), ["published"]),
        ({GEOLOCATION: GEOLOCATION}, {GEOLOCATION: {"geo_point": {}}}, []),
        ({GEOLOCATION: GEOLOCATION}, {f"{GEOLOCATION}.lat": {"float": {}}}, [GEOLOCATION]),
    ],
)
def test_a_field_has_moved_where_its_name_no_longer_holds_exact_values(
    layout: dict[str, str], now: dict[str, Any], expected: list[str]
) -> None:
    assert moved(layout, now) == expected
