"""Signatures against vectors computed elsewhere, and against botocore as the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import get_current_datetime
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from otpgate_contracts import signing
from otpgate_contracts.loading import pack
from otpgate_fakes.aws_sns import FAKE, sigv4
from otpgate_fakes.core.account import Account
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.fake import Refused, Request
from otpgate_fakes.core.hosts import Hosts
from tests.providers.aws_sns.conftest import KEY, SECRET

PACK = pack("aws_sns")
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text())
SIGV4, NOTIFICATION = VECTORS["sigv4"], VECTORS["notification"]
SCHEME = signing.find("sns-message-rsa", PACK.folder)
OPERATIONS = {operation.id: operation for operation in FAKE.operations}
OF_SERVICE = {"sns": OPERATIONS["Publish"], "sms-voice": OPERATIONS["SendTextMessage"]}


def request_of(headers: dict[str, str], body: bytes, host: str, *, method: str = "POST", path: str = "/", query: str = "") -> Request:
    lowered = {"host": host} | {name.lower(): value for name, value in headers.items()}
    return Request(
        method=method, path=path, raw_query=query, headers=lowered, body=body, base=f"https://{host}", host=host.partition(":")[0],
        scheme="https", client="127.0.0.1",
    )


def verdict(request: Request, service: str, secret: str, now: float) -> str | None:
    """What the fake makes of a request: None, the neutral reason, or the code it refuses with."""
    claim = sigv4.claim(request, OF_SERVICE[service])
    account = Account(PACK, None, Clock("manual", 1.0, stepped=now), Hosts([PACK]))
    try:
        objection = claim.check(account) if claim.check is not None else None
    except Refused as refused:
        return refused.code
    if objection is not None:
        return objection
    assert claim.verify is not None
    return None if claim.verify(secret) else "signature_wrong"


def test_there_are_as_many_vectors_as_were_copied() -> None:
    """Nothing got lost on the way."""
    assert (len(SIGV4["cases"]), len(NOTIFICATION["cases"])) == (7, 7)


@pytest.mark.parametrize("case", SIGV4["cases"], ids=lambda case: case["name"])
def test_a_signed_request(case: dict[str, Any]) -> None:
    """Genuine requests pass; a changed body, another secret and another region's endpoint do not."""
    host = case["host_header"]
    if case["expected_region"] not in host and "amazonaws" in host:
        assert sigv4.read(case["headers"]["Authorization"]).region != case["expected_region"]  # type: ignore[union-attr]
    request = request_of(case["headers"], case["body"].encode(), host)
    if case["reason"] == "credential scope mismatch":
        request.host = host.replace("us-east-1", case["expected_region"])
    now = sigv4.moment(SIGV4["clock"])
    assert now is not None
    found = verdict(request, case["service"], case["server_secret"], now)
    expected = {None: None, "signature": "signature_wrong", "credential scope mismatch": "SignatureDoesNotMatch"}
    assert found == expected[case["reason"]]
    assert (found is None) == case["valid"]


def test_the_intermediate_texts() -> None:
    """The canonical request and the string to sign are the documented ones."""
    case = SIGV4["cases"][0]
    request = request_of(case["headers"], case["body"].encode(), case["host_header"])
    signed = sigv4.read(case["headers"]["Authorization"])
    assert signed is not None
    assert sigv4.canonical_request(request, signed) == case["canonical_request"]
    assert sigv4.string_to_sign(request, signed) == case["string_to_sign"]


def made_by_botocore(method: str, url: str, headers: dict[str, str], body: bytes, token: str | None = None) -> AWSRequest:
    made = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(Credentials(KEY, SECRET, token), "sns", "eu-west-1").add_auth(made)
    return made


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=200),
    extra=st.dictionaries(st.from_regex(r"x-[a-z]{1,8}-[a-z]{1,8}", fullmatch=True), TEXTS, max_size=4),
    query=st.lists(st.from_regex(r"[A-Za-z]{1,5}=[A-Za-z0-9._~-]{0,8}", fullmatch=True), max_size=4, unique=True),
    token=st.none() | st.from_regex(r"[A-Za-z0-9/+=]{8,40}", fullmatch=True),
)
def test_botocore_is_the_oracle(body: bytes, extra: dict[str, str], query: list[str], token: str | None) -> None:
    """Whatever botocore signs verifies; with one byte more it does not."""
    host, text = "sns.eu-west-1.amazonaws.com", "&".join(query)
    made = made_by_botocore("POST", f"https://{host}/{'?' if text else ''}{text}", {"Content-Type": "a/b; c=d", **extra}, body, token)
    now = get_current_datetime().timestamp()
    request = request_of(dict(made.headers), body, host, query=text)
    assert verdict(request, "sns", SECRET, now) is None
    request.body += b"!"
    assert verdict(request, "sns", SECRET, now) == "signature_wrong"


@pytest.mark.parametrize(("off", "code"), [(0, None), (890, None), (-890, None), (910, "SignatureDoesNotMatch"), (-910, "SignatureDoesNotMatch")])
def test_a_clock_may_be_off_by_fifteen_minutes(off: float, code: str | None) -> None:
    """Older, or younger, is refused by name."""
    case = SIGV4["cases"][0]
    request = request_of(case["headers"], case["body"].encode(), case["host_header"])
    now = sigv4.moment(SIGV4["clock"])
    assert now is not None
    assert verdict(request, "sns", SECRET, now + off) == code


def test_the_scope_of_the_other_service_is_refused() -> None:
    """A request signed for SNS is none for End User Messaging."""
    case = SIGV4["cases"][1]
    request = request_of(case["headers"], case["body"].encode(), case["host_header"])
    now = sigv4.moment(SIGV4["clock"])
    assert now is not None
    assert verdict(request, "sms-voice", SECRET, now) == "InvalidSignatureException"


HEADERS = [
    "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=A/20260115/us-east-1/sns/aws4_request", "Basic YTpi", "AWS4-HMAC-SHA256 =,=,",
    "AWS4-HMAC-SHA256 Credential=A/B/C, SignedHeaders=host, Signature=00", "AWS AKIA:sig", "\udcff",
    "AWS4-HMAC-SHA256 Credential=A/20260115/r/sns/aws4_request, SignedHeaders=x-amz-date, Signature=00",
]


@pytest.mark.parametrize("header", HEADERS)
def test_a_malformed_header_is_an_incomplete_signature(header: str) -> None:
    """A header without its three parts, or that leaves the host unsigned, proves nothing."""
    request = request_of({"Authorization": header, "X-Amz-Date": SIGV4["clock"]}, b"", "sns.us-east-1.amazonaws.com")
    assert verdict(request, "sns", SECRET, 0.0) == "IncompleteSignature"


@pytest.mark.parametrize("case", NOTIFICATION["cases"], ids=lambda case: case["name"])
def test_a_notification(case: dict[str, Any]) -> None:
    """Both versions verify with the certificate; anything signed that changed does not."""
    message = case["message"]
    material = signing.Material(claims=message)
    assert SCHEME.verify(NOTIFICATION["test_certificate_pem"], material, message["Signature"]) is case["valid"]


@pytest.mark.parametrize("signature", ["", "!!", "AAAA", "ä"])
def test_a_malformed_signature_is_simply_false(signature: str) -> None:
    """No exception reaches who asks."""
    message = NOTIFICATION["cases"][0]["message"]
    assert not SCHEME.verify(NOTIFICATION["test_certificate_pem"], signing.Material(claims=message), signature)
