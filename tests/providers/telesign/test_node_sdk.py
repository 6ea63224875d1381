"""The official Node SDK, unmodified: it knows no proxy but takes an endpoint, and hands back the parsed body alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers.telesign.conftest import GB, ID, KEY, OTHER_KEY, TEXT, Telesign

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(ts: Telesign, script: Path, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    endpoint = ts.fakes.providers["telesign"]
    whole = [{"call": "message", "endpoint": endpoint, "id": ID, "key": KEY, "arguments": [GB, TEXT, "OTP"], **order} for order in orders]
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(whole), capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_sdk_sends_and_loses_the_http_status(ts: Telesign, script: Path) -> None:
    """A taken send, a refused number and a wrong key all come as bodies, without an error and without a status."""
    sent, number, key = results_of(ts, script, {}, {"arguments": [f"+{GB}", TEXT, "OTP"]}, {"key": OTHER_KEY})
    assert [one["error"] for one in (sent, number, key)] == [None] * 3
    assert [one["body"]["status"]["code"] for one in (sent, number, key)] == [290, 11000, 10008]
    assert (ts.last()["provider_id"], ts.last()["code"]) == (sent["body"]["reference_id"], "123456")


def test_status_is_read(ts: Telesign, script: Path) -> None:
    """A reference id is read back; an unknown one is a body with its code."""
    reference = ts.send().json()["reference_id"]
    known, unknown = results_of(
        ts, script, {"call": "status", "arguments": [reference]}, {"call": "status", "arguments": ["0" * 32]},
    )
    assert known["body"]["reference_id"] == reference
    assert unknown["body"]["status"]["code"] == -10001
