"""An index's layout is learnt, shown, and may be corrected; what it cannot serve is said."""

import json
import uuid
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core import clock
from core.models import Activity
from monitors import geoip, opensearch
from monitors.definitions import catalog
from monitors.models import IndexProfile
from monitors.profiles import template_profile
from monitors.services import profiles
from tests.events import failed_sign_in, sign_in
from tests.factories import make_user
from tests.monitors.indexing import index_dynamically

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> IndexProfile:
    return IndexProfile.objects.create(
        pattern="okta-*", learnt=template_profile("okta-*").to_json(), learnt_at=clock.now()
    )


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def test_a_correction_goes_over_what_was_learnt_and_is_history(row: IndexProfile) -> None:
    profiles.correct(row, {"uuid": "event.id"}, by="test")
    assert IndexProfile.objects.get().profile().name("uuid") == "event.id"
    assert Activity.objects.get(action="profile.corrected").data == {"was": {}, "now": {"uuid": "event.id"}}


def test_the_admin_shows_layout_and_takes_corrections(admin: Client, row: IndexProfile) -> None:
    address = f"/admin/monitors/indexprofile/{row.pk}/change/"
    assert "client.geographicalContext.geolocation" in admin.get(address).content.decode()
    admin.post(address, {"corrections": '{"uuid": "event.id"}'})
    assert IndexProfile.objects.get().corrections == {"uuid": "event.id"}


@pytest.mark.parametrize("wrong", ['{"nonsense": "x"}', '["uuid"]', '{"uuid": ""}', '{"uuid": 3}', "{"])
def test_a_correction_of_nothing_known_is_refused(admin: Client, row: IndexProfile, wrong: str) -> None:
    page = admin.post(f"/admin/monitors/indexprofile/{row.pk}/change/", {"corrections": wrong})
    assert page.status_code == 200
    assert IndexProfile.objects.get().corrections == {}


def test_what_an_index_lacks_is_named_for_each_detection() -> None:
    profile = template_profile("okta-*")
    poor = type(profile)(
        pattern="okta-*", names={name: found for name, found in profile.names.items() if name != "client.ipAddress"}
    )
    lacking = {one.detection: one.lacks for one in profiles.serving(poor, set()) if one.lacks}
    assert lacking["password-spray-source"] == ("client.ipAddress",)
    assert "geolocation" in lacking["impossible-travel"][0]
    assert "brute-force-user" not in lacking


def test_event_types_that_were_never_seen_are_named() -> None:
    told = {one.detection: one for one in profiles.serving(template_profile("okta-*"), {"user.session.start"})}
    assert "user.mfa.okta_verify.deny_push" in told["push-fatigue-success"].unseen
    assert told["impossible-travel"].unseen == ()


@pytest.mark.opensearch
def test_check_index_says_what_is_there_and_what_cannot_be_served() -> None:
    name = f"t-{uuid.uuid4().hex[:12]}"
    event = sign_in(clock.now())
    del event["client"]["geographicalContext"]
    index_dynamically(name, [event, failed_sign_in(clock.now())])
    out = StringIO()
    call_command("okta", "check-index", f"{name}-*", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["event_types"] == ["user.session.start"]
    assert told["sample"]["events"] == 2
    assert told["profile"]["names"]["eventType"] == "eventType.keyword"
    assert len(told["detections"]) == len(catalog())
    out = StringIO()
    call_command("okta", "check-index", f"{name}-*", stdout=out)
    assert "blind: push-fatigue-success" in out.getvalue() or "cannot serve push-fatigue-success" in out.getvalue()


@pytest.mark.opensearch
def test_load_indexes_files_once_however_often_and_names_what_is_no_event(tmp_path: Path) -> None:
    call_command("okta", "template", stdout=StringIO())
    at = clock.now() - timedelta(days=900)
    events = [sign_in(at, uuid=f"load-{uuid.uuid4()}") for _ in range(3)]
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(json.dumps(event) for event in events) + "\n\n")
    for _ in range(2):
        out = StringIO()
        call_command("okta", "load", str(file), stdout=out)
        assert "3 events indexed, 0 refused" in out.getvalue()
    opensearch.call("POST", f"/okta-system-log-{at:%Y.%m.%d}/_refresh")
    found = opensearch.search("okta-system-log-*", {"query": {"terms": {"uuid": [event["uuid"] for event in events]}}})
    assert found["hits"]["total"]["value"] == 3
    file.write_text('{"a": 1}\nnonsense\n')
    with pytest.raises(CommandError, match=r"events\.ndjson:2 is no JSON"):
        call_command("okta", "load", str(file), stdout=StringIO())


class Database:
    """What a MaxMind reader is to us."""

    def get(self, address: str) -> object:
        if address == "bad":
            raise ValueError(address)
        if address != "203.0.113.7":
            return None
        place = {
            "city": {"names": {"en": "Paris"}},
            "country": {"names": {"en": "France"}},
            "location": {"latitude": 48.9, "longitude": 2.4},
        }
        return {**place, "autonomous_system_number": 3215, "autonomous_system_organization": "Orange"}


def test_only_what_okta_left_null_is_filled_in() -> None:
    event = sign_in(clock.now(), place={"city": None, "country": "Germany", "geolocation": None}, asn=None)
    filled = geoip.filled(event, Database())  # type: ignore[arg-type]  # all that is asked of it
    assert filled["client"]["geographicalContext"] == {
        "city": "Paris",
        "country": "Germany",
        "geolocation": {"lat": 48.9, "lon": 2.4},
    }
    assert (filled["securityContext"]["asNumber"], filled["securityContext"]["asOrg"]) == (3215, "Carrier")
    assert event["client"]["geographicalContext"]["city"] is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"client": None},
        {"client": {"ipAddress": "bad"}},
        {"client": {"ipAddress": 7}},
        {"client": {"ipAddress": "::1"}},
    ],
)
def test_an_address_that_is_none_or_unknown_changes_nothing(event: dict[str, object]) -> None:
    assert geoip.filled(event, Database()) == event  # type: ignore[arg-type]  # all that is asked of it
