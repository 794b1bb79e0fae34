"""The picture of who gave what to whom: read off the events of the catalogue's own tests, drawn, and told on the page."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from alerts.gifts import Gift, gifts
from alerts.models import Alert
from alerts.views.grants import BOX_HEIGHT, BOX_WIDTH, MAX_DRAWN, Graph, graph
from core import clock
from monitors import facts
from monitors.findings import when
from monitors.models import find_detection
from monitors.proving import cases, event
from tests.factories import ago, make_alert, make_event, make_evidence, make_travel_alert

pytestmark = pytest.mark.django_db

REVOKE = {
    "type": "user.account.privilege.grant",
    "targets": ["user:bert", "ROLE_UNASSIGNED:ROLE_UNASSIGNED", "role:Super administrator"],
}
SELF_GRANT = {"type": "user.account.privilege.grant", "targets": ["user:anna", "role:Super administrator"]}
LONG = "👩‍💻<script>alert(1)</script>" * 20


def whole(told: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    return event({"at": "-1m", **told}, ago(minutes=30 - number), f"e{number}")


def short(full: Mapping[str, Any]) -> dict[str, Any]:
    at = when(full["published"])
    assert at is not None
    return {"t": clock.to_ms(at), "uuid": full["uuid"], **facts.shown(full)}


def words(*told: Mapping[str, Any]) -> list[str]:
    events = [whole(one, number) for number, one in enumerate(told)]
    return [gift.words for gift in gifts([short(one) for one in events], events, {})]


def drawn(*told: Mapping[str, Any], detection: str = "indirect-self-grant") -> Graph:
    events = [whole(one, number) for number, one in enumerate(told)]
    picture = graph(make_alert(detection_id=detection), [short(one) for one in events], events, {})
    assert picture is not None
    return picture


def self_grant(**fields: Any) -> Alert:
    full = whole(SELF_GRANT)
    alert = make_alert(
        **{"detection_id": "admin-role-granted", "observed": facts.of_event(full), "events": [short(full)], **fields}
    )
    make_evidence(alert.occurrences.get(), [full])
    return alert


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (SELF_GRANT, "anna@example.com gave Super administrator to themself."),
        (
            {"type": "group.privilege.grant", "targets": ["group:Support", "role:Help desk administrator"]},
            "anna@example.com gave Help desk administrator to Support.",
        ),
        (
            {"type": "group.user_membership.add", "targets": ["user:bert", "group:Domain Admins"]},
            "anna@example.com gave Domain Admins to bert@example.com.",
        ),
        (
            {"type": "iam.role.permissions.add", "targets": ["CUSTOM_ROLE:cr01:Help desk plus", "PERMISSION:p1:okta.users.manage"]},
            "anna@example.com gave okta.users.manage to Help desk plus.",
        ),
        (
            {"type": "app.oauth2.admin.consent.grant", "targets": ["PublicClientApp:0oa1:Reporting", "scope:s1:okta.users.manage"]},
            "anna@example.com gave okta.users.manage to Reporting.",
        ),
        ({"type": "system.api_token.create", "targets": ["Token:00T1:SIEM"]}, "anna@example.com gave SIEM."),
        ({"type": "user.session.impersonation.grant"}, "anna@example.com gave access for Okta support."),
        (
            {"type": "user.account.privilege.grant", "result": "FAILURE", "targets": ["user:bert"]},
            "anna@example.com tried to give an administrator role to bert@example.com.",
        ),
        (REVOKE, "anna@example.com took Super administrator from bert@example.com."),
    ],
)  # fmt: skip
def test_a_whole_event_says_who_gave_what_to_whom(told: dict[str, Any], said: str) -> None:
    assert words(told) == [said]


def test_an_event_that_gives_nothing_is_no_gift() -> None:
    assert words({"type": "user.session.start"}, SELF_GRANT) == [
        "anna@example.com gave Super administrator to themself."
    ]


@pytest.mark.parametrize(
    "detection",
    ["admin-role-granted", "privileged-group-add", "oauth-client-privilege", "super-admin-revoked", "indirect-self-grant"],
)  # fmt: skip
def test_what_the_detections_of_grants_fire_on_is_drawn(detection: str) -> None:
    for case in cases(find_detection(detection), clock.now()):
        if case.fires:
            events = list(case.events)
            picture = graph(make_alert(detection_id=detection), [short(one) for one in events], events, {})
            assert picture is not None, case.name
            assert all(gift.receiver for gift in picture.gifts), case.name


def test_without_whole_events_what_was_observed_tells_the_rest() -> None:
    full = whole(SELF_GRANT)
    (gift,) = gifts([short(full)], [], facts.of_event(full))
    assert gift.words == "anna@example.com gave Super administrator to themself."
    assert gift.to_themself


def test_who_receives_and_is_not_named_is_not_made_up() -> None:
    (gift,) = gifts([{"type": "group.user_membership.add", "user": "anna@example.com"}], [], {"receiver": "somebody"})
    assert gift.receiver is None
    assert gift.words == "anna@example.com gave a membership."


@pytest.mark.parametrize(
    "told", [None, {}, "text", {"type": ["x"]}, {"type": "group.privilege.grant", "t": "x", "user": {"a": 1}}]
)
def test_odd_events_make_odd_pictures_and_no_fault(told: Any) -> None:
    assert all(isinstance(gift, Gift) for gift in gifts([told], [told], {"roles": ["x"], "receiver": 7}))


def test_a_grant_to_oneself_is_a_loop_and_no_third_box() -> None:
    picture = drawn(SELF_GRANT, detection="admin-role-granted")
    assert [box.name for box in picture.boxes] == ["anna@example.com", "Super administrator"]
    assert [(edge.words, edge.loops) for edge in picture.edges] == [("gave", False), ("to themself", True)]


def test_a_grant_to_oneself_through_a_group_comes_back_through_the_group() -> None:
    picture = drawn(
        {"type": "group.privilege.grant", "targets": ["group:Support", "role:Super administrator"]},
        {"type": "group.user_membership.add", "user": "bert", "targets": ["user:anna", "group:Support"]},
    )
    assert [box.name for box in picture.boxes] == [
        "anna@example.com",
        "Super administrator",
        "Support",
        "bert@example.com",
    ]
    assert [edge.words for edge in picture.edges if edge.loops] == ["to anna@example.com"]


def test_boxes_never_lie_on_one_another_and_within_the_picture() -> None:
    picture = drawn(
        *({"type": "group.privilege.grant", "user": f"u{number % 3}", "targets": [f"group:G{number}", f"role:R{number % 2}"]}
          for number in range(MAX_DRAWN)),
        {"type": "group.user_membership.add", "targets": ["user:u1", "group:G1"]},
    )  # fmt: skip
    for number, box in enumerate(picture.boxes):
        assert 0 <= box.x <= picture.width - BOX_WIDTH
        assert 0 <= box.y <= picture.height - BOX_HEIGHT
        for other in picture.boxes[:number]:
            assert abs(box.x - other.x) >= BOX_WIDTH or abs(box.y - other.y) >= BOX_HEIGHT
    assert picture.left_out == 1
    assert len(picture.gifts) == MAX_DRAWN + 1


def test_the_same_grant_twice_is_drawn_once_and_stands_twice_in_the_table() -> None:
    picture = drawn(SELF_GRANT, SELF_GRANT, detection="admin-role-granted")
    assert len(picture.boxes) == 2
    assert len(picture.gifts) == 2


def test_a_time_between_two_events_is_told_in_hours_and_minutes(client: Client) -> None:
    alert = make_alert(detection_id="indirect-self-grant", observed={"seconds": 7260}, limits={})
    assert "2 h 1 min" in client.get(f"/alerts/{alert.pk}/").content.decode()


def test_long_and_hostile_names_are_fitted_and_inert(client: Client) -> None:
    full = whole({"type": "group.privilege.grant", "targets": [f"group:{LONG}", f"role:{LONG}"]})
    full["actor"]["alternateId"] = LONG
    alert = make_alert(detection_id="admin-role-granted", events=[short(full)])
    make_evidence(alert.occurrences.get(), [full])
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert "<script>alert(1)" not in page
    assert [len(box.lines) for box in graph_of(full).boxes] == [2, 2, 2]
    assert all(box.lines[1].endswith("…") for box in graph_of(full).boxes)


def test_a_name_is_broken_where_it_has_a_sign_for_it() -> None:
    for user, lines in {
        "root.admin": ["root.admin@", "example.com"],
        "root.admin.of.berlin": ["root.admin.of.", "berlin@example.com"],
    }.items():
        full = whole({"type": "group.privilege.grant", "user": user, "targets": ["group:Support"]})
        assert graph_of(full).boxes[0].lines == lines


def graph_of(full: Mapping[str, Any]) -> Graph:
    picture = graph(make_alert(detection_id="admin-role-granted"), [short(full)], [full], {})
    assert picture is not None
    return picture


def test_the_page_draws_it_with_a_description_and_a_table(client: Client) -> None:
    page = client.get(f"/alerts/{self_grant().pk}/").content.decode()
    told = page.split('class="grants"')[1].split("</section>")[0]
    assert '<desc id="grants-desc">anna@example.com gave Super administrator to themself.</desc>' in told
    assert told.count("<tr>") == 2
    assert "<b>themself</b>" in told


@pytest.mark.parametrize(
    "alert",
    [make_travel_alert, lambda: self_grant(detection_id="brute-force-user"), lambda: self_grant(detection_id=""),
     lambda: make_alert(detection_id="admin-role-granted", events=[make_event()])],
    ids=["travel", "another detection", "no detection", "no grant among its events"],
)  # fmt: skip
def test_what_is_no_grant_is_not_drawn(client: Client, alert: Any) -> None:
    assert 'class="grants"' not in client.get(f"/alerts/{alert().pk}/").content.decode()
