"""The client: every outcome of a call is a value, over TCP and Unix sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otpgate.client import Fakes, exchange, leading_to, tcp, unix
from otpgate.errors import EnvironmentUnusable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Odd: 1\r\n\r\n{}"


class Answering:
    """A server that says one thing to every caller and keeps what it was asked."""

    def __init__(self, listener: socket.socket, words: bytes, hold: bool) -> None:
        self.listener, self.words, self.hold = listener, words, hold
        self.asked: list[bytes] = []
        self.release = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            with caller:
                self.asked.append(caller.recv(65536))
                caller.sendall(self.words)
                if self.hold:
                    self.release.wait(20)


@pytest.fixture
def answering() -> Iterator[Callable[..., tuple[Answering, int]]]:
    made: list[Answering] = []

    def start(words: bytes, hold: bool = False) -> tuple[Answering, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        made.append(Answering(listener, words, hold))
        return made[-1], listener.getsockname()[1]

    yield start
    for server in made:
        server.release.set()
        server.listener.close()


def test_an_answer_is_a_value(answering) -> None:
    """Status, lower-case header names, body, no error."""
    _, port = answering(OK)
    answer = exchange(tcp("127.0.0.1", port), "GET", "/")
    assert (answer.status, answer.body, answer.headers["x-odd"], answer.error) == (200, b"{}", "1", None)


def test_a_refused_connection_is_a_value() -> None:
    """Nobody listens: status 0 and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = exchange(tcp("127.0.0.1", port), "GET", "/")
    assert (answer.status, answer.error) == (0, "connection refused")


def test_a_silent_server_is_a_value(answering) -> None:
    """The time-out bounds the call."""
    _, port = answering(b"", hold=True)
    answer = exchange(tcp("127.0.0.1", port), "GET", "/", timeout=0.2)
    assert answer.error == "no answer within 0.2 s"
    assert answer.seconds < 2


def test_a_closed_connection_is_a_value(answering) -> None:
    """A server that hangs up without a word."""
    _, port = answering(b"")
    assert exchange(tcp("127.0.0.1", port), "GET", "/").error == "connection closed without an answer"


def test_a_cut_body_is_a_value(answering) -> None:
    """Less than Content-Length promised is a failure, not an answer."""
    _, port = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}")
    answer = exchange(tcp("127.0.0.1", port), "GET", "/")
    assert answer.status == 0
    assert "IncompleteRead" in (answer.error or "")


def test_a_unix_socket_leads_there_too(tmp_path: Path) -> None:
    """`unix:/path` of a ready line is as good as an address."""
    path = tmp_path / "s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    server = Answering(listener, OK, False)
    assert exchange(unix(str(path)), "GET", "/x").status == 200
    assert exchange(leading_to(f"unix:{path}"), "GET", "/y").status == 200
    assert server.asked[0].startswith(b"GET /x HTTP/1.1")
    listener.close()


def test_fakes_that_are_gone_are_told() -> None:
    """The admin client raises what the command line prints."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EnvironmentUnusable, match="did not answer GET /_otpgate/health: connection refused"):
        Fakes(tcp("127.0.0.1", port)).health()


def test_a_refusal_of_the_fakes_carries_their_words(answering) -> None:
    """An HTTP error of the admin API says why."""
    _, port = answering(b"HTTP/1.1 422 No\r\nContent-Length: 12\r\n\r\nwrong fault\n")
    with pytest.raises(EnvironmentUnusable, match="wrong fault"):
        Fakes(tcp("127.0.0.1", port)).clear_faults()


def test_no_message_in_time_is_none(answering) -> None:
    """408 is an answer: nothing came."""
    _, port = answering(b"HTTP/1.1 408 Late\r\nContent-Length: 2\r\n\r\n{}")
    assert Fakes(tcp("127.0.0.1", port)).wait("+12025550143", timeout=0.1) is None
