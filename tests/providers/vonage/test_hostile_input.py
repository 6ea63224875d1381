"""Requests nobody should send: answered as a refusal, never a crash of the fake."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.vonage.conftest import (
    GB,
    KEY,
    MESSAGES_KEY,
    MESSAGES_SECRET,
    SECRET,
    VERIFY_KEY,
    VERIFY_SECRET,
    Vonage,
)

BODIES: list[tuple[str, bytes]] = [
    ("application/json", b""), ("application/json", b"null"), ("application/json", b"[]"), ("application/json", b"[1]"),
    ("application/json", b'"text"'), ("application/json", b"{"), ("application/json", b"\xff\xfe"),
    ("application/json", b'{"to":{"a":1},"from":["x"],"text":7}'), ("application/json", b'{"to":null,"from":null}'),
    ("application/json", b'{"to":447700900123,"from":"ACME","text":"1","ttl":1e9,"sms":"x","failover":7}'),
    ("application/json", b'{"message_type":"text","channel":"sms","to":"447700900123","from":"A","text":"x","sms":[]}'),
    ("application/json", b'{"message_type":"text","channel":"sms","to":"447700900123","from":"A","text":"x","failover":"ab"}'),
    ("application/x-www-form-urlencoded", b"%ff%fe=%zz&&=&to"), ("application/x-www-form-urlencoded", b"to=%00&from=%00&text=%00"),
    ("application/x-www-form-urlencoded", b"type=binary&body=zz&to=447700900123&from=ACME"),
    ("application/x-www-form-urlencoded", "to=٤٤٧٧٠٠٩٠٠١٢٣&from=ACME&text=1&ttl=²".encode()),
    ("application/json", b'{"brand":"Acme","workflow":[7,{"channel":["sms"]},{"channel":"sms","to":{}}],"code":1,"code_length":true}'),
    ("application/json", b'{"brand":["A"],"workflow":{"channel":"sms"},"locale":1,"client_ref":[],"channel_timeout":1e9}'),
    ("text/plain", b"\x00\x01\x02"), ("multipart/form-data; boundary=x", b"--x--"), ("", b"to=447700900123"),
]
HEADERS = [
    "", "Basic", "Basic !!!", "Basic YQ==", "Bearer", "Bearer a.b", "Bearer a.b.c", "Bearer e30.e30.e30", "Digest x",
    "Bearer eyJhbGciOiJub25lIn0.eyJhcHBsaWNhdGlvbl9pZCI6IngiLCJpYXQiOjF9.", "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOiJ4In0.x",
]


def failed(vonage: Vonage) -> list[str]:
    return [note for one in vonage.fakes.exchanges() for note in one["notes"] if "the fake failed" in note]


@pytest.mark.parametrize("path", ["/sms/json", "/v1/messages", "/account/settings", "/v2/verify"])
@pytest.mark.parametrize(("content_type", "body"), BODIES)
def test_broken_body_is_refused(vonage: Vonage, path: str, content_type: str, body: bytes) -> None:
    """A body that is no message is answered in the provider's own words; the SMS API overlooks fields it does not know."""
    auth = {"/v1/messages": (MESSAGES_KEY, MESSAGES_SECRET), "/v2/verify": (VERIFY_KEY, VERIFY_SECRET)}.get(path, (KEY, SECRET))
    headers = {"Content-Type": content_type} if content_type else {}
    answer = vonage.fakes.call("vonage", "POST", path, data=body, headers=headers, auth=auth)
    assert failed(vonage) == []
    assert answer.status_code == (422 if path in ("/v1/messages", "/v2/verify") else 200)
    if path == "/sms/json":
        assert answer.json()["messages"][0]["status"] in (("0",) if b"message_type" in body else ("2", "3"))


@pytest.mark.parametrize("header", HEADERS)
def test_broken_authorization_is_refused(vonage: Vonage, header: str) -> None:
    """A header that proves nothing is a missing or wrong credential."""
    body: dict[str, Any] = {"message_type": "text", "channel": "sms", "to": GB, "from": "ACME", "text": "1"}
    headers = {"Authorization": header}
    answer = vonage.fakes.call("vonage", "POST", "/v1/messages", json=body, headers=headers)
    assert answer.status_code == 401
    answer = vonage.fakes.call("vonage", "POST", "/sms/json", data={"to": GB, "from": "ACME", "text": "1"}, headers=headers)
    assert answer.json()["messages"][0]["status"] in ("2", "4")
    assert failed(vonage) == []


@pytest.mark.parametrize("path", ["/", "/sms/xml", "/v1/messages/abc", "/v2/verify/a/b", "/verify/json", "/account/top-up"])
def test_path_that_is_not_played_is_404(vonage: Vonage, path: str) -> None:
    """What this fake does not play is refused and recorded."""
    assert vonage.fakes.call("vonage", "POST", path, auth=(KEY, SECRET)).status_code == 404
    assert vonage.fakes.exchanges()[-1]["kind"] == "unknown_path"
