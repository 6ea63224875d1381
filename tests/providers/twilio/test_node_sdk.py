"""npm `twilio`, unmodified and at production host names, is caught by the relay and understands every answer."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.providers.conftest import PUBLIC, Listener
from tests.providers.twilio.conftest import ACCOUNT, EMPTY_POOL, FROM, POOL, TOKEN, US, Fakes
from tests.providers.twilio.verifying import OTHER_SERVICE, SERVICE, WRONG, owned

pytestmark = [pytest.mark.node, pytest.mark.slow]

HERE = Path(__file__).parent / "node"
Node = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def installed(npm_install: Callable[[Path], Path]) -> Path:
    return npm_install(HERE)


@pytest.fixture
def node(installed: Path, fakes: Fakes) -> Node:
    """Run one step of client.js; its result, or the error it ended with."""

    def run(step: str, *more: object, **changes: str) -> dict[str, Any]:
        values = {"account": ACCOUNT, "token": TOKEN, "to": US, "from": FROM, "pool": POOL, "service": SERVICE} | changes
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_PATH": str(installed / "node_modules"),
            "HTTP_PROXY": fakes.running.proxy,
            "NODE_EXTRA_CA_CERTS": fakes.running.ca,
        }
        done = subprocess.run(
            ["node", str(HERE / "client.js"), step, json.dumps(values), *map(json.dumps, more)],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


def test_send(fakes: Fakes, node: Node) -> None:
    """A send through the proxy to api.twilio.com lands in the fake, over TLS."""
    sent = node("send")["result"]
    assert sent["status"] == "queued"
    assert [message["provider_id"] for message in fakes.running.messages()] == [sent["sid"]]
    assert {exchange["host"] for exchange in fakes.running.exchanges() if exchange["kind"] == "call"} == {"api.twilio.com"}


def test_dates(node: Node) -> None:
    """dateCreated is a date; dateSent is null and not the present time."""
    sent = node("send")["result"]
    assert sent["created"]
    assert sent["sent"] is None


def test_fetch(node: Node) -> None:
    """A message read back is the one that was sent."""
    both = node("fetch")["result"]
    assert both["fetched"]["sid"] == both["sent"]


def test_pages(node: Node) -> None:
    """A list follows the relative next page links to the end, newest first."""
    both = node("pages")["result"]
    assert both["found"] == both["sent"]


def test_absolute_page_links(node: Node) -> None:
    """A v1 list follows the absolute next page links, which lead to the host the client called."""
    assert node("services")["result"] == [POOL, EMPTY_POOL]


def test_cancel(node: Node) -> None:
    """A scheduled message can be cancelled."""
    assert node("cancel")["result"] == {"before": "scheduled", "after": "canceled"}


def test_redact(node: Node) -> None:
    """An empty body blanks the text."""
    assert node("redact")["result"]["body"] == ""


def test_refusal(node: Node) -> None:
    """A refusal is a RestException with Twilio's code and link."""
    error = node("send", to="2025550143")["error"]
    assert (error["name"], error["status"], error["code"]) == ("RestException", 400, 21211)
    assert error["moreInfo"] == "https://www.twilio.com/docs/errors/21211"


def test_wrong_credentials(node: Node) -> None:
    """A wrong token is 401 and 20003."""
    error = node("send", token=TOKEN[::-1])["error"]
    assert (error["status"], error["code"]) == (401, 20003)


def test_callback_is_genuine(fakes: Fakes, listener: Listener, node: Node) -> None:
    """validateRequest accepts a callback as it arrived at the service."""
    client = fakes.client()
    sent = client.messages.create(to=US, from_=FROM, body="123456", status_callback=f"{PUBLIC}/hook")
    fakes.step(sent.sid, "delivered")
    call = listener.wait(1)[0]
    given = {
        "signature": call.headers["x-twilio-signature"],
        "url": f"{PUBLIC}{call.path}",
        "params": dict(parse_qsl(call.body.decode())),
    }
    assert node("validate", given)["result"] == {"valid": True}


def test_verify(fakes: Fakes, node: Node) -> None:
    """A code starts at verify.twilio.com, a wrong one is no error and stays pending, the right one is approved, then gone."""
    fakes.account(**owned())
    started = node("start")["result"]
    assert (started["status"], started["valid"], started["sends"]) == ("pending", False, 1)
    assert node("check", {"code": WRONG})["result"] == {"status": "pending", "valid": False}
    code = fakes.running.messages()[0]["code"]
    assert node("check", {"code": code})["result"] == {"status": "approved", "valid": True}
    assert node("check", {"code": code})["error"]["code"] == 20404
    assert {one["host"] for one in fakes.running.exchanges() if one["kind"] == "call"} == {"verify.twilio.com"}


def test_cancel_verification(node: Node) -> None:
    """A pending verification can be cancelled."""
    assert node("cancelVerification")["result"] == {"before": "pending", "after": "canceled"}


def test_verify_service(fakes: Fakes, node: Node) -> None:
    """The service of the account tells how long its codes are; one that is not the account's is not found."""
    fakes.account(**owned(code_length=8))
    assert node("verifyService")["result"] == {"sid": SERVICE, "codeLength": 8, "every": [SERVICE]}
    error = node("start", service=OTHER_SERVICE)["error"]
    assert (error["name"], error["status"], error["code"]) == ("RestException", 404, 20404)


def test_verify_wrong_credentials(node: Node) -> None:
    """A wrong token is 401 and 20003 at Verify too."""
    error = node("start", token=TOKEN[::-1])["error"]
    assert (error["status"], error["code"]) == (401, 20003)
