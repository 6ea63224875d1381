"""What nobody should send, to every provider there is: a refusal in its words, never a crash, a hang or a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.providers import sends
from tests.providers.conftest import Running, Start
from tests.providers.sends import SampleSend

FORM = "application/x-www-form-urlencoded"
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from(["", "+", "+0", "٣١٦", "\x00", "x" * 5_000, "2026-13-45T99:99:99Z", "{#var#}", "https://[", "1e400", "-1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2), max_leaves=4,
)
RAW = [
    b"", b"null", b"[]", b"[[[[", b'"text"', b"7", b"{", b"\xff\xfe\x00", b'{"a":' * 3_000, b"\x1f\x8b\x08garbage", b"<a><b></a>", b"a=%zz&=&&&a[b=",
    b'{"to":"\\ud800"}', b"--x\r\nContent-Disposition: form-data\r\n\r\n", b'{"a":1,"a":2,"":{}}',
]
TYPES = ["", FORM, "multipart/form-data", "application/json; charset=utf-16"]

MEGABYTE = 1_048_000
HUGE = [
    b'{"a":' * (MEGABYTE // 5), b"%25" * (MEGABYTE // 3), b"&".join(b"a%d=1" % number for number in range(MEGABYTE // 11)),
    b'{"text":"' + b"code 1234 " * (MEGABYTE // 10) + b'"}', b'"password" ' * (MEGABYTE // 11),
]
AUTHORIZATIONS = [
    "", "Basic", "Basic ====", "Basic \xff", "Bearer a.b.c", "Bearer " + "x" * 6_000, "AWS4-HMAC-SHA256 Credential=", "TSA ", "App",
    "HMAC-SHA256 SignedHeaders=&Signature=", "AccessKey", "Application \xff:",
]


class Hostile:
    """The fake of one provider and the sample send that is spoilt."""

    def __init__(self, fakes: Running, send: SampleSend) -> None:
        self.fakes = fakes
        self.send = send
        self.typed = send.headers.get("Content-Type", "").partition(";")[0]

    def call(self, path: str | None = None, body: bytes | None = None, **headers: str) -> requests.Response:
        """The sample, but for what is given. The answer is none of a server that broke."""
        merged = {**self.send.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.fakes.call(
            self.send.provider, self.send.method, path or self.send.path, data=self.send.body.encode() if body is None else body,
            headers={name: value.encode() for name, value in merged.items()},
        )
        assert answer.status_code < 500, answer.text
        return answer

    def fields(self) -> dict[str, Any]:
        """The fields of the sample's body."""
        return json.loads(self.send.body) if self.typed == "application/json" else dict(parse_qsl(self.send.body))

    def written(self, fields: dict[str, Any]) -> bytes:
        if self.typed == "application/json":
            return json.dumps(fields).encode()
        return urlencode({name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}).encode()

    def stands(self) -> None:
        """The sample itself is still taken."""
        assert self.call().status_code < 300


@pytest.fixture(params=sends.providers())
def hostile(request: pytest.FixtureRequest, start_fakes: Start) -> Iterator[Hostile]:
    send = sends.read(request.param)
    fakes = start_fakes(**send.config())
    fakes.clock(shift=send.shift())
    yield Hostile(fakes, send)
    assert not [one["notes"] for one in fakes.exchanges() if any("the fake failed" in note for note in one["notes"])]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_may_hold_anything(hostile: Hostile, data: st.DataObject) -> None:
    """Fields left out, of other types, and of no sense: the answer says yes or no."""
    fields = hostile.fields()
    odd = data.draw(st.dictionaries(st.sampled_from(sorted(fields)) | st.text(max_size=8), ODD, min_size=1, max_size=3))
    gone = data.draw(st.sets(st.sampled_from(sorted(fields)), max_size=1))
    hostile.call(body=hostile.written({**{name: value for name, value in fields.items() if name not in gone}, **odd}))


def test_any_body_of_any_type_is_answered(hostile: Hostile) -> None:
    """Bodies that are none, and content types that do not say what they hold: no success, and the next send is taken."""
    for body in RAW:
        for kind in TYPES:
            hostile.call(body=body, Content_Type=kind)
    assert hostile.fakes.messages() == []
    hostile.stands()


def test_any_authorization_is_refused(hostile: Hostile) -> None:
    """A broken header opens nothing where the provider reads that header."""
    for header in AUTHORIZATIONS:
        hostile.call(Authorization=header)
    assert "Authorization" not in hostile.send.headers or hostile.fakes.messages() == []
    hostile.stands()


def test_a_megabyte_is_refused(hostile: Hostile) -> None:
    """A text of a megabyte reaches nobody, and the fake goes on."""
    fields = hostile.fields()
    name = max(fields, key=lambda one: len(str(fields[one])) if "123456" in str(fields[one]) else -1)
    long = json.loads(json.dumps(fields[name]).replace("123456", "1" * 1_048_576))
    hostile.call(body=hostile.written({**fields, name: long}))
    assert hostile.fakes.messages() == []
    hostile.stands()


def test_a_megabyte_of_anything_is_answered_soon(hostile: Hostile) -> None:
    """Nothing is read, judged or redacted in time that grows faster than the body."""
    for body in HUGE:
        hostile.call(body=body)
    assert hostile.fakes.messages() == []


def test_odd_paths_and_queries_are_answered(hostile: Hostile) -> None:
    """Paths that climb, are not decoded, or ask for too much."""
    path = hostile.send.path.partition("?")[0]
    for odd in ("/", "/%00", "/..%2f..%2fetc/passwd", "/%ff%fe", path + "/x" * 500, path + "?" + "a=%&" * 900, path + "?%C2%B2=%C2%B2", "/" + "x" * 4_000):
        hostile.call(path=odd)
    hostile.stands()
