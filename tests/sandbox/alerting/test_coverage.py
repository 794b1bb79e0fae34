"""Every recording is replayed, or it is said why not, here and in the guide."""

import re
from pathlib import Path

from sandbox.paths import PROJECT
from tests.sandbox.alerting.recordings import NOT_REPLAYED, names, not_replayed
from tests.sandbox.alerting.test_replay import stems

GUIDE = PROJECT / "docs" / "alerting-stand-in.md"
KINDS = ("create", "dryrun", "execute", "received")


def test_every_recording_is_replayed_or_it_is_said_why_not() -> None:
    of_a_stem = {f"{stem}-{kind}" for stem in stems() for kind in KINDS}
    here = Path(__file__).parent
    tests = "".join(path.read_text() for path in [*here.glob("test_*.py"), here / "world.py"])
    for name in names():
        replayed = name in of_a_stem or f'{Path(name).name}"' in tests
        assert replayed is not bool(not_replayed(name)), name


def test_every_reason_stands_for_a_recording_and_in_the_guide() -> None:
    guide = re.sub(r"\s+", " ", GUIDE.read_text())
    for pattern, reason in NOT_REPLAYED.items():
        assert any(re.fullmatch(pattern, name) for name in names()), pattern
        assert reason in guide
