#!/usr/bin/env python3
"""Django's command line; `sandbox` and `demo` are answered before Django starts, since they make the world its settings name."""

import os
import sys


def main() -> None:
    """Run one command."""
    if sys.argv[1:2] in (["sandbox"], ["demo"]):
        from sandbox.__main__ import main as sandbox_main

        raise SystemExit(sandbox_main(sys.argv[1:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oktadetect.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
