"""A reply as bytes of HTTP/1.1."""

from __future__ import annotations

import time
from http import HTTPStatus

from otpgate_fakes.core.fake import Reply

NO_BODY = frozenset({204, 304})

LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Now:
    """The Date header, made once a second."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def text(self) -> str:
        second = int(time.time())
        if second != self._second:
            at = time.gmtime(second)
            self._second = second
            self._text = (
                f"{DAYS[at.tm_wday]}, {at.tm_mday:02d} {MONTHS[at.tm_mon - 1]} {at.tm_year}"
                f" {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} GMT"
            )
        return self._text


NOW = Now()


def head(reply: Reply) -> bytes:
    """Status line and headers, without the blank line that ends them."""
    status = reply.status
    line = LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    kind = f"content-type: {reply.content_type}\r\n" if reply.content_type else ""
    length = f"content-length: {len(reply.body)}\r\n" if status not in NO_BODY else ""
    rest = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    return f"{line}date: {NOW.text()}\r\n{kind}{length}{rest}".encode("latin-1", "replace")


def body_of(reply: Reply, method: str) -> bytes:
    """The bytes that follow the head: none for HEAD and for statuses without a body."""
    return b"" if method == "HEAD" or reply.status in NO_BODY else reply.body
