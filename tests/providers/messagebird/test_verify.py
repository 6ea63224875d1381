"""Verify: codes MessageBird makes and checks, through the official Python SDK and by every row of its table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from messagebird.client import Client, ErrorException

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from otpgate_contracts.wire import Judge
from otpgate_fakes.core.verifications import Verification
from tests.providers.conftest import Running, Start
from tests.providers.messagebird.conftest import GB, KEY, NL, US, Bird, gateway
from tests.providers.messagebird.test_settings import found

PACK = loading.pack("messagebird")
JUDGE = Judge(loading.openapi(PACK))
ROWS = [row for row in PACK.errors if row.product == "verify"]
Cause = Callable[[Bird], requests.Response]


@pytest.fixture
def client(bird: Bird, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The SDK, led to the fake by production host names."""
    for name, value in bird.fakes.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)
    return Client(KEY)


def code_of(error: pytest.ExceptionInfo[ErrorException]) -> int:
    code: int = error.value.errors[0].code
    return code


def test_right_token_verifies_once(bird: Bird, client: Client) -> None:
    """The token that arrived verifies; a second time it is not found, and the answer never holds it."""
    made = client.verify_create(NL, {"originator": "ACME", "timeout": 300, "reference": "otp42"})
    assert (made.status, made.recipient, made.reference, made.token) == ("sent", int(NL), "otp42", None)
    assert "v" in made.id
    token = bird.last()["code"]
    assert bird.last()["text"] == f"Your code is {token}"
    assert client.verify_verify(made.id, token).status == "verified"
    with pytest.raises(ErrorException) as raised:
        client.verify_verify(made.id, token)
    assert code_of(raised) == 20
    assert client.verify(made.id).status == "verified"


def test_wrong_token_does_not_verify(bird: Bird, client: Client) -> None:
    """A wrong and an empty token are code 10; after three of them even the right one is not found."""
    made = client.verify_create(NL, {"timeout": 300})
    token = bird.last()["code"]
    for wrong, code in (("000000", 10), ("", 10), ("999999", 10), (token, 20)):
        with pytest.raises(ErrorException) as raised:
            client.verify_verify(made.id, wrong)
        assert code_of(raised) == code
    assert client.verify(made.id).status == "failed"


def test_deleted_is_not_found(client: Client) -> None:
    """What was deleted cannot be read."""
    made = client.verify_create(NL, {"timeout": 300})
    client.verify_delete(made.id)
    with pytest.raises(ErrorException) as raised:
        client.verify(made.id)
    assert code_of(raised) == 20


def test_token_of_the_wanted_length_in_the_wanted_words(bird: Bird, client: Client) -> None:
    """tokenLength and template decide what arrives; without an originator none is asked of the account."""
    client.verify_create(NL, {"tokenLength": 8, "template": "%token is your Acme code"})
    assert bird.last()["text"] == f"{bird.last()['code']} is your Acme code"
    assert len(bird.last()["code"]) == 8


@pytest.fixture(scope="module")
def stepped(start_fakes: Start) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()])
    fakes.clock(mode="manual", stepped=True)
    return fakes


def test_right_token_is_too_late_after_half_a_minute(stepped: Running) -> None:
    """Without `timeout` the right token is not found after 30 seconds, although nothing went wrong."""
    late = Bird(fakes=stepped)
    made = late.verify(timeout=None).json()["id"]
    token = late.last()["code"]
    stepped.clock(advance=29)
    assert late.call("GET", f"/verify/{made}").json()["status"] == "sent"
    stepped.clock(advance=2)
    assert late.call("GET", f"/verify/{made}").json()["status"] == "expired"
    assert late.call("GET", f"/verify/{made}?token={token}").json()["errors"][0]["code"] == 20


def test_message_that_fails_fails_the_verification(bird: Bird) -> None:
    """A text that is never delivered is told by the object's status, and by nothing else."""
    made = bird.verify(recipient=US).json()["id"]
    assert bird.call("GET", f"/verify/{made}").json()["status"] == "failed"
    assert bird.last()["error"] == "failed"
    assert bird.fakes.receipts() == []


def test_answers_fit_our_document(bird: Bird) -> None:
    """Every answer fits otpgate's own description of it."""
    made = bird.verify(type="tts")
    path = f"/verify/{made.json()['id']}"
    answers = [("POST", "/verify", made), ("POST", "/verify", bird.verify(timeout=5)), ("GET", path, bird.call("GET", path)),
               ("GET", path, bird.call("GET", f"{path}?token=1")), ("DELETE", path, bird.call("DELETE", path)),
               ("GET", path, bird.call("GET", path))]
    assert [answer.status_code for _, _, answer in answers] == [201, 422, 200, 422, 204, 404]
    for method, where, answer in answers:
        operation = JUDGE.match(method, where)
        assert operation is not None
        assert JUDGE.response(operation[0], answer.status_code, answer.content) == []


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(bird: Bird) -> requests.Response:
        bird.state(**changes)
        return cause(bird)

    return changed


