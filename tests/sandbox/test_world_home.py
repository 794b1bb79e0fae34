"""The home of OpenSearch is put together from downloads that are whole."""

import threading
from pathlib import Path

import pytest

from sandbox import opensearch_home
from sandbox.opensearch_home import Download, build
from sandbox.processes import CancelledError, SandboxError


@pytest.fixture
def download(tmp_path: Path) -> Download:
    (tmp_path / "scratch").mkdir()
    return Download(tmp_path / "m2", tmp_path / "scratch", threading.Event())


def test_a_version_that_was_never_tried_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"may be 3\.4\.0 or 3\.8\.0, not 2\.19\.0"):
        build("2.19.0", tmp_path, say=print, cancelled=threading.Event())


def test_a_home_that_is_there_is_used_without_asking_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "opensearch-3.4.0").mkdir()
    monkeypatch.setattr(opensearch_home, "Download", None)

    assert build("3.4.0", tmp_path, say=print, cancelled=threading.Event()) == tmp_path / "opensearch-3.4.0"


def test_a_failed_download_is_tried_again_and_leaves_no_torn_file_behind(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def flaky(_self: Download, _coordinate: str, call: Path) -> str | None:
        nonlocal calls
        calls += 1
        for folder in ("m2", "environment"):
            (call / folder).mkdir(exist_ok=True)
            (call / folder / "thing-1.0.jar").write_text("torn" if calls == 1 else "whole")
        return "connection reset" if calls == 1 else None

    monkeypatch.setattr(Download, "_call", flaky)

    assert [jar.name for jar in download.jars("org.example:thing:1.0")] == ["thing-1.0.jar"]
    assert (download.repository / "thing-1.0.jar").read_text() == "whole"


def test_a_download_that_keeps_failing_says_where_to_look(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Download, "_call", lambda *_: "Checksum mismatch for thing-1.0.jar")

    with pytest.raises(
        SandboxError, match=r"thing:1\.0 could not be downloaded:\nChecksum mismatch(.|\n)*Maven Central"
    ):
        download.jars("org.example:thing:1.0")


def test_a_download_stops_when_the_command_is_cancelled(download: Download) -> None:
    download.cancelled.set()

    with pytest.raises(CancelledError):
        download.jars("org.example:thing:1.0")


def test_of_the_extras_and_modules_only_what_the_node_lacks_is_taken(tmp_path: Path, download: Download) -> None:
    def resolved(coordinate: str) -> list[Path]:
        own = tmp_path / f"{coordinate.split(':')[1]}-1.jar"
        if coordinate == "org.opensearch:opensearch:3.8.0":
            return [own, tmp_path / "jackson-core-2.18.2.jar", tmp_path / "jackson-core-3.0.1.jar"]
        return [own, tmp_path / "jackson-core-2.15.0.jar", tmp_path / "log4j-api-2.21.0.jar"]

    download.jars = resolved  # type: ignore[method-assign]

    lib, modules = opensearch_home._resolve("3.8.0", download, lambda _: None)

    names = [jar.name for jar in lib]
    assert [name for name in names if name.startswith("jackson-core")] == [
        "jackson-core-2.18.2.jar",
        "jackson-core-3.0.1.jar",
    ]
    assert names.count("log4j-api-2.21.0.jar") == 1
    assert [jar.name for jar in modules["geo"]] == ["geo-1.jar"]
