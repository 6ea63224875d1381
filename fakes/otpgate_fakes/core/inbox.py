"""Finds the code in a text, and lets a test wait for the next message to a number."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from otpgate_fakes.core.fake import Request
from otpgate_fakes.core.store import Message

DIGITS = re.compile(
    r"(?<![\d+.,:/])(?<!\d-)(?:\d{3}[- ]\d{3}(?:[- ]\d{3})?|\d{4}[- ]\d{4}|\d{4,10})(?!\d|[.:/-]\d|,\d{2,3}(?!\d))"
)
MIXED = re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{4,10}\b")
WORDS = re.compile(
    r"code|c[oó]digo|otp|pin\b|passcode|password|token|kod|kode|codice|verif|login|code\s*:|验证码|認証|код", re.IGNORECASE
)
READ = 4_000
"""Characters in which a code is looked for; no message is that long, and what is refused may be."""

BEFORE = 12
"""A year or an amount often stands right before "code"; the code itself more often after it."""

DATED = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\b")
BOUND = re.compile(r"#([A-Za-z0-9]{4,10})\s*\Z")


def code_in(request: Request) -> str | None:
    """The one-time code in a send that was refused before it was read, so that its record does not hold it.

    A message has several words and is no date; numbers, ids and URLs have one.
    """
    texts = [value for _, value in request.form or request.query]
    waiting = [request.json]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
    worded = (text for text in sorted(texts, key=len, reverse=True) if len(text.split()) > 1 and not DATED.match(text))
    return next(filter(None, map(extract_code, worded)), None)


def extract_code(text: str) -> str | None:
    """The one-time code in a text, without separators; None when there is none.

    A domain-bound last line (`@example.com #123456`) says it exactly; else the run of digits nearest to a
    word such as "code", six digits before others; else a mix of capital letters and digits.
    """
    bound = BOUND.search(text)
    if bound is not None:
        return bound[1]
    text = text[:READ]
    found = list(DIGITS.finditer(text))
    if not found:
        mixed = MIXED.search(text)
        return None if mixed is None else mixed[0]
    if len(found) == 1:
        return plain(found[0][0])
    words = [(word.start(), word.end()) for word in WORDS.finditer(text)]

    def distance(match: re.Match[str]) -> tuple[int, int]:
        far = min((gap(match, start, end) for start, end in words), default=0)
        return far, abs(len(plain(match[0])) - 6)

    return plain(min(found, key=distance)[0])


def gap(match: re.Match[str], start: int, end: int) -> int:
    """Letters between a word and a run of digits; digits before the word count as further away."""
    return match.start() - end if match.start() >= end else max(start - match.end(), 0) + BEFORE


def plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "")


class Arrivals:
    """Those who wait for a message. A wait is answered in the moment the message is stored."""

    def __init__(self) -> None:
        self._waiting: set[tuple[Callable[[Message], bool], asyncio.Future[Message]]] = set()

    def announce(self, message: Message) -> None:
        for entry in [entry for entry in self._waiting if entry[0](message)]:
            self._waiting.discard(entry)
            if not entry[1].done():
                entry[1].set_result(message)

    async def wait(self, wanted: Callable[[Message], bool], seconds: float) -> Message | None:
        """The next stored message that is wanted, None when the time is over."""
        entry = (wanted, asyncio.get_running_loop().create_future())
        self._waiting.add(entry)
        try:
            return await asyncio.wait_for(entry[1], seconds)
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(entry)
