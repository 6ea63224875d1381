"""The recorder: every call with its answer, bounded. Nothing leaves it that is not redacted.

A captured call is kept as it came, in memory only, and is redacted when it is read: most calls are never
read, and a call must not wait for its own record.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from otpgate_contracts import admin
from otpgate_contracts.wire import Mismatch
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.redact import Redactor

LIMIT = 10_000


class Captured(Struct, gc=False):
    """A call as it came, with what was decided. `secret_code` is the one-time code it carried."""

    sequence: int
    at: float
    kind: str
    provider: str | None
    gateway: str | None
    operation: str | None
    request: Request
    reply: Reply | None
    seconds: float
    accepted: bool | None
    code: str | None
    reason: str | None
    to: str | None
    message: str | None
    fault: str | None
    mismatches: list[Mismatch]
    notes: list[str]
    secret_code: str | None


class Exchanges:
    """Recorded calls, oldest first. The oldest are forgotten beyond the limit."""

    def __init__(self, clock: Clock, redactor: Redactor, limit: int = LIMIT) -> None:
        self._clock = clock
        self._redactor = redactor
        self._kept: deque[Captured | admin.Exchange] = deque(maxlen=limit)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, call: Captured | admin.Exchange) -> None:
        self._kept.append(call)

    def get(self, name: str) -> admin.Exchange | None:
        return next((self.told(one) for one in reversed(self._kept) if f"ex_{one.sequence}" == name), None)

    def list(
        self, since: int = 0, *, to: str | None = None, kind: str | None = None, gateway: str | None = None,
        provider: str | None = None,
    ) -> Recorded:
        """Calls after a sequence number, oldest first, redacted."""
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
                found.append(self.told(one))
        found.reverse()
        return found

    def told(self, call: Captured | admin.Exchange) -> admin.Exchange:
        """A call as the admin API tells it."""
        if isinstance(call, admin.Exchange):
            return call
        request, reply, code = call.request, call.reply, call.secret_code
        redactor, clean, asked = self._redactor, self._redactor.clean, self._redactor.asked
        query = f"?{request.raw_query}" if request.raw_query else ""
        headers = {} if reply is None else {name.lower(): value for name, value in reply.headers}
        if reply is not None and reply.content_type:
            headers["content-type"] = reply.content_type
        return admin.Exchange(
            id=f"ex_{call.sequence}", sequence=call.sequence, at=self._clock.iso(call.at), kind=call.kind,
            provider=call.provider, gateway=call.gateway, operation=call.operation, method=request.method,
            url=asked(f"{request.base}{request.path}{query}", code), host=request.host,
            request_headers=redactor.headers(request.headers),
            request_body=asked(request.body.decode("utf-8", "replace"), code),
            status=reply.status if reply is not None else None, response_headers=redactor.headers(headers),
            response_body=clean(reply.body.decode("utf-8", "replace"), code) if reply is not None else "",
            seconds=round(call.seconds, 6), accepted=call.accepted, code=call.code, reason=call.reason, to=call.to,
            message=call.message, fault=call.fault, mismatches=[one.as_dict() for one in call.mismatches],
            notes=call.notes,
        )

    def clear(self) -> None:
        self._kept.clear()


Recorded = list[admin.Exchange]
