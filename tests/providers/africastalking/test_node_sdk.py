"""The official Node SDK, unmodified, over production host names: what it resolves, and whom it leads astray."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.africastalking.conftest import KE, KEY, OTHER_KEY, TEXT, USER, At

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
MESSAGE = {"to": [KE], "message": TEXT, "from": "ACME"}
LIVE = {"username": USER, "key": KEY}

ORDERS: dict[str, dict[str, Any]] = {
    "send": {"call": "send", "fields": MESSAGE, **LIVE},
    "not queued": {"call": "send", "fields": {**MESSAGE, "enqueue": False}, **LIVE},
    "unknown sender": {"call": "send", "fields": {**MESSAGE, "from": "ACMECORP"}, **LIVE},
    "no number": {"call": "send", "fields": {**MESSAGE, "to": ["+2547000"]}, **LIVE},
    "wrong key": {"call": "send", "fields": MESSAGE, "username": USER, "key": OTHER_KEY},
    "user": {"call": "user", **LIVE},
    "inbox": {"call": "inbox", **LIVE},
}
ASTRAY = [ORDERS["send"], {"call": "send", "fields": MESSAGE, "username": "Sandbox", "key": OTHER_KEY}, ORDERS["send"]]


@pytest.fixture(scope="session")
def run(npm_install: Callable[[Path], Path]) -> Callable[..., list[dict[str, Any]]]:
    """Run orders through the client beside its packages, with the proxy and CA of a fake process."""
    script = Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))

    def results_of(fakes: Any, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        environment = {"PATH": os.environ["PATH"], **fakes.environment}
        done = subprocess.run(
            ["node", str(script)], input=json.dumps(orders), capture_output=True, text=True, timeout=60, check=False, env=environment,
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found

    return results_of


def test_sdk_sends_asks_and_resolves_failures(at: At, run: Callable[..., list[dict[str, Any]]]) -> None:
    """Sends resolve on a 201, an unknown sender too; a wrong key rejects with its status; a bad number never leaves."""
    found = dict(zip(ORDERS, run(at.fakes, [*ORDERS.values()]), strict=True))
    entries = [found[name]["value"]["SMSMessageData"]["Recipients"][0] for name in ("send", "not queued")]
    assert [one["statusCode"] for one in entries] == [102, 101]
    assert {one["messageId"] for one in entries} == {one["provider_id"] for one in at.fakes.messages()}
    assert found["unknown sender"]["value"] == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert "invalid phone number" in found["no number"]["error"]
    assert (found["wrong key"]["status"], found["wrong key"]["data"]) == (401, "The supplied authentication is invalid")
    assert found["user"]["value"]["UserData"]["balance"].startswith("USD 42.")
    assert found["inbox"]["value"] == {"SMSMessageData": {"Messages": []}}
    exchanges = [one for one in at.fakes.exchanges() if one["kind"] == "call"]
    assert {one["host"].partition(":")[0] for one in exchanges} == {"api.africastalking.com"}
    assert [one["mismatches"] for one in exchanges if one["accepted"]] == [[]] * 2


def test_one_sandbox_client_leads_all_others_astray(at: At, run: Callable[..., list[dict[str, Any]]]) -> None:
    """Once a client of the sandbox was made, the live one calls the sandbox too, and is refused there."""
    first, _, third = run(at.fakes, ASTRAY)
    assert first["value"]["SMSMessageData"]["Recipients"][0]["status"] == "Success"
    assert third["status"] == 401
    hosts = [one["host"].partition(":")[0] for one in at.fakes.exchanges() if one["kind"] == "call"]
    assert hosts == ["api.africastalking.com", "api.sandbox.africastalking.com", "api.sandbox.africastalking.com"]
