"""The official Node SDK, unmodified, through proxy and CA variables: items that failed, calls that were refused, plain http."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.azure_acs.conftest import CONNECTION, FROM, HOST, KEY, OTHER_KEY, TEXT, US, Azure, Endpoint

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(acs: Azure, script: Path, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    usual = {"connection": CONNECTION, "options": {"retryOptions": {"maxRetries": 0}}, "from": FROM, "to": [US], "message": TEXT}
    done = subprocess.run(
        ["node", str(script)], input=json.dumps([{**usual, **order} for order in orders]), capture_output=True, text=True, timeout=60,
        check=False, env={"PATH": os.environ["PATH"], **acs.fakes.environment},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_sdk_sends_and_throws_only_for_whole_calls(acs: Azure, endpoint: Endpoint, script: Path) -> None:
    """Failed items are in the list; a wrong key throws with its code, a foreign sender, whose message is empty, without."""
    sent, mixed, key, sender = results_of(
        acs, script, {"send": {"enableDeliveryReport": True, "tag": "otp"}}, {"to": [US, "+112345678901"]},
        {"connection": CONNECTION.replace(KEY, OTHER_KEY)}, {"from": "+18335550199"},
    )
    assert (sent["items"][0]["successful"], sent["items"][0]["repeatabilityResult"]) == (True, "accepted")
    assert [item["successful"] for item in mixed["items"]] == [True, False]
    assert [(one["error"]["status"], one["error"]["code"]) for one in (key, sender)] == [(401, "Denied"), (401, None)]
    assert json.loads(sender["error"]["message"]) == {"error": {"code": "Unauthorized", "message": ""}}
    assert endpoint.wait(1)[0][0]["data"]["tag"] == "otp"
    hosts = {one["host"].partition(":")[0] for one in acs.fakes.exchanges()}
    assert (hosts, [one["mismatches"] for one in acs.fakes.exchanges()]) == ({HOST}, [[]] * 4)


def test_plain_http_has_to_be_allowed(acs: Azure, script: Path) -> None:
    """A local endpoint is refused by the SDK itself unless allowInsecureConnection is given."""
    local = f"endpoint={acs.fakes.providers['azure_acs']}/;accesskey={KEY}"
    refused, taken = results_of(acs, script, {"connection": local}, {"connection": local, "options": {"allowInsecureConnection": True}})
    assert "allowInsecureConnection" in refused["error"]["message"]
    assert taken["items"][0]["successful"] is True
