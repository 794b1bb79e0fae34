"""Sending a webhook message as the Notifications plugin's HTTP client does.

One attempt, and one more after 429 or 503; redirects are not followed; it gives up on a receiver that stays silent for
50 seconds. Connections are kept and used again. One that has been idle for less than two seconds is used without a
look: if the receiver closed it meanwhile, the message is lost. That is how the real one loses them, too.
"""

import http.client
import ipaddress
import select
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

USER_AGENT = "Apache-HttpClient/5.4.4 (Java/25.0.3)"
ACCEPTED = {200, 201, 202, 203, 204, 205, 206, 207}
AGAIN = {429, 503}
CONNECT_TIMEOUT = 5.0  # seconds
SILENCE_TIMEOUT = 50.0  # seconds
RETRY_AFTER = 1.0  # seconds, unless the receiver says how long
TRUSTED_IDLE = 2.0  # seconds that an idle connection is trusted unseen


class DeliveryError(Exception):
    """A message that was not delivered; the message says why, as the plugin would."""

    def __init__(self, status_code: str, text: str) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.text = text


@dataclass(frozen=True)
class Answer:
    """What the receiver answered."""

    status: int
    reason: str
    body: str
    retry_after: str | None


class Sender:
    """Sends messages, keeping connections between them. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[tuple[http.client.HTTPConnection, float]]] = {}

    def send(
        self, method: str, url: str, headers: dict[str, str], message: str, denied: Sequence[str] = ()
    ) -> tuple[Answer, int]:
        """Deliver a message. Returns the answer and how many attempts it took. Raises DeliveryError.

        `denied` lists networks and hosts that must not be written to.
        """
        address = urlsplit(url)
        _check_host(address, denied)
        body = message.encode()
        attempts = 1
        answer = self._attempt(method, address, headers, body)
        pause = _pause(answer)
        if answer.status in AGAIN and pause <= SILENCE_TIMEOUT:
            time.sleep(pause)
            attempts += 1
            answer = self._attempt(method, address, headers, body)
        if answer.status not in ACCEPTED:
            raise _failed(f"Failed: {answer.reason}")
        return answer, attempts

    def _attempt(self, method: str, address: SplitResult, headers: dict[str, str], body: bytes) -> Answer:
        connection = self._take(address)
        try:
            return self._exchange(connection, method, address, headers, body)
        except TimeoutError as error:
            connection.close()
            raise _failed("Read timed out") from error
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            connection.close()
            raise _failed(f"{address.netloc} failed to respond") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _failed(str(error)) from error

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        address: SplitResult,
        headers: dict[str, str],
        body: bytes,
    ) -> Answer:
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Accept-Encoding", "gzip, x-gzip, deflate")
        connection.putheader("Host", address.netloc)
        connection.putheader("Content-Length", str(len(body)))
        if "content-type" not in {name.lower() for name in headers}:
            connection.putheader("Content-Type", "text/plain; charset=UTF-8")
        connection.putheader("Connection", "keep-alive")
        connection.putheader("User-Agent", USER_AGENT)
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        answer = Answer(response.status, response.reason, text, response.getheader("Retry-After"))
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                kept = self._idle.setdefault((address.scheme, address.netloc), [])
                kept.append((connection, time.monotonic()))
        return answer

    def _take(self, address: SplitResult) -> http.client.HTTPConnection:
        with self._lock:
            kept = self._idle.get((address.scheme, address.netloc), [])
            while kept:
                connection, since = kept.pop()
                if time.monotonic() - since < TRUSTED_IDLE or _is_open(connection):
                    return connection
                connection.close()
        return _connected(address)


def content_headers(header_params: dict[str, str]) -> dict[str, str]:
    """A channel's headers as they are sent: without any of its own, a message is called JSON."""
    return header_params or {"Content-type": "application/json"}


def _connected(address: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=CONNECT_TIMEOUT)
    try:
        connection.connect()
    except OSError as error:
        where = f"Connect to {address.scheme}://{address.netloc} [/{address.hostname}] failed"
        reason = "Connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        raise _failed(f"{where}: {reason}") from error
    connection.sock.settimeout(SILENCE_TIMEOUT)
    return connection


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Whether the receiver has neither closed the connection nor sent anything unasked."""
    return connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]


def _check_host(address: SplitResult, denied: Sequence[str]) -> None:
    host = address.hostname or ""
    try:
        resolved = ipaddress.ip_address(socket.getaddrinfo(host, None)[0][4][0])
    except OSError as error:
        raise _failed("Host could not be resolved to a valid Ip address") from error
    for entry in denied:
        try:
            refused = resolved in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            refused = host == entry
        if refused:
            setting = "[notification.core.http.host_deny_list]"
            words = f"Host of url is denied, based on plugin setting {setting}"
            raise DeliveryError("400", f"Webhook message creation failed with status:{words}")


def _pause(answer: Answer) -> float:
    """Seconds to wait before the second attempt: what Retry-After says, as a number or as a date."""
    if answer.retry_after is None:
        return RETRY_AFTER
    try:
        return max(0.0, float(answer.retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(answer.retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return RETRY_AFTER


def _failed(reason: str) -> DeliveryError:
    return DeliveryError("500", f"Failed to send webhook message {reason}")
