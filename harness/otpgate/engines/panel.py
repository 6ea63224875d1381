"""One admin API over several fake processes that play one lane together, one process for each provider.

Their sequence numbers follow one clock and tell who gave them (see FakesConfig.lot), so lists merge by
number, and an id leads to its owner. Shapes are those of the admin API of a single process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from otpgate.client import Fakes
from otpgate.errors import EnvironmentUnusable

PREFIX = "/_otpgate"
LISTS = ("messages", "exchanges", "receipts")
NEWEST_FIRST = ("messages",)
LONGEST = 20.0


class Panel:
    """`processes` in the order of their lots; `gateways` says which provider serves a gateway. Thread-safe."""

    def __init__(self, processes: Mapping[str, Fakes], gateways: Mapping[str, str]) -> None:
        self._processes = dict(processes)
        self._gateways = dict(gateways)
        self._lots = [*self._processes]
        self._names = [*self._processes]

    def leave_out(self, provider: str) -> None:
        """Ask this process no more: it was ended on purpose."""
        self._names = [name for name in self._names if name != provider]

    def call(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        """One admin call, as `Fakes.call` of a process that plays them all."""
        if len(self._lots) == 1:
            return self._processes[self._lots[0]].call(method, path, body, timeout)
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        words = parts.path.removeprefix(PREFIX).strip("/").split("/")
        if method == "GET" and words == ["messages", "wait"]:
            return self._wait(query, timeout)
        if method == "GET" and len(words) == 1 and words[0] in LISTS:
            return self._list(words[0], path, query, timeout)
        if words[0] == "faults":
            return self._faults(method, path, body, timeout)
        if method == "GET" and words in (["health"], ["clock"]):
            return self._merged([self._ask(name, method, path, body, timeout) for name in self._names])
        owner = self._owner(words, body)
        if owner is not None:
            return self._ask(owner, method, path, body, timeout)
        answers = [self._ask(name, method, path, body, timeout) for name in self._names]
        return answers[0]

    def _ask(self, name: str, method: str, path: str, body: Any, timeout: float) -> Any:
        return self._processes[name].call(method, path, body, timeout)

    def _owner(self, words: list[str], body: Any) -> str | None:
        """Who must answer a call about one thing; None when it concerns all."""
        if words[0] == "account" and len(words) > 1:
            return self._gateways.get(words[1])
        if words[0] == "inbound" and isinstance(body, dict):
            return str(body["provider"]) if body.get("provider") in self._processes else None
        named = words[1] if words[0] in LISTS and len(words) > 1 else _message_of(words, body)
        return self._giver(named) if named else None

    def _giver(self, identity: str) -> str | None:
        number = identity.rpartition("_")[2]
        return self._lots[int(number) % len(self._lots)] if number.isdigit() else None

    def _list(self, kind: str, path: str, query: dict[str, str], timeout: float) -> dict[str, Any]:
        found = [one for name in self._names for one in self._ask(name, "GET", path, None, timeout)[kind]]
        found.sort(key=lambda one: int(one["sequence"]), reverse=kind in NEWEST_FIRST)
        return {kind: found[: int(query["limit"])] if "limit" in query else found}

    def _faults(self, method: str, path: str, body: Any, timeout: float) -> dict[str, Any]:
        answers = []
        for name in self._names:
            own = body
            if isinstance(body, dict) and "faults" in body:
                own = {**body, "faults": [fault for fault in body["faults"] if self._concerns(fault, name)]}
            answers.append(self._ask(name, method, path, own, timeout) or {})
        return {"faults": [fault for answer in answers for fault in answer.get("faults", [])]}

    def _concerns(self, fault: dict[str, Any], name: str) -> bool:
        provider = fault.get("provider") or self._gateways.get(str(fault.get("gateway")))
        return provider is None or provider == name

    def _wait(self, query: dict[str, str], timeout: float) -> Any:
        if query.get("settled"):
            owner = self._giver(query.get("after", "")) or self._names[0]
            return self._ask(owner, "GET", f"{PREFIX}/messages/wait?{urlencode(query)}", None, timeout)
        after = query.get("after", "")
        if after.startswith("msg_"):
            query["after"] = after.removeprefix("msg_")
        deadline = time.monotonic() + _seconds(query.get("timeout", "10"))
        while True:
            first = self._first(query, min(max(deadline - time.monotonic(), 0.0), LONGEST), timeout)
            if first is not None:
                name, found = first
                others = (self._waited(other, query, 0.0, timeout) for other in self._names if other != name)
                there = [found, *(one for one in others if one is not None)]
                return sorted(there, key=lambda one: int(one["sequence"]))[0 if after else -1]
            if time.monotonic() >= deadline:
                return None

    def _waited(self, name: str, query: dict[str, str], seconds: float, timeout: float) -> Any:
        asked = urlencode({**query, "timeout": f"{seconds:.3f}"}, quote_via=quote)
        return self._ask(name, "GET", f"{PREFIX}/messages/wait?{asked}", None, timeout)

    def _first(self, query: dict[str, str], seconds: float, timeout: float) -> tuple[str, Any] | None:
        """The first process to see a message that fits, with it; None when none did. Raises what one of them raised."""
        told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

        def listen(name: str) -> None:
            try:
                told.put((name, self._waited(name, query, seconds, timeout)))
            except EnvironmentUnusable as error:
                told.put((name, error))

        for name in self._names:
            threading.Thread(target=listen, args=(name,), daemon=True, name=f"waiting for {name}").start()
        for _ in self._names:
            name, answer = told.get()
            if isinstance(answer, EnvironmentUnusable):
                raise answer
            if answer is not None:
                return name, answer
        return None

    @staticmethod
    def _merged(answers: list[Any]) -> Any:
        """Several health answers as one: facts of the first, providers of all, the highest sequence."""
        merged = dict(answers[0])
        for answer in answers[1:]:
            merged["sequence"] = max(merged.get("sequence", 0), answer.get("sequence", 0))
            for key in ("providers", "gateways"):
                if isinstance(merged.get(key), dict):
                    merged[key] = {**merged[key], **answer.get(key, {})}
                elif isinstance(merged.get(key), list):
                    merged[key] = [*merged[key], *answer.get(key, [])]
        return merged


def _message_of(words: list[str], body: Any) -> str | None:
    if words != ["receipts"]:
        return None
    message = body.get("message") if isinstance(body, dict) else getattr(body, "message", None)
    return str(message) if message else None


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))

