"""What a run said, as pact files: the same text however often and in which order, and nothing in it that identifies."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from msgspec.structs import replace

from otpgate import gate
from otpgate.config.model import Manifest
from otpgate.contracts import files, record, verify
from otpgate.contracts.playing import Played, playing
from otpgate.contracts.volatile import canonical
from otpgate.errors import NothingSelected, UsageError
from otpgate.scenarios.lanes import fakes
from otpgate_contracts.admin import Edge, Exchange, Listen, Receipt

SECRETS = ("kT4wPz9QmX2vLc7B", "Zr8uYh3KdN6sJf1GqW5eTb0MxC2vAo9L", "5c1e7a90d24b83f6e0a917c5b2d8f346")
GB = ("447700900123", "447400123456")


@pytest.fixture
def manifest(project: Path) -> Manifest:
    return gate.open_manifest(project / "otpgate.yaml")


@pytest.fixture
def played(manifest: Manifest) -> Iterator[Played]:
    config = fakes(manifest, gate.packs_of(manifest), 1)
    config.listen, config.clock = Listen(providers={"twilio": "127.0.0.1:0", "vonage": "127.0.0.1:0"}), "immediate"
    with playing(config) as running:
        running.admin("PUT", "edges", {"edges": [Edge(public="https://otp.example.com", upstream=running.listener.url)]})
        yield running


def send(played: Played, to: str = GB[0], code: str = "482913") -> None:
    """One send as the example's fallback makes it; it ends with its last receipt."""
    requests.post(
        f"{played.base('vonage')}/sms/json", auth=("b7e4c21d", SECRETS[0]), timeout=5,
        data={"to": to, "from": "ACME", "text": f"Your ACME code is {code}. It expires in 5 minutes.", "ttl": "300000",
              "callback": "https://otp.example.com/webhooks/vonage"},
    )
    for message in played.fakes.messages(limit=1):
        played.admin("GET", f"messages/wait?after={message.id}&settled=true&timeout=5")


def said(played: Played) -> tuple[list[Exchange], list[Receipt]]:
    return played.fakes.exchanges(), played.fakes.receipts()


def recorded(manifest: Manifest, exchanges: list[Exchange], receipts: list[Receipt]) -> dict[str, str]:
    made = record.record(manifest, gate.packs_of(manifest), exchanges, receipts)
    return {one.name: one.text for one in made}


def test_two_runs_give_the_same_files(manifest: Manifest, played: Played) -> None:
    """Other numbers, codes, ids, times and another order change nothing."""
    send(played, GB[0], "482913")
    first = recorded(manifest, *said(played))
    send(played, GB[1], "771204")
    exchanges, receipts = said(played)
    random.Random(7).shuffle(exchanges)
    random.Random(8).shuffle(receipts)
    assert recorded(manifest, exchanges, receipts) == first


def test_nothing_secret_is_in_a_file(manifest: Manifest, played: Played) -> None:
    """No secret, no hash of one, no code, no recipient, no message id."""
    send(played)
    exchanges, receipts = said(played)
    text = "".join(recorded(manifest, exchanges, receipts).values())
    message = played.fakes.messages(limit=1)[0]
    for hidden in (*SECRETS, "482913", GB[0], message.provider_id, "secret_sha256"):
        assert hidden not in text


def test_a_refused_send_leaves_no_code(manifest: Manifest, played: Played) -> None:
    """A call refused before it was read still held a code; neither the record nor the pact does."""
    played.admin("PUT", "faults", {"faults": [{"fault": "error", "code": "8", "provider": "vonage"}]})
    send(played, code="482913")
    exchanges, receipts = said(played)
    assert "482913" not in exchanges[-1].request_body
    leaked = [replace_body(one) for one in exchanges]
    assert "482913" not in "".join(recorded(manifest, leaked, receipts).values())


def replace_body(call: Exchange) -> Exchange:
    """The call as a recorder without redaction would have kept it."""
    return replace(call, request_body=call.request_body.replace("******", "482913"))


def test_what_was_recorded_holds(manifest: Manifest, played: Played, tmp_path: Path) -> None:
    """pact reads both files back and the fake keeps them: calls and receipts."""
    send(played)
    made = record.record(manifest, gate.packs_of(manifest), *said(played))
    record.write(made, tmp_path / "made")
    found = verify.verify(files.read_all([tmp_path / "made"]))
    assert [(one.pact.direction, one.differences) for one in found] == [("receipts", ()), ("calls", ())]
    assert [one.pact.consumer for one in found] == ["vonage", "otp-service"]


def test_states_name_the_account_and_the_trouble(manifest: Manifest, played: Played) -> None:
    """The provider states say what the admin API must set up, and the account's balance, but no credential."""
    played.admin("PUT", "faults", {"faults": [{"fault": "status", "status": 503, "provider": "vonage"}]})
    send(played)
    whole = json.loads(recorded(manifest, *said(played))["otp-service-fallback.json"])
    states = whole["interactions"][0]["providerStates"]
    assert [state["name"] for state in states] == [files.ACCOUNT, files.TROUBLE]
    assert states[1]["params"]["fault"] == {"fault": "status", "status": 503, "provider": "vonage"}
    assert "credentials" not in states[0]["params"]["account"]


def test_a_silent_run_records_nothing(manifest: Manifest) -> None:
    """An empty contract would be green for ever."""
    with pytest.raises(NothingSelected, match="nothing to record"):
        record.record(manifest, gate.packs_of(manifest), [], [])


def test_writing_says_what_changed(manifest: Manifest, played: Played, tmp_path: Path) -> None:
    send(played)
    made = record.record(manifest, gate.packs_of(manifest), *said(played))
    assert {what for _, what in record.write(made, tmp_path / "made")} == {"new"}
    assert {what for _, what in record.write(made, tmp_path / "made")} == {"unchanged"}


def test_a_folder_that_cannot_be_written_is_said(manifest: Manifest, played: Played, tmp_path: Path) -> None:
    send(played)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        record.write(record.record(manifest, gate.packs_of(manifest), *said(played)), tmp_path / "file")


@pytest.mark.parametrize(("text", "example", "fits"), [
    ("SM8c2e0718822ce47ca8c74107e66cb0e4", "SM00000000000000000000000000000001", "SM" + "f" * 32),
    ("f5b16522-4a58-4791-9f6a-f1d8303e61cd", "00000000-0000-4000-8000-000000000001", "0" * 8 + "-0000-0000-0000-" + "0" * 12),
    ("Mon, 23 Nov 2026 08:48:46 +0000", "Fri, 02 Jan 2026 03:04:05 +0000", "Tue, 01 Dec 2026 00:00:00 +0000"),
    ("2026-11-23T08:48:46.123Z", "2026-01-02T03:04:05.000Z", "2027-01-01T00:00:00.999Z"),
    ("Your code is ******.", "Your code is 000000.", "Your code is 123456."),
])
def test_what_changes_gets_a_fixed_example_and_a_pattern(text: str, example: str, fits: str) -> None:
    """The pattern takes every value of the kind and no other text."""

    made = canonical(text, {})
    assert made.example == example
    assert made.pattern is not None
    for value in (text.replace("*", "7"), example, fits):
        assert re.fullmatch(made.pattern, value)
    assert not re.fullmatch(made.pattern, "something else")


def test_plain_text_stays(manifest: Manifest) -> None:
    values: list[Any] = ["queued", "+12025550143", "0.00750000", "https://otp.example.com/webhooks/vonage"]
    assert [canonical(value, {}) for value in values] == [type(canonical("", {}))(value, None) for value in values]
