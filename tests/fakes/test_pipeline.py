"""A request's way through a fake: routed, judged, stored, recorded without secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from tests.fakes.conftest import FROM, GB, KEY, SECRET, US, Bench, account, basic, config

Make = Callable[..., Bench]


def test_an_accepted_send_is_stored_with_its_code(bench: Make) -> None:
    """The message holds recipient, sender, text, code, alphabet, segments and its first state."""
    made = bench(account())
    status, body = made.send(text="Your code is 493817")
    message = made.message()
    assert (status, body["id"]) == (201, message.provider_id)
    assert (message.to, message.sender, message.code) == (US, FROM, "493817")
    assert (message.encoding, message.segments, message.status, message.country) == ("GSM7", 1, "queued", "US")
    assert message.exchange == made.last.id


def test_a_recorded_call_holds_no_secret_and_no_code(bench: Make) -> None:
    """Credentials and codes are gone from the exchange; the message keeps its code in memory."""
    made = bench(account())
    made.send(text="Your code is 493817", callback=f"https://otp.example.com/hook?api_secret={SECRET}")
    told = str(made.last)
    assert "493817" not in told
    assert SECRET not in told
    assert made.last.request_headers["authorization"] == "Basic [redacted]"
    assert "******" in made.last.request_body
    assert made.message().code == "493817"


def test_a_refused_send_is_recorded_without_its_code(bench: Make) -> None:
    """A code that was never stored as a message is redacted all the same."""
    made = bench(account(opted_out=[US]))
    made.send(text="Your code is 493817")
    assert "493817" not in made.last.request_body
    assert made.last.to == US


def test_a_request_that_differs_from_the_openapi_document_is_noted_and_answered(bench: Make) -> None:
    """An unknown field is a mismatch on the exchange, not a refusal."""
    made = bench(account())
    status, _ = made.send(colour="blue")
    assert status == 201
    assert "colour" in str(made.last.mismatches)


def test_a_request_that_fits_has_no_mismatch(bench: Make) -> None:
    """The healthy twin: nothing to note."""
    made = bench(account())
    made.send()
    assert (made.last.mismatches, made.last.notes) == ([], [])


def test_a_host_nobody_plays_is_refused_and_recorded(bench: Make) -> None:
    """The request goes nowhere; the exchange says which host it was for."""
    made = bench(account())
    reply = made.call("POST", "/send", {}, host="api.elsewhere.example")
    assert reply is not None
    assert reply.status == 502
    assert (made.last.kind, made.last.host, made.last.provider) == ("unknown_host", "api.elsewhere.example", None)


def test_a_path_the_provider_does_not_have_is_answered_as_it_would(bench: Make) -> None:
    """An unknown path gets the provider's own error and is recorded as such."""
    made = bench(account())
    reply = made.call("GET", "/nowhere")
    assert reply is not None
    assert (reply.status, made.last.kind, made.last.code) == (404, "unknown_path", "resource_missing")


def test_a_path_with_another_method_is_a_method_fault(bench: Make) -> None:
    """A path the provider has, called with a method it has not, is 405."""
    made = bench(account())
    reply = made.call("PUT", "/send", {})
    assert reply is not None
    assert (reply.status, made.last.code) == (405, "method_not_allowed")


