"""The official Node SDK, unmodified: it knows no proxy and no other host, so the calls are made inside the fence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.messagebird.conftest import KEY, NL, SIGNING_KEY, TEXT, Bird, url_of

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
MESSAGE = {"originator": "ACME", "recipients": [NL], "body": TEXT, "reference": "otp-42"}
HEADER = "messagebird-signature-jwt"

ORDERS: dict[str, dict[str, Any]] = {
    "send": {"call": "send", "fields": MESSAGE, "key": KEY},
    "refused": {"call": "send", "fields": {**MESSAGE, "originator": "ACME Company"}, "key": KEY},
    "wrong key": {"call": "balance", "key": "zB3dE5fG7hJ9kL1mN3pQ5rS7t"},
    "balance": {"call": "balance", "key": KEY},
}


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(command: list[str], orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(command, input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="session")
def fenced(script: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every order, and the report, of one run inside the fence."""
    folder = tmp_path_factory.mktemp("messagebird")
    state, report = folder / "messagebird.yaml", folder / "captured.json"
    state.write_text(
        f"provider: messagebird\ncredentials: [{{id: live, secret: {KEY}}}]\nsenders: [{{alphanumeric: ACME}}]\n"
        "balance: {amount: '42.50', currency: EUR}\n"
    )
    run = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)]
    found = dict(zip(ORDERS, results_of(run, [*ORDERS.values()]), strict=True))
    return {**found, "report": report.read_text()}


@pytest.mark.fence
def test_unmodified_over_production_hosts(fenced: dict[str, Any]) -> None:
    """The SDK calls rest.messagebird.com as it ships, and the fake answers."""
    sent = fenced["send"]["value"]
    assert sent["recipients"]["items"][0]["recipient"] == int(NL)
    assert sent["id"] in fenced["report"]


@pytest.mark.fence
def test_refusals_throw_with_their_codes(fenced: dict[str, Any]) -> None:
    """Every refusal throws with status, code and parameter."""
    assert (fenced["refused"]["status"], fenced["refused"]["errors"][0]["code"]) == (422, 10)
    assert (fenced["wrong key"]["status"], fenced["wrong key"]["errors"][0]["code"]) == (401, 2)


@pytest.mark.fence
def test_balance(fenced: dict[str, Any]) -> None:
    """The balance is a number in the account's currency."""
    assert fenced["balance"]["value"]["type"] == "euros"


def test_report_and_the_sdks_own_check(bird: Bird, listener: Any, script: Path) -> None:
    """verify() takes a true report and refuses a changed one; the Express middleware lets both through."""
    bird.send()
    call = listener.wait(1)[0]
    true = {"url": url_of(call), "token": call.headers[HEADER], "secret": SIGNING_KEY}
    forged = {**true, "url": true["url"].replace("delivered", "expired")}
    orders = [{"call": name, "fields": fields} for name in ("signature", "middleware") for fields in (true, forged)]
    good, bad, passed, let_through = results_of(["node", str(script)], orders)
    assert good["value"] is True
    assert "url_hash" in bad["error"]
    assert passed["value"] == {"passed": True, "late": []}
    assert let_through["value"]["passed"] is True
    assert "url_hash" in let_through["value"]["late"][0]
