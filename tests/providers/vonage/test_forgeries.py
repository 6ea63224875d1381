"""Forged receipts, as the scenario `receipts` orders them: each deviates in the one way its name says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otpgate_contracts import signing
from tests.providers.vonage.conftest import SIGNATURE_SECRET, Vonage


def ordered(vonage: Vonage, listener: Any, gateway: str, forgery: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The true receipt before, the forged call, and its record."""
    before = 2
    vonage.sms() if gateway == "sms" else vonage.message()
    true = listener.wait(before)[-1]
    record = vonage.fakes.admin("POST", "receipts", {"message": vonage.last()["id"], "forgery": forgery})
    assert record["forged"] == forgery
    forged = listener.wait(before + 1)[-1]
    return true, forged, record


def holds(call: Any) -> bool:
    """Whether a receiver that checks as documented accepts the receipt."""
    fields = json.loads(call.body)
    if "message_uuid" in fields:
        header = call.headers.get("authorization", "")
        return signing.verify("jwt-hs256-body", SIGNATURE_SECRET, signing.Material(body=call.body), header)
    material = signing.Material(params=tuple(fields.items()))
    return signing.verify("sorted-params-hmac-sha256", SIGNATURE_SECRET, material, fields.get("sig", ""))


@pytest.mark.parametrize("gateway", ["sms", "messages"])
@pytest.mark.parametrize(
    ("forgery", "valid"),
    [("unsigned", False), ("tampered", False), ("wrong_secret", False), ("unknown_id", True), ("stale_time", True),
     ("replayed", True), ("duplicate", True)],
)
def test_forgery(vonage: Vonage, listener: Any, gateway: str, forgery: str, valid: bool) -> None:
    """Unsigned, tampered and wrongly signed receipts do not verify; the others do, and lie in what they say."""
    true, forged, _ = ordered(vonage, listener, gateway, forgery)
    assert holds(true)
    assert holds(forged) is valid
    name = "messageId" if gateway == "sms" else "message_uuid"
    known = json.loads(true.body)[name] == json.loads(forged.body)[name]
    assert known is (forgery != "unknown_id")
    assert forged.body == true.body or forgery != "replayed"


def test_stale_receipt_says_so_inside_its_signature(vonage: Vonage, listener: Any) -> None:
    """The signed timestamp of a stale receipt lies an hour back."""
    true, forged, _ = ordered(vonage, listener, "sms", "stale_time")
    ages = [int(json.loads(call.body)["timestamp"]) for call in (true, forged)]
    assert ages[0] - ages[1] >= 3590
