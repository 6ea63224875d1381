"""Requests nobody should send: answered in Twilio's envelope, never a crash of the fake."""

from __future__ import annotations

import pytest

from tests.providers.twilio.conftest import ACCOUNT, TOKEN, US, Fakes
from tests.providers.twilio.verifying import SERVICE, owned

FORM = "application/x-www-form-urlencoded"
PATHS = [
    f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", f"/v2/Services/{SERVICE}/Verifications", f"/v2/Services/{SERVICE}/VerificationCheck",
    f"/v2/Services/{SERVICE}/Verifications/%2B{US[1:]}", f"/v2/Services/{SERVICE}/Verifications/%00",
]
BODIES: list[tuple[str, bytes]] = [
    (FORM, b""), (FORM, b"%ff%fe=%zz&&=&To"), (FORM, b"To=%00&Channel=%00&Code=%00&Status=%00"), (FORM, b"\xff\xfe\x00"),
    (FORM, "To=+١٢٣٤٥٦٧٨&Channel=sms&Code=١٢٣٤".encode()), (FORM, b"To=%2B12025550143&To=&Channel=sms&Channel=&CustomCode=%0a%0d1234"),
    (FORM, b"To=%2B12025550143&Channel=sms&RateLimits=%5B1%5D&TemplateCustomSubstitutions=7&Tags=%22"),
    (FORM, b"Code=1234&VerificationSid=VE&To=%2B12025550143"), (FORM, b"&" * 10_000), (FORM, b"Code=" + b"1" * 100_000),
    ("application/json", b'{"To": {"a": 1}, "Channel": ["sms"]}'), ("application/json", b"{"), ("text/plain", b"\x00\x01"),
    ("multipart/form-data; boundary=x", b"--x--"), ("", b"To=%2B12025550143&Channel=sms"),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[-24:])
@pytest.mark.parametrize(("content_type", "body"), BODIES)
def test_a_broken_body_is_refused(fakes: Fakes, path: str, content_type: str, body: bytes) -> None:
    """A body that makes no sense is a 4xx with a code, whatever its label."""
    fakes.account(**owned())
    headers = {"Content-Type": content_type} if content_type else {}
    answer = fakes.session.post(fakes.base + path, data=body, headers=headers, auth=(ACCOUNT, TOKEN), timeout=10)
    assert (answer.status_code // 100, answer.json()["status"]) == (4, answer.status_code)
    assert [note for one in fakes.running.exchanges() for note in one["notes"] if "the fake failed" in note] == []


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic YQ==", "Bearer", "Bearer a.b.c", "Digest x", "Basic /////w=="])
def test_a_broken_authorization_is_refused(fakes: Fakes, header: str) -> None:
    """A header that proves nothing is 401 and 20003, for messages and for Verify."""
    for path in PATHS[:2]:
        form = {"To": US, "Channel": "sms", "From": "+12025550187", "Body": "123456"}
        answer = fakes.session.post(fakes.base + path, data=form, headers={"Authorization": header}, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
