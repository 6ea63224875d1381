"""Described gateways and packs in folders, played in this process: the way of a call without a server."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from otpgate_contracts.admin import FakesConfig
from otpgate_fakes import loading
from otpgate_fakes.core.app import Pipeline
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Reply, Request
from otpgate_fakes.core.runtime import Runtime

US, GB, FROM = "+12025550142", "+447700900123", "+12025550143"
TEXT = "271828 is your Acme code."
TOKEN = "tk_9f8e7d6c5b4a39281706"
REST: dict[str, Any] = {
    "request": {
        "method": "POST", "url": "https://sms.acme.example/v1/messages", "headers": {"X-Account": "4711"},
        "json": {"to": "{to}", "from": "{sender}", "message": {"text": "{text}"}, "kind": "otp", "callback": "{callback}"},
    },
    "success": {"status": 202, "match": {"status": "accepted"}}, "message_id": "data.id", "auth": {"bearer": TOKEN},
    "receipt": {"method": "POST", "id": "id", "status": "status", "delivered": "done", "failed": ["lost"], "format": "json"},
}
QUERY: dict[str, Any] = {
    "request": {"method": "GET", "url": f"https://bulk.other.example/send?user=acme&pass={TOKEN}", "query": {"to": "{to}", "msg": "{text}"}},
    "success": {"match": "^OK"}, "message_id": {"regex": "ID:([0-9a-f-]+)"},
    "receipt": {"method": "GET", "id": "mid", "status": "st", "delivered": "DELIVRD", "failed": ["UNDELIV"]},
}


def changed(about: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A description with whole sections replaced; None removes one."""
    return {name: value for name, value in {**about, **sections}.items() if value is not None}


def gateway(about: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "own", "provider": "http", "pack": "http", "description": about, "secrets": secrets(about), **more}


def secrets(about: dict[str, Any]) -> dict[str, str]:
    """The configured secrets, as the harness hands them over."""
    auth = about.get("auth", {})
    found = {f"auth.{kind}": value for kind, value in auth.items() if isinstance(value, str)}
    found |= {f"auth.{kind}.{name}": value for kind, pairs in auth.items() if isinstance(pairs, dict) for name, value in pairs.items()}
    return found | ({"request.url?pass": TOKEN} if "pass=" in about["request"].get("url", "") else {})


class Bench:
    """The pipeline of a start document's gateways, on a clock that stands still."""

    def __init__(self, *gateways: dict[str, Any], **more: Any) -> None:
        providers = [*dict.fromkeys(one["provider"] for one in gateways)]
        document = msgspec.convert({"providers": providers, "gateways": [*gateways], "seed": 1, **more}, FakesConfig)
        self.clock = Clock(document.clock, document.speed, stepped=1_800_000_000.0)
        played = [loading.load(name, (), document.gateways) for name in document.providers]
        self.runtime = Runtime(document, played, self.clock)
        self.pipeline = Pipeline(self.runtime)

    def call(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body of a call; a dict is sent as JSON, pairs as a form."""
        parts = urlsplit(url)
        data, kind = (body, "") if isinstance(body, bytes) else (b"", "") if body is None else (
            (urlencode(body).encode(), "application/x-www-form-urlencoded") if isinstance(body, list)
            else (json.dumps(body).encode(), "application/json")
        )
        made = {"host": parts.netloc, **({"content-type": kind} if kind else {})}
        made |= {name.lower(): value for name, value in (headers or {}).items()}
        host = parts.hostname or ""
        request = Request(
            method=method, path=parts.path or "/", raw_query=parts.query, headers=made, body=data, base=f"https://{host}", host=host,
            scheme="https", client="127.0.0.1",
        )
        reply: Reply | None = self.pipeline.finish(self.pipeline.begin(request, None))
        assert reply is not None
        return reply.status, reply.body.decode()

    def rest(self, token: str | None = TOKEN, headers: dict[str, str] | None = None, **fields: Any) -> tuple[int, str]:
        """A send as REST describes it; fields given as None are left out."""
        said = {"to": US, "from": FROM, "message": {"text": TEXT}, "kind": "otp", **fields}
        made = {"X-Account": "4711", **({"Authorization": f"Bearer {token}"} if token is not None else {}), **(headers or {})}
        return self.call("POST", "https://sms.acme.example/v1/messages", {name: value for name, value in said.items() if value is not None}, made)

    def query(self, **fields: str | None) -> tuple[int, str]:
        """A send as QUERY describes it."""
        said = {"user": "acme", "pass": TOKEN, "to": US, "msg": TEXT, **fields}
        kept = {name: value for name, value in said.items() if value is not None}
        return self.call("GET", f"https://bulk.other.example/send?{urlencode(kept)}")

    @property
    def messages(self) -> list[Any]:
        return self.runtime.store.list(limit=100)

    @property
    def last(self) -> Any:
        """The newest recorded exchange."""
        return self.runtime.exchanges.list()[-1]


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
