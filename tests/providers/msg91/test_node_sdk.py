"""The official Node SDK, unmodified, over production host names: what it sends, what it loses, what it lets pass."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.msg91.conftest import FLOW, GB, HEADER, IN, IN2, KEY, OTHER_KEY, REGISTERED, Msg91

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
FLAT = {"flow": FLOW, "recipient": {"mobile": IN, "OTP": "123456"}, "options": {"senderId": HEADER, "shortURL": False}}
SEVERAL = {"flow": FLOW, "recipient": [{"mobiles": IN2, "OTP": "1111"}, {"mobiles": GB, "OTP": "2222"}]}

ORDERS: dict[str, dict[str, Any]] = {
    "flow": {"call": "flow", "fields": FLAT, "key": KEY},
    "several": {"call": "flow", "fields": SEVERAL, "key": KEY},
    "dlt id": {"call": "flow", "fields": {**FLAT, "flow": REGISTERED}, "key": KEY},
    "wrong key": {"call": "flow", "fields": FLAT, "key": OTHER_KEY},
    "otp": {"call": "otp", "fields": {"template": FLOW, "mobile": IN}, "key": KEY},
    "retry": {"call": "retry", "fields": {"template": FLOW, "mobile": IN}, "key": KEY},
    "wrong code": {"call": "verify", "fields": {"template": FLOW, "mobile": IN, "otp": "0000"}, "key": KEY},
}


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


@pytest.fixture
def results(msg91: Msg91, run: Callable[..., list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What came of every order."""
    return dict(zip(ORDERS, run(msg91.fakes, [*ORDERS.values()]), strict=True))


def test_sdk_sends_refuses_and_loses(msg91: Msg91, results: dict[str, dict[str, Any]]) -> None:
    """Sends resolve with the id, refusals reject in words without a code, and the id of an OTP is lost."""
    sent = {one["provider_id"] for one in msg91.fakes.messages()}
    assert results["flow"]["value"]["message"] in sent
    assert results["several"]["value"]["message"] in sent
    assert results["dlt id"] == {"error": "The provided flow ID or template ID is invalid.", "keys": ["message"]}
    assert results["wrong key"] == {"error": "Invalid authkey", "keys": ["message"]}
    assert results["otp"] == {"value": {}}
    assert results["retry"]["value"] == {"message": "retry send successfully"}
    assert results["wrong code"]["error"] == "OTP not match"
    exchanges = [one for one in msg91.fakes.exchanges() if one["kind"] == "call"]
    assert {one["host"].partition(":")[0] for one in exchanges} == {"api.msg91.com"}
    assert [one["mismatches"] for one in exchanges if one["accepted"]] == [[]] * 4


def test_right_code_verifies_once(msg91: Msg91, run: Callable[..., list[dict[str, Any]]]) -> None:
    """The code that arrived is right once; the second time the SDK rejects."""
    run(msg91.fakes, [ORDERS["otp"]])
    order = {"call": "verify", "fields": {"template": FLOW, "mobile": IN, "otp": msg91.last()["code"]}, "key": KEY}
    first, second = run(msg91.fakes, [order, order])
    assert first == {"value": {"message": "OTP verified success"}}
    assert second["error"] == "Mobile no. already verified"
