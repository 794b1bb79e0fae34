"""
`python -m tests.chaos.worker`: a worker of the operation machine alone, for tests that kill it.

It needs no broker and sweeps without pause; all else is what runs in production, with waits of fractions of a second. Where the file
lies that CHAOS_DIE names, it is killed as its next POST would leave, and takes the file along. Once it works it leaves a file of its
process id in the folder that CHAOS_READY names.
"""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

MARGIN, FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=0.1), timedelta(seconds=2)
FIRST_PROBE, LONGEST_PROBE = timedelta(seconds=0.2), timedelta(seconds=1)
IDLE_SECONDS = 0.05


def main() -> None:
    """Work whatever is due, until somebody ends it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oktadetect.settings")
    django.setup()
    from django.db import DatabaseError, connection

    from alerts.ticketing import claims, client, gate, operations

    claims.MARGIN, claims.FIRST_WAIT, claims.LONGEST_WAIT = MARGIN, FIRST_WAIT, LONGEST_WAIT
    operations.NOT_YET = FIRST_WAIT
    gate.FIRST_PROBE, gate.LONGEST_PROBE = FIRST_PROBE, LONGEST_PROBE
    client._answer = _deadly(client._answer)
    chance = random.Random(os.getpid())
    (Path(os.environ["CHAOS_READY"]) / str(os.getpid())).touch()
    while True:
        try:
            cases = operations.due()
            chance.shuffle(cases)
            for case in cases[:20]:
                operations.work_case(case)
        except DatabaseError as error:
            print(f"database: {type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201 - the log of a program
            connection.close()
            cases = []
        if not cases:
            time.sleep(IDLE_SECONDS)


def _deadly(answer: Any) -> Any:
    flag = Path(os.environ.get("CHAOS_DIE", "/nonexistent"))

    def asked(session: Any, method: str, *told: Any) -> Any:
        if method == "POST" and flag.exists():
            flag.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(session, method, *told)

    return asked


if __name__ == "__main__":
    main()
