"""A monitor in a sentence: every detection of the catalogue has one, and its numbers are the parameters."""

import pytest

from monitors import told
from monitors.definitions import catalog, detection


def test_every_detection_has_words_and_no_words_are_without_a_detection() -> None:
    assert set(told.templates()) == set(catalog())


@pytest.mark.parametrize("name", sorted(catalog()))
def test_a_sentence_reads_whole_and_names_every_limit(name: str) -> None:
    definition = detection(name)
    pieces = told.sentence(definition, definition.values({}))
    text = "".join(piece.text for piece in pieces)
    assert not set("{}|") & set(text)
    assert text[0].isupper() or text[0].isdecimal()
    assert len(text) < 200
    numbers = {key for key, parameter in definition.parameters.items() if parameter.type != "list"}
    assert numbers <= {piece.parameter for piece in pieces}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("push-fatigue-success", {}, "5 refused pushes, then a success, by one user within 10 minutes"),
        ("push-fatigue-success", {"refusals": 1, "window_minutes": 1}, "1 refused push, then a success, by one user within 1 minute"),
        ("impossible-travel", {}, "Two sign-ins of one user more than 500 km apart, at more than 900 km/h, within 24 hours"),
        ("enrolment-shared-device", {}, "2 users enrolled on one device within 7 days"),
        ("privileged-group-add", {"groups": ["A", "B", "C", "D"]}, "Somebody becomes a member of A, B, C and 1 more"),
        ("admin-console-denied", {"trusted_zones": ["Office"]}, "Somebody is kept out of the Admin Console; trusted zones: Office"),
    ],
)  # fmt: skip
def test_the_words_agree_with_the_values(name: str, changes: dict[str, object], words: str) -> None:
    definition = detection(name)
    assert told.plain(definition, definition.values(changes)) == words


def test_a_value_that_is_not_the_default_is_known() -> None:
    definition = detection("push-fatigue-success")
    pieces = told.sentence(definition, definition.values({"refusals": 12}))
    assert [(piece.text, piece.is_default) for piece in pieces if piece.parameter] == [
        ("12", False),
        ("10 minutes", True),
    ]
