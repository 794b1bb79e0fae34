"""What a process that serves pages does once."""

import subprocess
import sys

from sandbox.paths import PROJECT

PROGRAM = """
import os, runpy
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "oktadetect.settings"
django.setup()
runpy.run_path("gunicorn.conf.py")["post_worker_init"](None)
import gc, sys
assert "alerts.views.queue" in sys.modules, "the first request would load them"
assert gc.get_freeze_count() > 50_000, gc.get_freeze_count()
"""


def test_a_worker_of_the_web_leaves_what_is_loaded_out_of_later_collections() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stderr
