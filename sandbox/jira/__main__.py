"""``python -m sandbox.jira --port P --state DIR --user U --token T [--profile cloud|dc]``"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from .server import Server
from .site import make_site
from .store import Store


def main() -> int:
    """Serve until a signal says to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.jira", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder of the state, kept over restarts")
    parser.add_argument("--user", required=True, help="who calls: an e-mail address, or a user name on Data Center")
    parser.add_argument("--token", required=True, help="the caller's API token or personal access token")
    parser.add_argument("--profile", choices=("cloud", "dc"), default="cloud")
    options = parser.parse_args()

    store = Store(options.state)
    server = Server(make_site(options.profile, options.user, options.token), store, options.port)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.serve_in_background()
    print(f"Jira ({options.profile}) on {server.jira.base_url}", flush=True)
    stopped.wait()
    server.shutdown()
    server.server_close()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
