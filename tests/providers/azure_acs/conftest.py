"""One fake process for all Azure tests: a gateway on a resource of its own, and an endpoint that Event Grid may ask."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from time import time
from typing import Any

import pytest
import requests
from msgspec import Struct

from tests.providers.conftest import PUBLIC

RESOURCE = "contoso"
HOST = f"{RESOURCE}.communication.azure.com"
KEY = "b3RwZ2F0ZS10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmLTAxMjM0NTY3ODlhYmNkZWYtMDEyMzQ1Njc4OWFi"
OTHER_KEY = "b3RwZ2F0ZS1vdGhlci1rZXktMDEyMzQ1Njc4OWFiY2RlZi0wMTIzNDU2Nzg5YWJjZGVmLTAxMjM0NTY3ODlh"
CONNECTION = f"endpoint=https://{HOST}/;accesskey={KEY}"
FROM, UNVERIFIED, LONG, SHORT = "+18335550100", "+18445550100", "+12025550187", "12345"
US, US2, GB, LANDLINE = "+12025550143", "+12025550144", "+447700900123", "+442079460123"
TEXT = "123456 is your code"
VERSION = "2021-03-07"
REPORTS = f"{PUBLIC}/webhooks/acs"


def account(**changes: Any) -> dict[str, Any]:
    """A healthy account; `changes` replace whole keys."""
    return {
        "provider": "azure_acs",
        "account": {"id": RESOURCE, "kind": "full", "status": "active"},
        "credentials": [{"id": RESOURCE, "secret_sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
        "senders": [
            {"number": FROM, "kind": "toll_free", "sms": True, "registration": {"scheme": "toll_free", "status": "approved"}},
            {"number": UNVERIFIED, "kind": "toll_free", "sms": True, "registration": {"scheme": "toll_free", "status": "pending"}},
            {"number": LONG, "kind": "long_code", "sms": True, "registration": {"scheme": "10dlc", "status": "pending"}},
            {"number": SHORT, "kind": "short_code", "sms": True, "registration": {"scheme": "ctia_short_code", "status": "approved"}},
            {"alphanumeric": "ACME"},
        ],
        "destinations": {"enabled": ["US", "GB"]},
        "opted_out": [],
        "callbacks": {"status": REPORTS},
        **changes,
    }


def gateway(**more: Any) -> dict[str, Any]:
    return {
        "name": "acs", "provider": "azure_acs", "account": account(), "secrets": {"access_key": KEY}, "settings": {"resource": RESOURCE},
        **more,
    }


class Endpoint:
    """A service's endpoint for Event Grid. `manner` is how it meets a validation: code, silence, cloud, refusal."""

    def __init__(self) -> None:
        self.manner = "code"
        self.statuses: list[int] = []
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self._arrived = Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said, told = endpoint.take(self.command, headers, body)
                self.send_response(status)
                for name, value in {**told, "Content-Length": str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_POST = do_OPTIONS = answer  # noqa: N815 - the names http.server asks for

            def log_message(self, format: str, *args: object) -> None:
                """Keep test output free of access logs."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, method: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, dict[str, str]]:
        with self._arrived:
            self.calls.append((method, headers, body))
            self._arrived.notify_all()
            if method == "OPTIONS":
                origin = {"WebHook-Allowed-Origin": headers["webhook-request-origin"]} if self.manner == "cloud" else {}
                return 200, b"", origin
            if headers.get("aeg-event-type") == "SubscriptionValidation":
                code = json.loads(body)[0]["data"]["validationCode"]
                answers = {"code": (200, json.dumps({"validationResponse": code}).encode()), "refusal": (404, b""),
                           "wrong": (200, b'{"validationResponse": "another"}')}
                status, said = answers.get(self.manner, (200, b""))
                return status, said, {}
            return self.statuses.pop(0) if self.statuses else 200, b"", {}

    def events(self) -> list[Any]:
        """What was told, validations apart."""
        with self._arrived:
            return [json.loads(body) for method, headers, body in self.calls
                    if method == "POST" and headers.get("aeg-event-type") == "Notification"]

    def wait(self, count: int) -> list[Any]:
        """The events so far, once there are `count`."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.events()) >= count, 10):
                pytest.fail(f"waited for {count} events, got {[call[:2] for call in self.calls]}")
        return self.events()

    def clear(self) -> None:
        with self._arrived:
            self.manner = "code"
            self.calls.clear()
            self.statuses.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Azure(Struct):
    """The fake as a plain HTTP client sees it, signing as the tutorial says."""

    fakes: Any

    def call(
        self, method: str, target: str, body: bytes = b"", *, key: str = KEY, host: str = HOST, date: str | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> requests.Response:
        """One signed call; `headers` replace those that are made, None leaves one out."""
        date = date if date is not None else formatdate(time(), usegmt=True)
        made = base64.b64encode(hashlib.sha256(body).digest()).decode()
        text = f"{method}\n{target}\n{date};{host};{made}"
        signature = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()
        whole: dict[str, str | None] = {
            "Host": host, "Content-Type": "application/json", "x-ms-date": date, "x-ms-content-sha256": made,
            "Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}", **(headers or {}),
        }
        given = {name: value for name, value in whole.items() if value is not None}
        found: requests.Response = self.fakes.call("azure_acs", method, target, data=body, headers=given)
        return found

    def send(
        self, *to: str | dict[str, Any], sender: str = FROM, text: str = TEXT, reports: bool = True, options: dict[str, Any] | None = None,
        body: Any = None, version: str = VERSION, **call: Any,
    ) -> requests.Response:
        """A healthy send to a number in the US, unless others are given."""
        whole = body if body is not None else {
            "from": sender, "message": text, "smsRecipients": [{"to": one} if isinstance(one, str) else one for one in to or (US,)],
            "smsSendOptions": {"enableDeliveryReport": reports, **(options or {})},
        }
        query = f"?api-version={version}" if version else ""
        return self.call("POST", f"/sms{query}", whole if isinstance(whole, bytes) else json.dumps(whole).encode(), **call)

    def items(self, *to: str | dict[str, Any], **call: Any) -> list[dict[str, Any]]:
        """The items of a 202."""
        answer = self.send(*to, **call)
        assert answer.status_code == 202, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    def state(self, **changes: Any) -> None:
        """Give the gateway a healthy account but for `changes`."""
        self.fakes.account("acs", account(**changes))

    def last(self) -> dict[str, Any]:
        """The newest message."""
        found: dict[str, Any] = self.fakes.messages(limit=1)[0]
        return found


@pytest.fixture(scope="session")
def answering() -> Iterator[Endpoint]:
    """One endpoint for the session; take `endpoint`, which empties it."""
    found = Endpoint()
    yield found
    found.close()


@pytest.fixture
def endpoint(answering: Endpoint) -> Endpoint:
    """The service's endpoint, with nothing received yet, that answers validations with their code."""
    answering.clear()
    return answering


@pytest.fixture(scope="session")
def process(start_fakes: Callable[..., Any], answering: Endpoint) -> Any:
    """The fake process; take `acs`, which resets it."""
    return start_fakes(
        gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": answering.url}], clock="immediate", seed=7,
    )


@pytest.fixture
def acs(process: Any, endpoint: Endpoint) -> Iterator[Azure]:
    """A clean slate: a healthy account, no faults, no messages, nothing validated."""
    process.clock(mode="immediate", shift=0)
    found = Azure(fakes=process)
    found.state()
    yield found
    process.clock(mode="manual", shift=0)
    process.reset()
