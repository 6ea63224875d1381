"""The official Node SDK, unmodified: through proxy and CA variables, and inside the fence."""

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

from tests.providers.plivo.conftest import CALLBACK, GB, ID, OTHER_TOKEN, TEXT, TOKEN, Plivo, url_of

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
MESSAGE = {"src": "ACME", "dst": GB, "text": TEXT, "url": CALLBACK}
OWN = {"id": ID, "token": TOKEN}

ORDERS: dict[str, dict[str, Any]] = {
    "send": {"call": "send", "fields": MESSAGE, **OWN},
    "refused": {"call": "send", "fields": {**MESSAGE, "dst": "07700900123"}, **OWN},
    "wrong token": {"call": "account", "id": ID, "token": OTHER_TOKEN},
    "account": {"call": "account", **OWN},
    "session": {"call": "session", "fields": {"recipient": GB}, **OWN},
}


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(command: list[str], orders: list[dict[str, Any]], **environment: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        command, input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def told(plivo: Plivo, script: Path) -> dict[str, Any]:
    """What came of every order, led by variables alone."""
    return dict(zip(ORDERS, results_of(["node", str(script)], [*ORDERS.values()], **plivo.fakes.environment), strict=True))


def test_unmodified_over_production_hosts(plivo: Plivo, told: dict[str, Any]) -> None:
    """Ids come in a list, refusals are thrown with Plivo's words, and the 401 without JSON is one too."""
    identifiers = told["send"]["value"]["messageUuid"]
    assert identifiers == [one["provider_id"] for one in plivo.fakes.messages() if one["product"] == "sms"]
    assert "07700900123 is not a valid phone number" in told["refused"]["error"]
    assert "Could not verify your access level" in told["wrong token"]["error"]
    assert told["account"]["value"]["cashCredits"] == "42.49250"
    assert told["session"]["value"]["sessionUuid"]
    assert all(one["mismatches"] == [] for one in plivo.fakes.exchanges() if one["status"] == 202)


@pytest.mark.slow
@pytest.mark.fence
def test_unmodified_inside_the_fence(script: Path, tmp_path: Path) -> None:
    """api.plivo.com is the fake; nothing of the program knows."""
    state, report = tmp_path / "plivo.yaml", tmp_path / "captured.json"
    state.write_text(f"provider: plivo\ncredentials: [{{id: {ID}, secret: {TOKEN}}}]\nsenders: [{{alphanumeric: ACME}}]\n")
    run = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)]
    (sent,) = results_of(run, [ORDERS["send"]])
    assert sent["value"]["messageUuid"][0] in report.read_text()


def test_callback_and_the_sdks_own_check(plivo: Plivo, listener: Any, script: Path) -> None:
    """validateSignature() takes a true callback, whatever its query says, and refuses another path."""
    plivo.send()
    call = listener.wait(1)[0]
    given = {"nonce": call.headers["x-plivo-signature-v2-nonce"], "signature": call.headers["x-plivo-signature-v2"], "token": TOKEN}
    urls = (url_of(call), f"{url_of(call)}?forged=1", f"{url_of(call)}/")
    orders = [{"call": "signature", "fields": {**given, "url": url}} for url in urls]
    assert [one["value"] for one in results_of(["node", str(script)], orders)] == [True, True, False]
