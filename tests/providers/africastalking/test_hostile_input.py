"""Requests nobody should send: answered as a refusal, never a crash of the fake."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.providers.africastalking.conftest import KE, KEY, TEXT, USER, At

JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def failed(at: At) -> list[str]:
    """Notes of a fake that failed on its last request."""
    return [note for note in at.fakes.exchanges()[-1]["notes"] if "the fake failed" in note]


BODIES: list[tuple[str, dict[str, str], bytes]] = [
    ("", FORM, b""), ("", FORM, b"%ff%fe=%zz&&=&to"), ("", FORM, "username=acmeotp&to=٣١٦&message=x&enqueue=²".encode()),
    ("", FORM, b"username=acmeotp&to=%00&message=%00"), ("", FORM, b"username=acmeotp&to=%2B254700072929&message=%ED%A0%80&from=%00"),
    ("", {"Content-Type": "text/plain"}, b"\x00\x01"), ("", {}, b"username=acmeotp"), ("", JSON, b"{}"),
    ("/bulk", JSON, b""), ("/bulk", JSON, b"null"), ("/bulk", JSON, b"[]"), ("/bulk", JSON, b'"text"'), ("/bulk", JSON, b"{"),
    ("/bulk", JSON, b"\xff\xfe"), ("/bulk", JSON, b'{"username":{"a":1},"phoneNumbers":{"b":2},"message":7}'),
    ("/bulk", JSON, b'{"username":"acmeotp","phoneNumbers":[null,[],{}],"message":"x"}'),
    ("/bulk", JSON, b'{"username":"acmeotp","phoneNumbers":7,"message":"x","enqueue":1e400}'),
    ("/bulk", JSON, b'{"username":"acmeotp","phoneNumbers":["+254700072929"],"message":"x","senderId":[],"enqueue":[]}'),
    ("/bulk", JSON, b'{"username":"acmeotp","phoneNumbers":["+254700072929"],"message":{"x":1}}'),
]


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
@pytest.mark.parametrize(("path", "headers", "body"), BODIES)
def test_broken_body_is_refused(at: At, path: str, headers: dict[str, str], body: bytes, accept: str) -> None:
    """A body that is no send is refused in words or inside a 201; the fake never fails on it, and XML stays readable."""
    answer = at.call("POST", f"/version1/messaging{path}", data=body, headers={**headers, "Accept": accept})
    assert answer.status_code in (201, 400, 401, 415)
    assert failed(at) == []
    if answer.status_code == 201:
        assert "Success" not in answer.text
        assert accept.endswith("json") or ElementTree.fromstring(answer.text).tag == "AfricasTalkingResponse"


@pytest.mark.parametrize("key", ["", "Bearer x", f"{KEY} x", f"'{KEY}'", KEY[:-1], KEY.upper()])
def test_broken_key_is_refused(at: At, key: str) -> None:
    """Anything but the key itself is a 401."""
    assert at.send(key=key).status_code == 401


FIELDS = ["username", "to", "phoneNumbers", "message", "from", "senderId", "enqueue", "bulkSMSMode", "maskedNumber", "telco", "x"]
ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4,
)
FIT = st.sampled_from([USER, KE, [KE], TEXT, "ACME", 0, 1, "1"])
PLENTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PLENTY
@given(fields=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=12) | st.sampled_from([USER, KE, TEXT, "ACME", "1"])))
def test_any_form_is_answered(at: At, fields: dict[str, str]) -> None:
    """Whatever stands in a form, the answer is yes or no."""
    assert at.call("POST", "/version1/messaging", data={"username": USER, **fields}).status_code in (201, 400, 401)
    assert failed(at) == []


@PLENTY
@given(fields=st.dictionaries(st.sampled_from(FIELDS), ANY | FIT), accept=st.sampled_from(["application/json", "*/*"]))
def test_any_bulk_call_is_answered(at: At, fields: dict[str, Any], accept: str) -> None:
    """Whatever stands in JSON, the answer is yes or no, and readable."""
    body = json.dumps({"username": USER, **fields}).encode()
    answer = at.call("POST", "/version1/messaging/bulk", data=body, headers={**JSON, "Accept": accept})
    assert answer.status_code in (201, 400, 401)
    assert failed(at) == []
    if answer.status_code == 201 and accept == "*/*":
        ElementTree.fromstring(answer.content)


def test_a_body_of_a_megabyte_is_refused(at: At) -> None:
    """More than 128 kilobytes are not read, in either form."""
    assert at.send(message="x" * 1_000_000).status_code == 413
    assert at.bulk(phoneNumbers=[KE] * 60_000).status_code == 413
