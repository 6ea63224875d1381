"""The official Node SDK, unmodified but for where it calls; inside the fence not even that."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.infobip.conftest import CH, HOST, KEY, OTHER_KEY, TEXT, Bip

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
MESSAGE = {"messages": [{"from": "ACME", "destinations": [{"to": CH}], "text": TEXT}]}
REJECTED = {"messages": [{"from": "ACME", "destinations": [{"to": "0791234567"}], "text": TEXT}]}


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(command: list[str], orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(command, input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_is_refused_is_returned_and_not_thrown(bip: Bip, script: Path) -> None:
    """A send, a message rejected inside a 200 and a wrong key all come back as values; nothing is thrown."""
    base = bip.fakes.providers["infobip"]
    orders = [{"call": "send", "fields": fields, "key": key, "base": base} for fields, key in
              ((MESSAGE, KEY), (REJECTED, KEY), (MESSAGE, OTHER_KEY))]
    sent, rejected, refused = results_of(["node", str(script)], orders)
    assert (sent["status"], sent["data"]["messages"][0]["to"]) == (200, CH)
    assert bip.last()["code"] == "123456"
    assert (rejected["status"], rejected["data"]["messages"][0]["status"]["groupName"]) == (200, "REJECTED")
    assert refused["response"]["status"] == 401
    assert refused["response"]["data"]["requestError"]["serviceException"]["messageId"] == "UNAUTHORIZED"
    assert [one["mismatches"] for one in bip.fakes.exchanges()[:1]] == [[]]


@pytest.mark.fence
def test_unmodified_over_the_accounts_own_host(script: Path, tmp_path: Path) -> None:
    """Inside the fence the SDK calls the host of the account as it ships, and the fake answers."""
    state, report = tmp_path / "infobip.yaml", tmp_path / "captured.json"
    state.write_text(f"provider: infobip\ncredentials: [{{id: live, secret: {KEY}}}]\nsenders: [{{alphanumeric: ACME}}]\n")
    run = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)]
    (sent,) = results_of(run, [{"call": "send", "fields": MESSAGE, "key": KEY, "base": f"https://{HOST}"}])
    assert sent["status"] == 200
    assert sent["data"]["messages"][0]["messageId"] in report.read_text()
