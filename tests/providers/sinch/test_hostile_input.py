"""Requests nobody should send: answered as a refusal, never a crash of the fake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.providers.sinch.conftest import GB, KEY_ID, PLAN, PROJECT, TEXT, TOKEN, Sinch

JSON = {"Content-Type": "application/json"}


def failed(sinch: Sinch) -> list[str]:
    return [note for one in sinch.fakes.exchanges() for note in one["notes"] if "the fake failed" in note]


BODIES = [
    b"", b"null", b"[]", b'"text"', b"7", b"{", b"\xff\xfe", b'{"to":{"a":1}}', b'{"to":[null,[],{}]}', b'{"to":["\\u0000"]}',
    '{"to":["٣١٦"],"body":"x","from":"A"}'.encode(), b'{"to":["+"],"body":"x"}', b'{"to":["447700900123"],"body":{}}',
    b'{"to":["447700900123"],"body":"x","from":[]}', b'{"to":["447700900123"],"body":"x","from":"A","expire_at":"0001-01-01"}',
    b'{"to":["447700900123"],"body":"x","from":"A","send_at":"9999-12-31T23:59:59.999999+00:00","expire_at":"0001-01-01T00:00:00+23:59"}',
    b'{"to":["447700900123"],"body":"x","from":"A","parameters":{"":{}}}', b'{"to":["447700900123"],"body":"x","type":{}}',
    b'{"to":["447700900123"],"body":"zz","type":"mt_binary","from":"A"}', b'{"to":["447700900123"],"body":"x","from_ton":1e400}',
    b'{"to":["447700900123"],"body":"x","max_number_of_message_parts":true}', b'{"to":["447700900123"],"body":"\\ud800"}',
]


@pytest.mark.parametrize("path", ["batches", "batches/dry_run"])
@pytest.mark.parametrize("body", BODIES)
def test_a_broken_body_is_refused(sinch: Sinch, path: str, body: bytes) -> None:
    """A body that is no batch is a 400 with a code."""
    answer = sinch.call("POST", path, data=body, headers=JSON)
    assert failed(sinch) == []
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("syntax_")


@pytest.mark.parametrize("header", [
    "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer '{TOKEN}'", f"Bearer{TOKEN}", "Bearer a.b.c", "Bearer e30.e30.", "Bearer ..",
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJjbGllbnRfaWQiOjEsImV4cCI6IngifQ.AA", "Bearer \u00e9",
])
def test_a_broken_authorization_is_refused(sinch: Sinch, header: str) -> None:
    """Anything but the scheme word and the token is a 401."""
    for path in (f"/xms/v1/{PLAN}/batches", f"/v1/projects/{PROJECT}/availableRegions"):
        assert sinch.call("GET", path, token=None, headers={"Authorization": header.encode()}).status_code == 401
    assert sinch.call("POST", "/oauth2/token", token=None, headers={"Authorization": header.encode()}, data={}).status_code == 401
    assert failed(sinch) == []


ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4,
)
FIELDS = [
    "to", "from", "body", "type", "delivery_report", "callback_url", "client_reference", "send_at", "expire_at", "parameters",
    "max_number_of_message_parts", "truncate_concat", "campaign_id", "udh", "flash_message",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(
    st.sampled_from(FIELDS), ANY | st.sampled_from([[GB], TEXT, "ACME", "mt_binary", "full", "2026-12-01T00:00:00Z", {"a": {"default": "b"}}]),
))
def test_any_batch_is_answered(sinch: Sinch, fields: dict[str, Any]) -> None:
    """Whatever stands in a body, Sinch says yes or no."""
    answer = sinch.call("POST", "batches", data=json.dumps(fields).encode(), headers=JSON)
    assert answer.status_code in (201, 400, 403)
    assert failed(sinch) == []


@pytest.mark.parametrize("query", ["page=%C2%B2", "page_size=101", "page_size=1e9", "start_date=%00", "end_date=9999-99-99", "page=" + "9" * 400])
def test_a_broken_query_is_refused(sinch: Sinch, query: str) -> None:
    """Numbers and dates that are none are a 400."""
    for path in ("batches", "delivery_reports", "inbounds"):
        assert sinch.call("GET", f"{path}?{query}").status_code == 400
    assert failed(sinch) == []


def test_broken_questions_about_numbers_are_refused(sinch: Sinch) -> None:
    """Pages that are none, and another project, are refused in the words of the Numbers API."""
    path = f"/v1/projects/{PROJECT}/activeNumbers?regionCode=US&type=LOCAL"
    assert sinch.keys("GET", f"{path}&pageSize=x").status_code == 400
    assert sinch.keys("GET", f"{path}&pageToken=%C2%B2").json()["error"]["status"] == "INVALID_ARGUMENT"
    assert sinch.keys("GET", f"/v1/projects/{KEY_ID}/availableRegions").status_code == 401


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("POST", "/xms/v2/x/batches", 404), ("GET", "/../x.pem", 404), ("PUT", f"/xms/v1/{PLAN}/batches", 405)])
def test_what_is_not_played_is_refused(sinch: Sinch, method: str, path: str, status: int) -> None:
    """Other paths and methods are recorded as such."""
    assert sinch.call(method, path).status_code == status
    assert sinch.fakes.exchanges()[-1]["kind"] == "unknown_path"


def test_a_body_of_a_megabyte_is_refused(sinch: Sinch) -> None:
    """More than 1 MB is not read."""
    assert sinch.send(body="1" * 1_100_000).status_code == 413
