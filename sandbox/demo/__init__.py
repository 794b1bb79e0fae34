"""`manage.py demo`: the whole product in one command, on a world of its own, with attacks flowing.

    main(argv)   runs it; the result is the exit code

`run`     what happens, in order
`portal`  the portal's own programs: migrations, users, monitors; web, worker and beat
`ledger`  which attack became which alert and which ticket, and how fast: pure
`issues`  what Jira itself holds

It imports no app: what it needs of them it asks for by their commands, as an administrator would.
"""

from sandbox.demo.run import main

__all__ = ["main"]