def twice(cause: Cause) -> Cause:
    def again(bird: Bird) -> requests.Response:
        cause(bird)
        return cause(bird)

    return again


def wrong_token(bird: Bird) -> requests.Response:
    return bird.call("GET", f"/verify/{bird.verify().json()['id']}?token=000000")


def verify(**fields: Any) -> Cause:
    return lambda bird: bird.verify(**fields)


CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("2", "credentials_wrong"): [verify(key="zB3dE5fG7hJ9kL1mN3pQ5rS7t"), verify(key=None)],
    ("9", "recipient_missing"): [
        verify(recipient=None), verify(recipient="0612345678"), verify(recipient={"a": 1}),
        with_state(verify(), account={"id": "acme", "kind": "trial"}, verified_recipients=[f"+{GB}"]),
    ],
    ("10", "input"): [wrong_token],
    ("10", "parameter_malformed"): [verify(type="email"), verify(reference="otp-42"), verify(datacoding="utf8")],
    ("10", "template_mismatch"): [verify(template="Your code is {code}")],
    ("10", "validity_malformed"): [verify(timeout=29), verify(tokenLength=4), verify(maxAttempts="many")],
    ("10", "sender_malformed"): [verify(originator="ACME Company"), verify(originator="NOTMINE")],
    ("20", "resource_missing"): [lambda bird: bird.call("GET", "/verify/unknown?token=1")],
    ("21", "input"): [lambda bird: bird.call("POST", "/verify", data="{", headers={"Content-Type": "application/json"})],
    ("25", "balance_exhausted"): [with_state(verify(), balance={"amount": "0.00"})],
    ("429", "rate_limited"): [with_state(twice(verify()), limits={"per_second": 1})],
}


def injected(row: ErrorRow) -> Cause:
    def cause(bird: Bird) -> requests.Response:
        bird.fakes.faults({"fault": "error", "code": row.code, "provider": "messagebird"})
        return bird.verify()

    return cause


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get((row.code, row.trigger)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(bird: Bird, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row, with its status, its code and the parameter it names."""
    answer = cause(bird)
    complaint = answer.json()["errors"][0]
    assert (answer.status_code, complaint["code"]) == (row.http, int(row.code))
    assert complaint["parameter"] == row.extra.get("parameter") or "parameter" not in row.extra
    assert bird.fakes.exchanges()[-1]["code"] == row.code


def test_only_provider_faults_are_injected() -> None:
    """Every row but the provider's own failures is caused by state or input."""
    assert {row.trigger for row in ROWS if (row.code, row.trigger) not in CAUSES} == {"provider_error", "provider_unavailable"}


VERIFY = {"gateways": {"bird": {"provider": "messagebird", "product": "verify", "access_key": "${KEY}", "sender": "${FROM}",
                                "timeout": "5s", "account": "account.yaml"}}}


@pytest.mark.parametrize(("timeout", "speaks"), [(None, True), ("30s", True), ("5m", False)])
def test_life_of_half_a_minute_is_spoken_against(tmp_path: Path, timeout: str | None, speaks: bool) -> None:
    """A verify gateway whose codes live for less than a minute, by default or as told, is found."""
    bird = {**VERIFY["gateways"]["bird"], **({} if timeout is None else {"verify_timeout": timeout})}
    rules = found(tmp_path, {}, {"gateways": {"only": bird}}, {"callbacks": {}})
    assert ("OP001" in rules) is speaks
    assert set(rules) <= {"OP001"}


def test_a_verification_ends_once() -> None:
    """The right code verifies once and in time; wrong ones count, and a cancelled one takes none."""
    one = Verification(code="123456", until=100.0, most=2)
    assert [one.check(code, 0.0) for code in ("1", "123456", "123456")] == ["wrong", "verified", "over"]
    assert Verification(code="1", until=100.0, most=2).check("1", 100.0) == "expired"
    used = Verification(code="1", until=100.0, most=2)
    assert [used.check(code, 0.0) for code in ("2", "3", "1")] == ["wrong", "exhausted", "exhausted"]
    used.cancel()
    assert used.check("1", 0.0) == "over"


def test_healthy_twin(bird: Bird) -> None:
    """The same call that the rows above spoil is taken as it stands."""
    assert bird.verify().status_code == 201
