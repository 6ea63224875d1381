"""The older official Python SDK, unmodified, which still has the Verification API: beside the newer one, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.providers.sinch.conftest import APP_KEY, APP_SECRET, GB, OTHER_SECRET, Sinch

VERSION = "1.1.4"
IDENTITY = {"type": "number", "endpoint": f"+{GB}"}


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with the older SDK alone; what it needs is there already."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otpgate-tests" / f"sinch-{VERSION}"
    if not (cache / "sinch").exists():
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(cache), f"sinch=={VERSION}"],
            capture_output=True, text=True, timeout=300, check=False,
        )
        if done.returncode:
            pytest.fail(f"sinch {VERSION} could not be installed into {cache}: {done.stderr[-2000:]}")
    return cache


def results_of(sinch: Sinch, packages: Path, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of every order, made over production host names."""
    whole = [{"key": APP_KEY, "secret": APP_SECRET, **order} for order in orders]
    environment = {**os.environ, **sinch.fakes.environment, "PYTHONPATH": str(packages)}
    environment.pop("no_proxy", None)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "older.py")], input=json.dumps(whole), capture_output=True, text=True, timeout=60,
        check=False, env=environment,
    )
    assert done.returncode == 0, done.stderr
    version, *found = json.loads(done.stdout)
    assert version == VERSION
    return found


def start(**arguments: Any) -> dict[str, Any]:
    return {"call": "verifications.start_sms", "arguments": {"identity": IDENTITY, **arguments}}


def report(id: str, code: str) -> dict[str, Any]:
    return {"call": "verifications.report_sms_by_id", "arguments": {"id": id, "code": code}}


def test_code_is_sent_checked_and_read_back(sinch: Sinch, packages: Path) -> None:
    """A start, a wrong code that raises, the right one by id, and the status by number."""
    (started,) = results_of(sinch, packages, start(reference="otp-42"))
    id = started["value"]["id"]
    assert sinch.fakes.exchanges()[-1]["host"].startswith("verification.api.sinch.com")
    wrong, right, status = results_of(
        sinch, packages, report(id, "x"), report(id, sinch.last()["code"]),
        {"call": "verification_status.get_by_identity", "arguments": {"endpoint": f"+{GB}", "method": "sms"}},
    )
    assert (wrong["error"], wrong["message"]) == ("VerificationException", "Invalid identity or code.")
    assert (right["value"]["status"], status["value"]["status"]) == ("SUCCESSFUL", "SUCCESSFUL")


def test_code_is_reported_by_number(sinch: Sinch, packages: Path) -> None:
    """The plus of the number stands in the path, and under the signature."""
    sinch.start()
    (right,) = results_of(sinch, packages, {
        "call": "verifications.report_sms_by_identity", "arguments": {"endpoint": f"+{GB}", "code": sinch.last()["code"]},
    })
    assert right["value"]["status"] == "SUCCESSFUL"


def test_wrong_secret_and_wrong_number_raise(sinch: Sinch, packages: Path) -> None:
    """Another application's secret is 401, a number without plus 400."""
    secret, number = results_of(
        sinch, packages, {**start(), "secret": OTHER_SECRET}, start(identity={"type": "number", "endpoint": GB}),
    )
    assert [(one["error"], one["status"]) for one in (secret, number)] == [("VerificationException", 401), ("VerificationException", 400)]


def test_one_option_alone_is_heard(sinch: Sinch, packages: Path) -> None:
    """Of expiry and template together, the template never reaches smsOptions."""
    results_of(sinch, packages, start(template="Acme {{CODE}}", expiry="00:05:00"))
    assert sinch.last()["text"].startswith("Your verification code")
    results_of(sinch, packages, start(template="Acme {{CODE}}"))
    assert sinch.last()["text"].startswith("Acme ")
