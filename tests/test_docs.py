"""The documentation keeps up with the code: settings, error codes, commands, make targets and links."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import get_commands

import alerts.ticketing.errors
import monitors.errors
from sandbox.paths import PROJECT

READERS = ("oktadetect/settings.py", "gunicorn.conf.py")


def documented(page: str) -> dict[str, str]:
    """Return name → second column of every table row that begins with a name in backquotes."""
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", (PROJECT / page).read_text(), re.MULTILINE)
    return {name: second.strip() for name, second in rows}


def read_in(source: str) -> Iterator[tuple[str, ast.expr | None]]:
    """Each environment variable that a module reads by name, with its default as it is written there."""
    for node in ast.walk(ast.parse((PROJECT / source).read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        reader, first = ast.unparse(node.func.value), node.args[0]
        if reader in {"env", "os.environ"} and isinstance(first, ast.Constant):
            yield str(first.value), node.args[1] if len(node.args) > 1 else None


def sandbox_variables() -> set[str]:
    """What the sandbox and the tests read: they name their variables in capitals, and by a prefix of their own."""
    text = "\n".join(path.read_text() for path in (PROJECT / "sandbox").rglob("*.py"))
    return set(re.findall(r'"(SANDBOX_[A-Z_]+)"', text)) | {"KEEP_WORLD"}


def test_every_setting_is_documented_and_nothing_else() -> None:
    read = {name for source in READERS for name, _ in read_in(source)} | sandbox_variables()
    assert len(read) > 40
    assert set(documented("docs/settings.md")) == read


def test_the_documented_default_is_the_one_in_the_code() -> None:
    told = documented("docs/settings.md")
    compared = 0
    for source in READERS:
        for name, default in read_in(source):
            if not isinstance(default, ast.Constant | ast.List):
                continue
            value = ast.literal_eval(default)
            words = ",".join(value) if isinstance(value, list) else str(value)
            words = words.lower() if isinstance(value, bool) else words
            assert told[name] in ({"empty"} if words == "" else {f"`{words}`"}), name
            compared += 1
    assert compared > 25


@pytest.mark.parametrize("module", [monitors.errors, alerts.ticketing.errors], ids=lambda module: module.__name__)
def test_every_error_code_is_documented_with_what_to_do(module: ModuleType) -> None:
    codes = {one.code for _, one in inspect.getmembers(module, inspect.isclass) if hasattr(one, "code")}
    assert codes
    assert codes <= set(documented("docs/errors.md"))


def test_every_command_is_documented() -> None:
    ours = {name for name, app in get_commands().items() if app in {"core", "monitors", "alerts"}} | {"sandbox", "demo"}
    told = {name.removeprefix("manage.py ").split()[0] for name in documented("docs/commands.md")}
    assert told == ours


def test_every_make_target_says_what_it_does() -> None:
    text = (PROJECT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())
    assert phony == set(re.findall(r"^([a-z-]+):.* ## \S", text, re.MULTILINE))


def pages() -> list[Path]:
    return sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_decision_is_numbered_once_and_says_what_follows() -> None:
    decisions = sorted((PROJECT / "docs/adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        assert all(word in path.read_text() for word in ("**Context.**", "**Decision.**", "**Consequences.**"))
