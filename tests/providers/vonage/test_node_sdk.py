"""The official Node SDK, unmodified but for where it calls: what it is told and what it throws."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otpgate_contracts.signing_rsa import new_private_key
from tests.providers.vonage.conftest import (
    APPLICATION,
    GB,
    KEY,
    MESSAGES_KEY,
    MESSAGES_SECRET,
    SECRET,
    SIGNATURE_SECRET,
    US,
    VERIFY_APPLICATION,
    VERIFY_KEY,
    VERIFY_SECRET,
    Vonage,
)

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
KEYS = {"apiKey": KEY, "apiSecret": SECRET}
MESSAGES_KEYS = {"apiKey": MESSAGES_KEY, "apiSecret": MESSAGES_SECRET}
START = {"brand": "Acme", "workflow": [{"channel": "sms", "to": GB}, {"channel": "voice", "to": GB}], "codeLength": 6}
TEXT = {"to": GB, "from": "ACME", "text": "123456 is your code"}

Node = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.mjs", npm_install(HERE)))


@pytest.fixture
def node(vonage: Vonage, script: Path) -> Node:
    """Run one call in Node; what it returned or threw."""

    def run(call: str, fields: object = None, auth: object = None) -> dict[str, Any]:
        order = {"call": call, "fields": fields, "auth": auth, "base": vonage.fakes.providers["vonage"]}
        done = subprocess.run(
            ["node", str(script)], input=json.dumps(order), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_sms_sent_as_json_is_accepted(vonage: Vonage, node: Node) -> None:
    """This SDK sends the SMS API a JSON body; the answer has both spellings of its keys."""
    value = node("sms", {**TEXT, "clientRef": "otp-42"}, KEYS)["value"]
    (part,) = value["messages"]
    assert (part["status"], part["message-id"], part["messageId"]) == ("0", part["messageId"], vonage.last()["provider_id"])
    assert vonage.fakes.exchanges()[-1]["request_headers"]["content-type"].startswith("application/json")


def test_failing_body_throws_partial_failure(node: Node) -> None:
    """A status other than 0 throws MessageSendPartialFailure, also where every part failed."""
    assert node("sms", {**TEXT, "to": US}, KEYS)["error"] == "MessageSendPartialFailure"


def test_wrong_secret_of_an_account_question_is_401(node: Node) -> None:
    """Account endpoints answer 401, which the SDK throws with its status."""
    found = node("balance", auth={"apiKey": KEY, "apiSecret": "Wrong0123456789"})
    assert (found["error"], found["status"]) == ("VetchError", 401)


def test_account_questions(node: Node) -> None:
    """Balance and numbers come as the SDK's own types."""
    assert node("balance", auth=KEYS)["value"]["value"] == 120.55
    assert node("numbers", auth=KEYS)["value"]["numbers"][0]["msisdn"] == "12025550187"


def test_messages_with_key_and_secret_and_with_a_token(vonage: Vonage, node: Node, private_key: str) -> None:
    """Both credentials of the Messages API are taken, and the uuid is the captured message's."""
    for auth in (MESSAGES_KEYS, {"applicationId": APPLICATION, "privateKey": private_key}):
        value = node("messages", TEXT, auth)["value"]
        assert value["messageUUID"] == vonage.last()["provider_id"]


def test_messages_refusal_throws_with_its_status(vonage: Vonage, node: Node) -> None:
    """402 for an account without money."""
    vonage.state("messages", balance={"amount": "0.00", "currency": "EUR"})
    found = node("messages", TEXT, MESSAGES_KEYS)
    assert (found["error"], found["status"]) == ("VetchError", 402)


def test_status_webhook_passes_the_sdks_own_check(listener: Any, node: Node) -> None:
    """The token of a status webhook verifies with the signature secret and with no other."""
    node("messages", TEXT, MESSAGES_KEYS)
    token = listener.wait(2)[-1].headers["authorization"].removeprefix("Bearer ")
    assert node("verify", {"token": token, "secret": SIGNATURE_SECRET})["value"] is True
    assert node("verify", {"token": token, "secret": "another" + SIGNATURE_SECRET})["value"] is False


def test_verify_with_a_token(vonage: Vonage, node: Node, private_key: str) -> None:
    """A code starts and completes; a wrong one throws with status 400."""
    auth = {"applicationId": VERIFY_APPLICATION, "privateKey": private_key}
    id = node("start", START, auth)["value"]["requestId"]
    code = vonage.last()["code"]
    wrong = node("check", {"id": id, "code": "000000"}, auth)
    assert (wrong["error"], wrong["status"]) == ("VetchError", 400)
    assert node("check", {"id": id, "code": code}, auth)["value"] == "completed"


def test_verify_goes_on_and_is_cancelled(vonage: Vonage, node: Node, private_key: str) -> None:
    """nextWorkflow and cancel answer true; a second start while one runs throws with status 409."""
    auth = {"applicationId": VERIFY_APPLICATION, "privateKey": private_key}
    id = node("start", START, auth)["value"]["requestId"]
    assert node("start", START, auth)["status"] == 409
    assert node("next", {"id": id}, auth)["value"] is True
    assert node("cancel", {"id": id}, auth)["value"] is True
    assert len(vonage.fakes.messages()) == 2


def test_verify_with_another_key(node: Node) -> None:
    """A token that another key signed is 401, thrown with its status."""
    found = node("start", START, {"applicationId": VERIFY_APPLICATION, "privateKey": new_private_key()})
    assert (found["error"], found["status"]) == ("VetchError", 401)


def test_verify_needs_an_application_in_this_sdk(vonage: Vonage, node: Node) -> None:
    """With key and secret alone, which the API takes, the SDK throws before any call."""
    assert node("start", START, {"apiKey": VERIFY_KEY, "apiSecret": VERIFY_SECRET})["error"] == "MissingApplicationIdError"
    assert vonage.fakes.exchanges() == []


@pytest.mark.fence
def test_unmodified_over_production_hosts(script: Path, tmp_path: Path) -> None:
    """Inside the fence the SDK calls rest.nexmo.com as it ships, and the fake answers."""
    state = tmp_path / "vonage.yaml"
    state.write_text(f"provider: vonage\naccount: {{id: {KEY}}}\ncredentials: [{{id: {KEY}, secret: {SECRET}}}]\n")
    report = tmp_path / "captured.json"
    order = {"call": "sms", "fields": TEXT, "auth": KEYS}
    done = subprocess.run(
        [sys.executable, "-m", "otpgate", "run", "--account", str(state), "--report", str(report), "--", "node", str(script)],
        input=json.dumps(order), capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["value"]["messages"][0]["status"] == "0"
    assert GB in report.read_text()