def test_a_body_over_the_limit_is_refused(bench: Make) -> None:
    """More bytes than the provider reads are answered as it does."""
    made = bench(account())
    status, body = made.send(text="x" * 20_000)
    assert (status, body["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_body_that_cannot_be_read_is_the_senders_fault(body: bytes, bench: Make) -> None:
    """Bytes that are no send are refused by the provider's own words, never a crash."""
    made = bench(account())
    reply = made.call("POST", "/send", body)
    assert reply is not None
    assert reply.status == 400


def test_no_credential_is_refused(bench: Make) -> None:
    """A call without a credential gets the provider's answer to that."""
    made = bench(account())
    reply = made.call("POST", "/send", {"to": US}, auth=None)
    assert reply is not None
    assert (reply.status, made.last.reason) == (401, "credentials_missing")


def test_a_public_operation_needs_no_credential(bench: Make) -> None:
    """What a provider answers to anybody is answered."""
    reply = bench(account()).call("GET", "/status", auth=None)
    assert reply is not None
    assert reply.status == 200


def test_an_unknown_account_takes_every_wellformed_credential(bench: Make) -> None:
    """Without account state the shape decides."""
    made = bench()
    assert made.send()[0] == 201
    reply = made.call("POST", "/send", {"to": US}, auth=basic("not-a-key", SECRET))
    assert reply is not None
    assert made.last.code == "credentials_unknown"


def test_a_configured_secret_is_the_one_that_counts(bench: Make) -> None:
    """Absent credentials in the account: the configured one is trusted, another is wrong."""
    document = config(account(credentials=None))
    document.gateways[0].secrets |= {"key": KEY, "secret": "Configured00"}
    made = Bench(document)
    assert made.send()[1]["code"] == "credentials_wrong"
    reply = made.call("POST", "/send", {"to": US, "from": FROM, "text": "code 1234"}, auth=basic(KEY, "Configured00"))
    assert reply is not None
    assert reply.status == 201


def test_a_hash_in_the_account_decides_whether_a_secret_is_its_own(bench: Make) -> None:
    """The exact bytes count: a secret with a blank at its end is another secret."""
    made = bench(account(credentials=[{"id": KEY, "secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest()}]))
    assert made.send()[0] == 201
    made.call("POST", "/send", {"to": US}, auth=basic(KEY, SECRET + " "))
    assert made.last.code == "credentials_wrong"


def test_a_call_belongs_to_the_gateway_whose_credential_it_carries() -> None:
    """Two gateways of one provider are told apart by who calls."""
    other = account(account={"id": "k0000002"}, credentials=[{"id": "k0000002", "secret": SECRET}])
    document = config(account())
    document.gateways.append(config(other).gateways[0])
    document.gateways[1].name = "second"
    made = Bench(document)
    made.call("POST", "/send", {"to": US, "from": FROM, "text": "code 1234"}, auth=basic("k0000002"))
    assert made.message().gateway == "second"
    made.call("POST", "/send", {"to": US, "from": FROM, "text": "code 1234"}, auth=basic("k0000003"))
    assert (made.last.gateway, made.last.code) == (None, "credentials_unknown")


def test_a_handler_that_breaks_answers_500_and_is_recorded(bench: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault of a fake names itself on the exchange; the traceback is in its log, not in the answer."""
    made = bench(account())
    reply = made.call("GET", "/broken")
    assert reply is not None
    assert reply.status == 500
    assert b"Traceback" not in reply.body
    assert "broken on purpose" in made.last.notes[0]
    assert "Traceback" in capsys.readouterr().err


def test_a_failure_inside_a_2xx_body_is_recorded_as_a_refusal(bench: Make) -> None:
    """Phase body: the status is 200, the exchange says it was not accepted and why."""
    made = bench(account(credentials=[{"id": KEY, "secret": "another-one"}]))
    status, body = made.send("/bulk")
    assert (status, body["code"]) == (200, "b4")
    assert (made.last.status, made.last.accepted, made.last.reason) == (200, False, "credentials_wrong")


def test_a_seed_makes_the_same_ids(bench: Make) -> None:
    """Two runs with one seed give the same message ids."""
    first, second = bench(account()), bench(account())
    assert first.send()[1]["id"] == second.send()[1]["id"]


def test_the_store_forgets_the_oldest(bench: Make) -> None:
    """Messages and exchanges are bounded."""
    made = bench(account(destinations={}))
    made.runtime.store.limit = 3
    for _ in range(5):
        made.send()
    assert [message.sequence for message in made.runtime.store] == [5, 7, 9]


def test_a_reset_gives_a_clean_slate(bench: Make) -> None:
    """Messages, exchanges, balance and opt-outs are as they were at the start."""
    made = bench(account(balance={"amount": "0.01"}))
    made.send()
    made.runtime.account("main").stopped.add(GB)
    made.runtime.reset()
    assert (len(made.runtime.store), len(made.runtime.exchanges)) == (0, 0)
    assert made.send()[0] == 201
    assert made.runtime.account("main").opted_out == frozenset()


def test_a_region_that_is_not_the_accounts_is_refused(bench: Make) -> None:
    """The host that was called names the region; a credential of another one does not work there."""
    made = bench(account(account={"id": KEY, "region": "eu"}))
    good = made.call("GET", "/messages/x", host="api.eu.toy.example")
    wrong = made.call("GET", "/messages/x", host="api.us.toy.example")
    assert good is not None
    assert wrong is not None
    assert (good.status, made.runtime.exchanges.list()[-1].reason) == (404, "region_wrong")
