"""A web server on 127.0.0.1 that answers as a test says: whole, cut, stalled, chunked, redirected, by ranges.

An answer is a function of the request's handler. The server keeps each request's path and headers in `seen`.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from unittest.mock import patch


class Seen(NamedTuple):
    """A request that came."""

    path: str
    headers: dict[str, str]


class LoopbackServer(ThreadingHTTPServer):
    """Answers every GET with `answer`; `closing` ends the answers that stall."""

    daemon_threads = False

    def __init__(self, answer: "Answer") -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request; `send` is all that an answer needs."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.seen.append(Seen(self.path, dict(self.headers)))
        with suppress(ConnectionError):  # the client has gone, as in the tests of limits and time-outs
            self.server.answer(self)

    def send(self, status: int, body: bytes, **headers: object) -> None:
        """Send a response; `Content_Length=n` states that header, and None leaves it out."""
        self.send_response(status)
        for name, value in {"Content_Length": len(body), "Connection": "close", **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep standard error for what the test is about."""


Answer = Callable[[Handler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[LoopbackServer]:
    """Run a server for the length of a `with`, reached without the user's proxies."""
    server = LoopbackServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with patch.dict(os.environ, {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}):
            yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def whole(body: bytes, status: int = 200, **headers: object) -> Answer:
    """Send all of `body`."""
    return lambda handler: handler.send(status, body, **headers)


def status(code: int, **headers: object) -> Answer:
    """Send a status with an empty body."""
    return whole(b"", code, **headers)


def cut(body: bytes, after: int) -> Answer:
    """State the length of all of `body`, send `after` bytes, and close the connection."""
    return whole(body[:after], Content_Length=len(body))


def stalled(body: bytes, after: int) -> Answer:
    """State the length of all of `body`, send `after` bytes, and no more."""

    def answer(handler: Handler) -> None:
        handler.send(200, body[:after], Content_Length=len(body))
        handler.server.closing.wait(10)

    return answer


def chunked(body: bytes, size: int = 1 << 16) -> Answer:
    """Send `body` in chunks, its length unstated."""

    def answer(handler: Handler) -> None:
        handler.send(200, b"", Content_Length=None, Transfer_Encoding="chunked")
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    return answer


def ranged(body: bytes) -> Answer:
    """Send the rest of `body` that a Range header asks for, or all of it without one."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        if asked is None:
            return handler.send(200, body)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        return handler.send(206, body[start:], Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Give each request the next of `answers`; the last one stays."""
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def files(content: Mapping[str, bytes]) -> Answer:
    """Serve a folder of files by name, and 404 for any other."""

    def answer(handler: Handler) -> None:
        body = content.get(handler.path.rpartition("/")[2])
        (status(404) if body is None else whole(body))(handler)

    return answer
