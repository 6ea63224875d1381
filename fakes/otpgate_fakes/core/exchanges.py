"""The recorder: every call with its answer, redacted as it is captured, bounded."""

from __future__ import annotations

from collections import deque

from otpgate_contracts import admin

LIMIT = 10_000
TEXT_LIMIT = 64_000


class Exchanges:
    """Recorded calls, oldest first. The oldest are forgotten beyond the limit."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._kept: deque[admin.Exchange] = deque(maxlen=limit)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, exchange: admin.Exchange) -> None:
        self._kept.append(exchange)

    def get(self, name: str) -> admin.Exchange | None:
        return next((one for one in reversed(self._kept) if one.id == name), None)

    def list(
        self, since: int = 0, *, to: str | None = None, kind: str | None = None, gateway: str | None = None,
        provider: str | None = None,
    ) -> Recorded:
        """Calls after a sequence number, oldest first."""
        found: Recorded = []
        for one in reversed(self._kept):
            if one.sequence <= since:
                break
            if (
                (to is None or one.to == to)
                and (kind is None or one.kind == kind)
                and (gateway is None or one.gateway == gateway)
                and (provider is None or one.provider == provider)
            ):
                found.append(one)
        found.reverse()
        return found

    def clear(self) -> None:
        self._kept.clear()


Recorded = list[admin.Exchange]
