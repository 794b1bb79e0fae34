"""Every body that the real sender was recorded to send is taken, and what cannot be read says why."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.payload import Envelope, Foreign, Unreadable, read

RECORDINGS = Path(__file__).parents[1] / "data" / "alerting"


def recorded() -> list[tuple[str, str]]:
    """Return (file, body) of every request that the receiver got in the recordings."""
    bodies = []
    for path in sorted(RECORDINGS.rglob("*received*.json")):
        content = json.loads(path.read_text())
        bodies += [(path.name, one["b"]) for one in (content if isinstance(content, list) else [content]) if "b" in one]
    return bodies


# Their message templates were made to fail, and what came of them is no JSON: kept, and shown with the reason.
BROKEN = {
    "90-received-query-first_no-ctx.alert.json",
    "91-received-query-second_ctx.alert-set.json",
    "96-received-trigger-error.json",
    "r33-A-brief-noindex-received.json",
}


def test_the_recordings_are_here() -> None:
    assert len(recorded()) >= 60


@pytest.mark.parametrize(("name", "body"), recorded())
def test_a_recorded_body_is_read_or_its_reason_named(name: str, body: str) -> None:
    if name in BROKEN:
        with pytest.raises(Unreadable, match="no valid JSON"):
            read(body.encode())
        return
    if (
        '"oktadetect":1' in body and '"trigger"' not in body
    ):  # from before the envelope named its trigger: nobody here sent it
        with pytest.raises(Unreadable, match=r"no trigger"):
            read(body.encode())
        return
    assert isinstance(read(body.encode()), Envelope | Foreign)


def envelope(**changes: Any) -> dict[str, Any]:
    told = {
        "oktadetect": 1,
        "trigger": "01a2",
        "revision": "1",
        "severity": "2",
        "monitor_id": "m",
        "period_start": "2026-11-24T12:14:30Z",
        "period_end": "2026-11-24T12:15:30.5Z",
        "error": "",
        "results": [],
    }
    return {**told, **changes}


def test_an_envelope_is_typed() -> None:
    message = read(json.dumps(envelope()).encode())
    assert isinstance(message, Envelope)
    assert (message.trigger, message.period_end.microsecond, message.error) == ("01a2", 500_000, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oktadetect": 2}, "version 2"),
        ({"trigger": ""}, "no trigger"),
        ({"trigger": 7}, "no trigger"),
        ({"period_end": "soon"}, "no period"),
        ({"results": None}, "no results"),
        ({"results": ["x"]}, "no results"),
    ],
)
def test_a_wrong_envelope_says_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(json.dumps(envelope(**changes)).encode())


def hit(user: str, at: str = "2026-11-24T12:00:00Z", **changes: Any) -> dict[str, Any]:
    source = {
        "uuid": f"{user}-{at}",
        "published": at,
        "eventType": "user.session.start",
        "actor": {"id": f"00u{user}", "alternateId": user},
    }
    return {"_source": {**source, **changes}}


def ctx(*hits: Any, **changes: Any) -> dict[str, Any]:
    return {
        "monitor": {"name": "Brute"},
        "trigger": {"severity": "1"},
        "results": [{"hits": {"hits": list(hits)}}],
        **changes,
    }


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_articles_body_gives_every_hit_by_entity(wrapped: bool) -> None:
    data = ctx(hit("anna"), hit("bert"), hit("anna", "2026-11-24T11:00:00Z"))
    message = read(json.dumps({"ctx": data} if wrapped else data).encode())
    assert isinstance(message, Foreign)
    assert (message.name, message.severity) == ("Brute", 1)
    assert {group.entity_id: len(group.events) for group in message.groups} == {"00uanna": 2, "00ubert": 1}
    anna = message.groups[0].events
    assert anna[0][0] < anna[1][0]


def test_one_hit_that_cannot_be_placed_does_not_harm_the_others() -> None:
    message = read(
        json.dumps(ctx(hit("anna"), hit("bert", "redacted"), hit("", actor=None), {"_source": 3}, None)).encode()
    )
    assert isinstance(message, Foreign)
    assert [group.entity_id for group in message.groups] == ["00uanna"]
    assert len(message.unread) == 2


def test_an_address_stands_in_for_an_unknown_user() -> None:
    message = read(
        json.dumps(
            ctx(hit("x", actor={"id": "unknown", "alternateId": "unknown"}, client={"ipAddress": "203.0.113.9"}))
        ).encode()
    )
    assert isinstance(message, Foreign)
    assert (message.groups[0].entity_type, message.groups[0].entity_id) == ("ip", "203.0.113.9")


@pytest.mark.parametrize(
    "body", [b"Something happened to bob", b"  7 failures", "Žluťoučký kůň".encode(), b"\xef\xbb\xbfwith a mark"]
)
def test_plain_text_is_a_message(body: bytes) -> None:
    message = read(body)
    assert isinstance(message, Foreign)
    assert message.groups == ()
    assert message.text


def test_a_bare_message_is_its_own_text() -> None:
    message = read(b'{"message": "Brute force on bob"}')
    assert isinstance(message, Foreign)
    assert message.text == "Brute force on bob"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e999999}x',
        b"[" * 200_000,
        b"\xff\xfe\x00",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
    ],
)
def test_what_nobody_can_read_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read(body)
    assert str(refused.value).endswith(".") or "JSON" in str(refused.value)


def test_nul_does_not_reach_the_database() -> None:
    message = read(b'{"message": "a\\u0000b"}')
    assert isinstance(message, Foreign)
    assert message.text == "a\ufffdb"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_whatever_raise_anything_but_unreadable(body: bytes) -> None:
    try:
        read(body)
    except Unreadable:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ctx", "results", "hits", "_source", "actor", "id", "published", "monitor", "oktadetect", "message"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_shape_of_json_raises_anything_but_unreadable(data: Any) -> None:
    try:
        read(json.dumps(data).encode())
    except Unreadable:
        pass
