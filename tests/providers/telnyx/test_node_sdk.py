"""The official Node SDK, unmodified: at another base URL, and at production hosts inside the fence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.telnyx.conftest import DISABLED, GB, KEY, OTHER_KEY, OWNED, PUBLIC_KEY, TEXT, VERIFY, Telnyx

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
MESSAGE = {"from": OWNED, "to": GB, "text": TEXT}


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(command: list[str], orders: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    done = subprocess.run(command, input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(telnyx: Telnyx, script: Path, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    base = f"{telnyx.fakes.providers['telnyx']}/v2"
    whole = [{"key": KEY, "base": base, "publicKey": PUBLIC_KEY, **order} for order in orders]
    return results_of(["node", str(script)], whole, env={"PATH": os.environ["PATH"]})


def test_send_refusal_and_wrong_key(telnyx: Telnyx, script: Path) -> None:
    """A send is queued; every refusal is an error of its status with the codes in its body."""
    balance, sent, number, key = run(
        telnyx, script, {"call": "balance"}, {"call": "send", "fields": MESSAGE}, {"call": "send", "fields": {**MESSAGE, "to": GB[1:]}},
        {"call": "send", "fields": MESSAGE, "key": OTHER_KEY},
    )
    assert (sent["value"]["data"]["to"][0]["status"], sent["value"]["data"]["id"]) == ("queued", telnyx.last()["provider_id"])
    assert (number["kind"], number["status"], number["codes"]) == ("BadRequestError", 400, ["40310"])
    assert (key["kind"], key["status"], key["codes"]) == ("AuthenticationError", 401, ["10009"])
    assert balance["value"]["data"]["balance"] == "42.50"


def test_disabled_profile_is_tried_three_times(telnyx: Telnyx, script: Path) -> None:
    """The Node SDK too repeats a 409 as if it could pass."""
    (refused,) = run(telnyx, script, {"call": "send", "fields": {**MESSAGE, "messaging_profile_id": DISABLED}, "retries": 2})
    assert refused["codes"] == ["40312"]
    assert [one["code"] for one in telnyx.fakes.exchanges()] == ["40312"] * 3


def test_wrong_code_raises_nothing(telnyx: Telnyx, script: Path) -> None:
    """Verify: a wrong code is a value like the right one, and only response_code tells them apart."""
    start = {"call": "verifySend", "fields": {"phone_number": GB, "verify_profile_id": VERIFY, "custom_code": "12345"}}
    tries = [{"call": "verifyCheck", "fields": {"number": GB, "code": code, "verify_profile_id": VERIFY}} for code in ("54321", "12345")]
    unknown = {"call": "verifySend", "fields": {"phone_number": GB, "verify_profile_id": DISABLED}}
    made, wrong, right, refused = run(telnyx, script, start, *tries, unknown)
    assert made["value"]["data"]["status"] == "pending"
    assert [one["value"]["data"]["response_code"] for one in (wrong, right)] == ["rejected", "accepted"]
    assert (refused["kind"], refused["codes"]) == ("NotFoundError", ["10005"])


def test_webhook_passes_the_sdks_own_check(telnyx: Telnyx, listener: Any, script: Path) -> None:
    """unwrap takes a true webhook, and refuses a changed one and one without a signature."""
    telnyx.send()
    call = listener.wait(2)[-1]
    true = {"body": call.body.decode(), "headers": call.headers}
    changed = {**true, "body": true["body"].replace("delivered", "sent")}
    bare = {**true, "headers": {"content-type": "application/json"}}
    good, bad, unsigned = run(telnyx, script, *({"call": "unwrap", "fields": fields} for fields in (true, changed, bare)))
    assert good["value"]["data"]["event_type"] == "message.finalized"
    assert "value" not in bad
    assert "value" not in unsigned


@pytest.mark.fence
def test_unmodified_over_production_hosts(script: Path, tmp_path: Path) -> None:
    """Inside the fence the SDK calls api.telnyx.com as it ships, and the fake answers."""
    state, report = tmp_path / "telnyx.yaml", tmp_path / "captured.json"
    state.write_text(
        f"provider: telnyx\ncredentials: [{{id: live, secret: {KEY}}}]\nsenders: [{{number: '{OWNED}', kind: long_code}}]\n"
        "balance: {amount: '42.50', currency: USD}\n"
    )
    command = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)]
    sent, refused = results_of(command, [{"call": "send", "fields": MESSAGE, "key": KEY}, {"call": "balance", "key": OTHER_KEY}])
    assert sent["value"]["data"]["id"] in report.read_text()
    assert refused["status"] == 401
