"""The official Node SDK, unmodified: it knows no proxy, so it is given a host, or is run inside the fence."""

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

from tests.providers.sinch.conftest import (
    APP_KEY,
    APP_SECRET,
    GB,
    KEY_ID,
    KEY_SECRET,
    LONG_CODE,
    OTHER_SECRET,
    OTHER_TOKEN,
    PLAN,
    PROJECT,
    TOKEN,
    WEBHOOK_SECRET,
    Sinch,
    batch,
)

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
OF_PLAN = {"servicePlanId": PLAN, "apiToken": TOKEN, "smsRegion": "us"}
OF_APPLICATION = {"applicationKey": APP_KEY, "applicationSecret": APP_SECRET}
OF_PROJECT = {"projectId": PROJECT, "keyId": KEY_ID, "keySecret": KEY_SECRET}


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.cjs", npm_install(HERE)))


def results_of(command: list[str], orders: list[dict[str, Any]], environment: dict[str, str] | None = None) -> list[dict[str, Any]]:
    done = subprocess.run(
        command, input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False, env=environment,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(sinch: Sinch, script: Path, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of every order, with the fake's own port for each host."""
    place = sinch.fakes.providers["sinch"]
    hosts = {"smsHostname": place, "authHostname": place, "numbersHostname": place, "verificationHostname": place}
    whole = [{**order, "options": {**order.get("options", OF_PLAN), **hosts}} for order in orders]
    return results_of(["node", str(script)], whole, {"PATH": os.environ["PATH"]})


def test_batches(sinch: Sinch, script: Path, listener: Any) -> None:
    """A send, a dry run and a report come as the SDK's objects; refusals throw with their status and body."""
    sent, tried, refused, wrong = run(
        sinch, script, {"call": "send", "body": batch()}, {"call": "dry", "body": batch()},
        {"call": "send", "body": batch(to=["07700900123"])}, {"call": "send", "body": batch(), "options": {**OF_PLAN, "apiToken": OTHER_TOKEN}},
    )
    assert (sent["value"]["to"], sent["value"]["type"]) == ([GB], "mt_text")
    assert (sinch.last()["provider_id"], sinch.last()["code"]) == (sent["value"]["id"], "123456")
    assert tried["value"]["number_of_messages"] == 1
    assert (refused["status"], json.loads(refused["data"])["code"]) == (400, "syntax_invalid_parameter_format")
    assert wrong["status"] == 401
    listener.wait(2)
    (report,) = run(sinch, script, {"call": "report", "id": sent["value"]["id"]})
    assert report["value"]["statuses"][0]["status"] == "Delivered"


def test_project_gets_its_token_by_itself(sinch: Sinch, script: Path) -> None:
    """With a project's keys the SDK asks for a token first, for batches and for numbers."""
    query = {"regionCode": "US", "type": "LOCAL"}
    numbers, refused = run(
        sinch, script, {"call": "numbers", "query": query, "options": OF_PROJECT},
        {"call": "numbers", "query": query, "options": {**OF_PROJECT, "keySecret": "wrong-secret-0000000000"}},
    )
    assert [one["phoneNumber"] for one in numbers["value"]["data"]] == [f"+{LONG_CODE}"]
    assert "error" in refused


def test_report_and_the_sdks_own_check(sinch: Sinch, script: Path, listener: Any) -> None:
    """The SDK takes a true report and refuses a changed one."""
    sinch.send()
    call = listener.wait(2)[-1]
    body = call.body.decode()
    order = {"call": "signature", "secret": WEBHOOK_SECRET, "headers": call.headers, "body": body}
    good, bad = run(sinch, script, order, {**order, "body": body.replace("Delivered", "Failed")})
    assert (good["value"], bad["value"]) == (True, False)


def test_verification(sinch: Sinch, script: Path) -> None:
    """A start, a wrong code that throws, the right one, and its status; another secret signs nothing that holds."""
    identity = {"identity": {"type": "number", "endpoint": f"+{GB}"}, "reference": "otp-42"}
    started, wrong = run(
        sinch, script, {"call": "start", "body": identity, "options": OF_APPLICATION},
        {"call": "start", "body": identity, "options": {**OF_APPLICATION, "applicationSecret": OTHER_SECRET}},
    )
    assert (wrong["status"], json.loads(wrong["data"])["errorCode"]) == (401, 40102)
    known = {"id": started["value"]["id"], "options": OF_APPLICATION}
    refused, verified, status = run(
        sinch, script, {"call": "check", "code": "x", **known}, {"call": "check", "code": sinch.last()["code"], **known}, {"call": "status", **known},
    )
    assert (refused["status"], json.loads(refused["data"])["errorCode"]) == (400, 40003)
    assert (verified["value"]["status"], status["value"]["status"]) == ("SUCCESSFUL", "SUCCESSFUL")


def test_event_and_the_sdks_own_check(sinch: Sinch, script: Path, listener: Any) -> None:
    """The SDK takes a true event of a verification, and refuses it changed or called at another path."""
    sinch.start()
    call = listener.wait(1)[0]
    order = {"call": "callback", "headers": call.headers, "body": call.body.decode(), "path": call.path, "options": OF_APPLICATION}
    good, changed, elsewhere = run(
        sinch, script, order, {**order, "body": order["body"].replace("Successful", "Failed")}, {**order, "path": "/other"},
    )
    assert [one["value"] for one in (good, changed, elsewhere)] == [True, False, False]


@pytest.mark.fence
def test_unmodified_over_production_hosts(script: Path, tmp_path: Path) -> None:
    """Inside the fence the SDK calls us.sms.api.sinch.com as it ships, and another region refuses the plan."""
    state, report = tmp_path / "sinch.yaml", tmp_path / "captured.json"
    state.write_text(
        f"provider: sinch\naccount: {{region: us}}\ncredentials: [{{id: {PLAN}, secret: {TOKEN}}}]\nsenders: [{{alphanumeric: ACME}}]\n"
    )
    command = [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)]
    body = batch(delivery_report=None)
    sent, abroad = results_of(command, [
        {"call": "send", "body": body, "options": OF_PLAN}, {"call": "send", "body": body, "options": {**OF_PLAN, "smsRegion": "eu"}},
    ])
    assert sent["value"]["id"] in report.read_text()
    assert abroad["status"] == 401
