"""The official Node packages, unmodified but for where they call: what they are told and what they throw."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otpgate_fakes.aws_sns import notification
from tests.providers.aws_sns.conftest import EUM_KEY, EUM_SECRET, FROM, GB, KEY, SECRET, SET, TEXT, US, Aws
from tests.providers.conftest import Listener

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "node"
KEYS = {"accessKeyId": KEY, "secretAccessKey": SECRET}
EUM_KEYS = {"accessKeyId": EUM_KEY, "secretAccessKey": EUM_SECRET}

Node = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def script(npm_install: Callable[[Path], Path]) -> Path:
    """The client script beside its packages."""
    return Path(shutil.copy(HERE / "client.mjs", npm_install(HERE)))


@pytest.fixture
def node(aws: Aws, script: Path) -> Node:
    """Run one call in Node; what it returned or threw."""

    def run(call: str, fields: object = None, auth: object = None) -> dict[str, Any]:
        order = {"call": call, "fields": fields, "auth": auth, "base": aws.base}
        done = subprocess.run(
            ["node", str(script)], input=json.dumps(order), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_publish_is_accepted(aws: Aws, node: Node) -> None:
    """This SDK signs eight headers and writes spaces as %20; the call fits our document all the same."""
    sender = {"DataType": "String", "StringValue": "ACME"}
    sent = node("publish", {"PhoneNumber": GB, "Message": TEXT, "MessageAttributes": {"AWS.SNS.SMS.SenderID": sender}}, KEYS)
    (message,) = aws.running.messages()
    assert (message["provider_id"], message["from"], message["text"]) == (sent["value"]["MessageId"], "ACME", TEXT)
    exchange = aws.running.exchanges()[-1]
    assert exchange["mismatches"] == []
    assert "x-amz-content-sha256" in exchange["request_headers"]


def test_refusals_are_thrown(node: Node) -> None:
    """A modelled exception and a wrong secret have the names of their codes."""
    bad = node("publish", {"PhoneNumber": "abc", "Message": TEXT}, KEYS)
    assert (bad["error"], bad["status"]) == ("InvalidParameterException", 400)
    wrong = node("publish", {"PhoneNumber": US, "Message": TEXT}, KEYS | {"secretAccessKey": SECRET[::-1]})
    assert (wrong["error"], wrong["status"]) == ("SignatureDoesNotMatch", 403)


def test_questions_parse(node: Node) -> None:
    """XML maps and lists, and JSON rows, come out as the SDK's own shapes."""
    assert node("attributes", {}, KEYS)["value"]["attributes"] == {"MonthlySpendLimit": "500", "DefaultSMSType": "Transactional"}
    assert node("origins", {}, KEYS)["value"]["PhoneNumbers"][0]["PhoneNumber"] == FROM
    assert node("numbers", {}, EUM_KEYS)["value"]["PhoneNumbers"][0]["PhoneNumber"] == FROM


def test_end_user_messaging(aws: Aws, node: Node) -> None:
    """A text is accepted, and a refusal carries its reason."""
    fields = {"DestinationPhoneNumber": US, "OriginationIdentity": FROM, "MessageBody": TEXT}
    assert node("text", fields, EUM_KEYS)["value"]["MessageId"] == aws.running.messages()[0]["provider_id"]
    aws.account("eum", opted_out=[US])
    refused = node("text", fields, EUM_KEYS)
    assert (refused["error"], refused["reason"]) == ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_event_passes_the_official_validator(aws: Aws, node: Node, listener: Listener, version: str) -> None:
    """AWS's own validator takes a genuine event, and refuses it once its message is changed."""
    aws.account("eum", settings={"signature_version": version})
    eum = aws.client("pinpoint-sms-voice-v2")
    sent = eum.send_text_message(DestinationPhoneNumber=US, OriginationIdentity=FROM, MessageBody=TEXT, ConfigurationSetName=SET)
    aws.finish(sent["MessageId"])
    message = json.loads(listener.wait(3)[-1].body)
    certificate = notification.certificate().decode()
    assert node("validate", {"message": message, "certificate": certificate}) == {"value": "Notification"}
    changed = message | {"Message": message["Message"].replace("DELIVERED", "BLOCKED")}
    assert "invalid" in node("validate", {"message": changed, "certificate": certificate})["message"]
