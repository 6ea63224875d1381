"""An engine and lanes in memory: scripted service, no process, no fence; for what the runner and the steps decide."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from otpgate.engines.model import LanePlan, Response
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import Exchange, Message

REFUSING = ("status", "error", "rate_limit", "latency", "refuse_connection", "tls_expired")


class ScriptedService:
    """A healthy service in a few lines; tests override what they break."""

    lifetime = 300.0
    guesses = 5

    def __init__(self, lane: FakeLane) -> None:
        self.lane = lane
        self.codes: dict[str, tuple[str, float]] = {}
        self.tries: dict[str, int] = {}

    def route(self, phone: str) -> tuple[str, ...]:
        return ("primary", "fallback") if phone.startswith("+1") else ("fallback", "primary")

    def request(self, phone: str) -> int:
        code = f"{len(self.codes) + 100_000:06d}"
        self.codes[phone] = (code, self.lane.now)
        self.tries[phone] = 0
        for gateway in self.route(phone):
            if self.lane.send(gateway, phone, f"Your code is {code}."):
                return 202
        return 503

    def verify(self, phone: str, code: str) -> int:
        known, issued = self.codes.get(phone, ("", 0.0))
        self.tries[phone] = self.tries.get(phone, 0) + 1
        if not code or code != known or self.tries[phone] > self.guesses:
            return 401
        if self.lane.now - issued > self.lifetime:
            return 410
        del self.codes[phone]
        return 200


class FakeLane:
    """See `otpgate.engines.model.Lane`. `movable`: whether its clock can be shifted."""

    fenced = True
    fakes_seconds = service_seconds = 0.0

    def __init__(self, plan: LanePlan, service: Callable[[FakeLane], ScriptedService], movable: bool) -> None:
        self.name = plan.name
        self.plan = plan
        self.notes: list[str] = []
        self.movable = movable and plan.time_shift
        self.now = 1_000_000.0
        self.found: list[Message] = []
        self.calls: list[Exchange] = []
        self.faults: list[dict[str, Any]] = []
        self.arrived = threading.Condition(threading.RLock())
        self.stopped = False
        self.senders = {gateway.name: gateway for gateway in plan.fakes.gateways}
        self.service = service(self)

    def send(self, gateway: str, to: str, text: str) -> bool:
        """What the service calls to send; False where a fault refuses it."""
        with self.arrived:
            number = len(self.calls) + len(self.found) + 1
            struck = next((one for one in self.faults if self._covers(one, gateway, to)), None)
            if struck is not None and "count" in struck:
                struck["count"] -= 1
            provider = self.senders[gateway].provider
            refused = struck is not None and struck["fault"] in REFUSING
            self.calls.append(Exchange(
                id=f"ex_{number}", sequence=number, at="", kind="call", provider=provider, gateway=gateway, operation="send",
                method="POST", url="", host="", request_headers={}, request_body="", status=503 if refused else 201,
                response_headers={}, response_body="", seconds=0.0, accepted=not refused, to=to,
                fault=struck["fault"] if struck else None,
            ))
            if refused:
                return False
            code = re.search(r"\d{6}", text)
            self.found.append(Message(
                id=f"msg_{number}", provider=provider, gateway=gateway, provider_id=f"p{number}", to=to,
                sender=self._sender(gateway, to), text=text, code=code[0] if code else None, encoding="GSM7", segments=1,
                status="delivered", meaning="delivered", error=None, country=None, created_at="", updated_at="",
                sequence=number,
            ))
            self.arrived.notify_all()
            return True

    def _covers(self, fault: dict[str, Any], gateway: str, to: str) -> bool:
        provider = self.senders[gateway].provider
        scope = {"gateway": gateway, "destination": to, "provider": provider}
        return all(fault.get(name, value) == value for name, value in scope.items())

    def _sender(self, gateway: str, to: str) -> str:
        told = self.senders[gateway].settings.get("sender")
        return str(told.get("US" if to.startswith("+1") else "*") if isinstance(told, dict) else told)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
             timeout: float = 30.0) -> Response:
        document = json.loads(body or b"{}")
        if path == "/otp":
            status = self.service.request(document["phone"])
        elif path == "/otp/verify":
            status = self.service.verify(document["phone"], document["code"])
        else:
            status = 200
        return Response(status=status, headers={}, body=b"{}", seconds=0.0)

    def admin(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind = parts.path.removeprefix("/_otpgate/")
        if kind == "faults":
            self.faults = list(body["faults"]) if method == "PUT" else self.faults
            return {"faults": self.faults}
        if kind == "messages/wait":
            return self._wait(query)
        to = query.get("to")
        with self.arrived:
            rows: list[Any] = {"messages": self.found, "exchanges": self.calls}.get(kind, [])
            chosen = [one for one in rows if (to is None or one.to == to) and one.sequence > int(query.get("since", 0))]
        return {kind: [msgspec.to_builtins(one) for one in chosen]}

    def _wait(self, query: dict[str, str]) -> Any:
        after = query.get("after")

        def next_one() -> Message | None:
            if query.get("settled"):
                return next((one for one in self.found if one.id == after), None)
            known = next((one.sequence for one in self.found if one.id == after), 0)
            return next((one for one in self.found if one.to == query["to"] and one.sequence > known), None)

        with self.arrived:
            self.arrived.wait_for(lambda: next_one() is not None, float(query["timeout"]))
            found = next_one()
        return None if found is None else msgspec.to_builtins(found)

    def logs(self) -> str:
        return ""

    def alive(self) -> bool:
        return not self.stopped

    def shift_clock(self, seconds: float) -> bool:
        if self.movable:
            self.now = 1_000_000.0 + seconds
        return self.movable

    def kill(self, provider: str) -> bool:
        return False

    def restart(self) -> None:
        return

    def stop(self) -> None:
        self.stopped = True


class FakeEngine:
    """Starts fake lanes; `unusable` is raised instead of every start."""

    name = "memory"

    def __init__(self, service: Callable[[FakeLane], ScriptedService] = ScriptedService, *, movable: bool = True,
                 unusable: EnvironmentUnusable | None = None) -> None:
        self.service = service
        self.movable = movable
        self.unusable = unusable
        self.lanes: list[FakeLane] = []

    def start(self, plan: LanePlan) -> FakeLane:
        if self.unusable is not None:
            raise self.unusable
        lane = FakeLane(plan, self.service, self.movable)
        self.lanes.append(lane)
        return lane

    def close(self) -> None:
        for lane in self.lanes:
            lane.stop()
