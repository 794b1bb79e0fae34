"""Run the stand-in: `python -m sandbox.alerting --port P --node URL --state DIR`. SIGTERM stops it."""

import argparse
import logging
import signal
import threading
from pathlib import Path
from types import FrameType

from sandbox.alerting.app import App
from sandbox.alerting.node import Node
from sandbox.alerting.server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.alerting", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen on 127.0.0.1 (0: any free port)")
    parser.add_argument("--node", required=True, help="the OpenSearch node behind it, such as http://127.0.0.1:9201")
    parser.add_argument("--state", type=Path, required=True, help="the folder that keeps monitors, alerts and channels")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = App(Node(arguments.node), arguments.state)
    server = Server(app, arguments.port)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that this signal interrupts

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    app.start()
    print(f"Alerting stand-in on http://127.0.0.1:{server.server_port}, in front of {arguments.node}", flush=True)
    server.serve_forever()
    server.server_close()
    app.stop()


if __name__ == "__main__":
    main()
