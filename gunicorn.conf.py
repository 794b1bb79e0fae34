"""
How the portal is served: `gunicorn oktadetect.wsgi`.

Idle connections are kept longer than OpenSearch's client uses them again: a POST on a connection that was just closed is lost.
"""

import os

bind = os.environ.get("OKTADETECT_BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("OKTADETECT_WEB_WORKERS", "2"))
threads = int(os.environ.get("OKTADETECT_WEB_THREADS", "8"))
keepalive = 75
timeout = 60
graceful_timeout = 20
max_requests = 10_000
max_requests_jitter = 1_000


def post_worker_init(_worker: object) -> None:
    """Get a worker ready for its first request."""
    from core import memory

    memory.settle()
