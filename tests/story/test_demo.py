"""`make demo` itself, shortened: its own verdict is what is tested."""

import json
import subprocess
import sys

from sandbox.paths import PROJECT
from tests.story.conftest import Story
from tests.story.watching import clear


def test_the_demo_finds_every_attack_once_and_nothing_else_and_leaves_a_world_that_was_up(story: Story) -> None:
    clear(story)  # a monitor that another story left, told of no trusted zone, would see the demo's people travel
    story.portal.stop()
    answer = subprocess.run(  # noqa: S603 - our own command line
        [
            *(sys.executable, "manage.py", "demo", "--once", "--json"),
            *("--attacks", "12", "--seconds", "8", "--users", "20"),
        ],
        cwd=PROJECT, env=dict(story.world.environ), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert (found["attacks"], found["alerts"], found["tickets"]) == (12, 12, 12)
    assert found["missed"] == found["false_alerts"] == []
    assert found["seconds_post_to_ticket"]["n"] == 12
    assert all(part.state == "running" for part in story.world.status())
