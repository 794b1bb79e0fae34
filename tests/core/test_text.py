"""What others wrote is kept and shown as text, whatever is in it."""

import pytest

from core.text import controls_shown, few, storable, whole_number


@pytest.mark.parametrize("control", ["\u202a", "\u202e", "\u2066", "\u2069", "\x00", "\x07", "\x1b", "\x7f", "\x9b"])
def test_controls_are_written_out(control: str) -> None:
    assert controls_shown(f"a{control}b") == f"a[U+{ord(control):04X}]b"


@pytest.mark.parametrize("text", ["שלום", "مرحبا", "a\tb\nc", "Zoë 😀"])
def test_letters_and_white_space_stay(text: str) -> None:
    assert controls_shown(text) == text
    assert storable(text) == text


def test_what_postgres_cannot_keep_is_replaced_at_any_depth() -> None:
    assert storable({"a\x00": ["x\ud800y", {"b": "\udfff"}, 1, None]}) == {
        "a\ufffd": ["x\ufffdy", {"b": "\ufffd"}, 1, None]
    }


@pytest.mark.parametrize(("text", "number"), [("17", 17), ("", None), ("-1", None), ("1e3", None), ("9" * 5_000, None)])
def test_a_number_that_a_form_names_is_one_that_a_database_holds(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a, b"),
        (("a", "b", "c"), "a, b and 1 more"),
        (tuple("abcde"), "a, b and 3 more"),
    ],
)
def test_of_many_values_a_few_are_named_and_the_others_counted(values: tuple[str, ...], words: str) -> None:
    assert few(values, 2) == words
