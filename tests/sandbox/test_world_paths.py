"""Where a world lies follows from who may enter which folder."""

import os
from pathlib import Path

import pytest

from sandbox import paths
from sandbox.processes import SandboxError

STRANGER = 65533  # owns nothing here


def test_a_path_is_reachable_when_every_folder_above_it_may_be_entered(tmp_path: Path) -> None:
    inside = tmp_path / "open" / "inside"
    inside.mkdir(parents=True)
    above = [tmp_path, *tmp_path.parents]
    closed_above = any(not paths.may(STRANGER, folder, 1) for folder in above)

    assert paths.reachable(inside, STRANGER) is not closed_above


def test_a_closed_folder_anywhere_above_makes_a_path_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "may", lambda _uid, path, _wanted: path != Path("/usr"))

    assert not paths.reachable(Path("/usr/bin"), STRANGER)
    assert paths.reachable(Path("/etc"), STRANGER)


def test_a_path_that_is_not_there_yet_is_judged_by_what_is_above_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert not paths.reachable(tmp_path / "not" / "yet", STRANGER)


@pytest.mark.parametrize(("mode", "granted"), [(0o700, False), (0o711, False), (0o755, True), (0o754, False)])
def test_strangers_get_what_the_last_digit_of_the_mode_says(tmp_path: Path, mode: int, granted: bool) -> None:
    tmp_path.chmod(mode)

    assert paths.may(STRANGER, tmp_path, 5) is granted


def test_an_owner_gets_what_the_first_digit_says(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert paths.may(tmp_path.stat().st_uid, tmp_path, 7)


def test_a_folder_of_ours_is_closed_to_others_and_made_once(tmp_path: Path) -> None:
    first = paths.own_folder(tmp_path / "ours", os.geteuid())

    assert first.stat().st_mode & 0o777 == 0o700
    assert paths.own_folder(tmp_path / "ours", os.geteuid()) == first


def test_a_link_that_somebody_laid_in_our_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trap").symlink_to("/etc")

    with pytest.raises(SandboxError, match="belongs to somebody else"):
        paths.own_folder(tmp_path / "trap", os.geteuid())


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()

    with pytest.raises(SandboxError, match="belongs to somebody else"):
        paths.own_folder(tmp_path / "theirs", STRANGER)


def test_sockets_lie_in_a_short_folder_when_the_world_lies_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "reachable", lambda _path, _uid: True)

    shallow = paths.find({"SANDBOX_DIR": "/srv/world"})
    deep = paths.find({"SANDBOX_DIR": "/srv/" + "deep/" * 30})

    assert shallow.sockets == Path("/srv/world/sockets")
    assert shallow.outside is None
    assert len(str(deep.sockets)) < 70
    assert deep.outside in deep.sockets.parents
    assert deep.servers == deep.root


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_what_the_servers_cannot_reach_goes_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "reachable", lambda path, _uid: path != Path("/srv/world"))

    found = paths.find({"SANDBOX_DIR": "/srv/world"})

    assert found.outside is not None
    assert found.servers.parent == found.sockets.parent.parent == found.outside
    assert found.runtime == found.outside / "runtime"
    assert found.records == Path("/srv/world/run")


def test_two_worlds_share_one_folder_outside_when_they_share_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SOCKET_PATH_LIMIT", 10)
    one = paths.find({"SANDBOX_DIR": "/srv/one", "SANDBOX_CACHE_DIR": "/srv/cache"})
    two = paths.find({"SANDBOX_DIR": "/srv/two", "SANDBOX_CACHE_DIR": "/srv/cache"})

    assert one.outside == two.outside
    assert one.sockets != two.sockets


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(SandboxError, match="such-a-thing is missing: `pip install"):
        paths.package_folder("such_a_thing", "such-a-thing")
