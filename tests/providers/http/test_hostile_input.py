"""Requests nobody should send: answered as a refusal, never a crash of the fake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.providers.http.bench import QUERY, REST, TOKEN, Bench, gateway

URL = "https://sms.acme.example/v1/messages"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Account": "4711", "Content-Type": "application/json"}
BODIES = [
    b"", b"{", b"null", b"[]", b'"text"', b"1", b'{"to": null}', b'{"to": {"a": 1}, "from": [], "message": 7, "kind": "otp"}', b"\xff\xfe", b"[" * 900,
    b'{"to": "\xf0\x9f\x98\x80", "from": "A", "message": {"text": "x"}, "kind": "otp"}', b'{"to": 1e400, "kind": "otp"}', b"{}" * 50,
    b'{"to": "+12025550142\\u0000", "from": "+12025550143", "message": {"text": "\\ud800"}, "kind": "otp"}',
]


def crashes(bench: Bench) -> list[str]:
    return [note for one in bench.runtime.exchanges.list() for note in one.notes if "the fake failed" in note]


@pytest.mark.parametrize("body", BODIES)
def test_a_broken_body_is_refused(body: bytes) -> None:
    """What is no JSON of the described shape is a 400, and nothing is sent."""
    bench = Bench(gateway(REST))
    status, _ = bench.call("POST", URL, body, HEADERS)
    assert (status, crashes(bench), bench.messages) == (400, [], [])


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 400), (1_048_577, 413)])
def test_a_large_body_is_refused(size: int, status: int) -> None:
    """A megabyte of text is too long, more than that is not read."""
    bench = Bench(gateway(REST))
    frame = json.dumps({"to": "+12025550142", "from": "+12025550143", "message": {"text": ""}, "kind": "otp"})
    body = frame.replace('"text": ""', f'"text": "{"x" * (size - len(frame))}"').encode()
    assert (len(body), bench.call("POST", URL, body, HEADERS)[0], crashes(bench)) == (size, status, [])


@pytest.mark.parametrize("headers", [
    {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer  "}, {"Authorization": "Bearer \x00"}, {"Authorization": "Bearer é"},
])
def test_a_broken_credential_is_refused(headers: dict[str, str]) -> None:
    """401, whatever the header holds."""
    bench = Bench(gateway(REST))
    assert (bench.call("POST", URL, {}, {**HEADERS, **headers})[0], crashes(bench)) == (401, [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["to", "from", "message", "text", "kind", "x"]), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=JSON)
def test_any_json_is_answered(document: Any) -> None:
    """Taken where it is as described, else refused; never 5xx."""
    bench = Bench(gateway(REST))
    status, _ = bench.call("POST", URL, json.dumps(document).encode(), HEADERS)
    assert (status in (202, 400), crashes(bench)) == (True, [])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(st.sampled_from(["user", "pass", "to", "msg", "x"]), st.text(max_size=30)))
def test_any_query_is_answered(fields: dict[str, str]) -> None:
    """Taken, refused, or told to authenticate; never 5xx."""
    bench = Bench(gateway(QUERY))
    status, _ = bench.query(**fields)
    assert (status in (200, 400, 401), crashes(bench)) == (True, [])
