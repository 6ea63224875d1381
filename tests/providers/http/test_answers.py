"""Answers fit the description: a success is recognised and its id found, a refusal never is one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otpgate_contracts import answers, describing, description, loading
from otpgate_contracts.admin import Fault
from otpgate_contracts.describing import setting_of
from tests.providers.http.bench import QUERY, REST, US, Bench, changed, gateway

PACK = loading.pack("http")
IDS = ("0f8fad5b-d9cb-469f-a165-70867728950e", "482093571846", "9f86d081884c7d65")
REQUEST = {"url": "https://own.example/send", "form": {"to": "{to}", "text": "{text}"}}

SUCCESSES: list[tuple[dict[str, Any], Any]] = [
    ({}, None), ({"status": 200}, None), ({"status": [201, 202]}, "id"), ({"status": "200, 202"}, "messages[0].id"),
    ({"match": "^OK"}, None), ({"match": "^OK"}, {"regex": r"ID:(\d+)"}), ({"match": "OK"}, "id"), ({"match": '"status":\\s*"queued"'}, "data.id"),
    ({"match": {"status": "OK"}}, "id"), ({"match": {"messages": [{"status": "0"}]}}, "messages[0].id"), ({"match": {"result.code": [0, 1]}}, "result.id"),
    ({"match": {"success": True}}, {"header": "X-Message-Id"}), ({"match": "^1701\\|"}, {"regex": r"1701\|\d{10,15}:([0-9a-f-]+)"}),
    ({"match": r"^(?:ACK|OK)[: ]"}, {"regex": r"([A-Za-z0-9-]+)$"}), ({"match": r"^\d+$"}, {"regex": r"^(\d+)$"}), ({}, {"header": "Location"}),
    ({"match": "(?i)accepted"}, None), ({"match": "^[^E]"}, {"regex": "id=([0-9a-f]{16})"}),
]


def about(success: dict[str, Any], found: Any) -> description.Description:
    return description.read({"request": REQUEST, "success": success, **({"message_id": found} if found else {})})


@pytest.mark.parametrize(("success", "found"), SUCCESSES, ids=str)
def test_a_success_is_one_and_gives_its_id(success: dict[str, Any], found: Any) -> None:
    """For every way to say what a success is, an answer is made that is one; failures of every kind are not."""
    one = about(success, found)
    assert one.flaws == ()
    answer, id = answers.success(one, IDS)
    assert answers.accepted(one, answer.status, answer.body)
    assert one.message_id is None or answers.id_in(one.message_id, answer.body, answer.headers) == id
    if one.match is not None:
        failure = answers.failure(one, answer.status, "refused", "no credit left")
        assert not answers.accepted(one, failure.status, failure.body), failure


@pytest.mark.parametrize(("success", "found"), SUCCESSES, ids=str)
def test_the_fake_answers_so(success: dict[str, Any], found: Any) -> None:
    """Two sends, two ids, both found where the description says, and both known to the inbox."""
    one = about(success, found)
    bench = Bench(gateway({"request": REQUEST, "success": success, **({"message_id": found} if found else {})}))
    told = [bench.call("POST", REQUEST["url"], [("to", US), ("text", f"27182{n} is your code")]) for n in (1, 2)]
    assert all(answers.accepted(one, status, body.encode()) for status, body in told)
    if one.message_id is not None and one.message_id.kind != "header":
        assert [answers.id_in(one.message_id, body.encode()) for _, body in told] == [sent.provider_id for sent in reversed(bench.messages)]


def test_what_never_holds_together_is_told() -> None:
    """A pattern for text and a path into JSON: no answer has both, the send fails and says why."""
    bench = Bench(gateway({"request": REQUEST, "success": {"match": "^OK [0-9]+$"}, "message_id": "data.id"}))
    assert bench.call("POST", REQUEST["url"], [("to", US), ("text", "271828")])[0] == 500
    assert "success.match" in bench.last.notes[0]


ROWS = {row.code: row for row in PACK.errors}
LOUD = sorted(code for code, row in ROWS.items() if row.phase != "async")


def test_every_row_is_tried() -> None:
    """The catalogue holds as many rows as these tests know."""
    assert (len(PACK.errors), len(LOUD)) == (16, 15)


@pytest.mark.parametrize("code", LOUD)
@pytest.mark.parametrize("kind", ["rest", "query"])
def test_every_row_can_be_answered(code: str, kind: str) -> None:
    """As JSON or plain text, with its status; the healthy twin is a success."""
    bench = Bench(gateway(REST if kind == "rest" else QUERY))
    send = bench.rest if kind == "rest" else bench.query
    bench.runtime.faults.put([Fault(fault="error", code=code, provider="http")])
    status, body = send()
    wanted = (202 if kind == "rest" else 200) if ROWS[code].phase == "body" else ROWS[code].http
    assert (status, code in body, bench.messages) == (wanted, True, [])
    one = description.read(REST if kind == "rest" else QUERY)
    assert not answers.accepted(one, status, body.encode())
    bench.runtime.faults.clear()
    assert answers.accepted(one, *[part if isinstance(part, int) else part.encode() for part in send()])  # type: ignore[arg-type]


def test_a_refusal_inside_a_success_needs_a_condition() -> None:
    """Where any 2xx is a success, there is no failing one."""
    whole, bare = (describing.described(PACK, "http", changed(REST, success=one)) for one in (REST["success"], {"status": 202}))
    assert (whole.provider.failing_2xx, bare.provider.failing_2xx) == (True, False)
    assert {row.phase for row in whole.errors} - {row.phase for row in bare.errors} == {"body"}


def test_without_receipts_nothing_is_judged_later() -> None:
    """No receipts, no rows that only a receipt could tell, no webhook."""
    pack = describing.described(PACK, "http", changed(REST, receipt=None))
    assert ({row.phase for row in pack.errors}, pack.provider.webhooks, pack.provider.accepts_async) == ({"sync", "body"}, (), False)


def test_the_pack_shows_its_own_example() -> None:
    """What is played without a manifest is what the example describes: document, hosts, states, credentials."""
    made = describing.described(PACK, "http", loading.document(loading.HOME / "http/example.yaml"))
    assert made.document == loading.openapi(PACK)
    provider = made.provider
    assert [one.name for one in provider.hosts] == [one.name for one in PACK.provider.hosts]
    assert [one.name for one in provider.lifecycle.states] == [one.name for one in PACK.provider.lifecycle.states]
    assert provider.lifecycle.paths == PACK.provider.lifecycle.paths
    assert [one.settings for one in provider.credentials] == [one.settings for one in PACK.provider.credentials]
    assert {one.name for one in PACK.provider.settings} == {one.name for one in provider.settings} | {"auth"} or (
        {one.name for one in provider.settings} == {one.name for one in PACK.provider.settings}
    )


def test_the_example_is_played_without_a_manifest() -> None:
    """By its name alone, for local work: any token is taken."""
    bench = Bench({"name": "http", "provider": "http"})
    status, body = bench.call(
        "POST", "https://sms.gateway.example/v1/messages", {"to": "+447700900123", "from": "ACME", "text": "271828 is your code."},
        {"Authorization": "Bearer anything"},
    )
    assert (status, json.loads(body)["status"], bench.messages[0].code) == (202, "accepted", "271828")


def test_secrets_stand_in_no_document() -> None:
    """The OpenAPI document of a gateway holds none of its constants that authenticate."""
    assert "tk_9f8e" not in json.dumps(describing.described(PACK, "http", REST).document)
    assert "tk_9f8e" not in json.dumps(describing.described(PACK, "http", QUERY).document)
    assert [setting_of(one) for one in description.read(QUERY).constants] == ["request.url?user", "request.url?pass"]
