"""Pact files that cannot be verified: each says what is wrong and where, and none is green."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otpgate.cli import run


def edit(pacts: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = pacts / "otp-service-fallback.json"
    whole = json.loads(path.read_text())
    change(whole)
    path.write_text(json.dumps(whole))
    return path


def unknown_state(whole: dict[str, Any]) -> None:
    whole["interactions"][0]["providerStates"] = [{"name": "the moon is full"}]


CASES: list[tuple[Callable[[dict[str, Any]], None], int, str]] = [
    (lambda whole: whole.update(interactions=[]), 5, "no pact holds an interaction"),
    (lambda whole: whole.pop("interactions"), 2, "this is no pact"),
    (lambda whole: whole.pop("consumer"), 2, "names no consumer"),
    (lambda whole: whole["metadata"]["otpgate"].update(provider="carrierpigeon"), 2, "does not play"),
    (unknown_state, 2, "nobody sets up"),
    (lambda whole: whole["interactions"][0].update(type="Synchronous/Messages"), 2, "no HTTP interaction"),
    (lambda whole: whole["interactions"][0].pop("description"), 2, "no description"),
]


@pytest.mark.parametrize(("change", "code", "said"), CASES, ids=[said for _, _, said in CASES])
def test_a_broken_pact_is_said(
    pacts: Path, capfd: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], None], code: int, said: str
) -> None:
    """The message names the file and the fault."""
    path = edit(pacts, change)
    assert run(["contract", "verify", str(path)]) == code
    told = capfd.readouterr().err
    assert said in told
    assert path.name in told


def test_text_that_is_no_json_has_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.json").write_text('{"consumer": {"name": "x"},\n  oops}')
    assert run(["contract", "verify", str(tmp_path)]) == 2
    assert "broken.json:2:3" in capfd.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [([], 5), (["--gateway", "primary"], 5)])
def test_nothing_to_verify_is_never_green(pacts: Path, tmp_path: Path, arguments: list[str], code: int) -> None:
    """An empty folder, or a gateway no pact is of: exit 5."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["contract", "verify", str(pacts if arguments else empty), *arguments]) == code


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["contract", "verify", str(tmp_path / "nowhere")]) == 2


def test_receipts_without_their_calls_are_said(pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A receipt follows a message; without the calls nothing says how one is sent."""
    (pacts / "otp-service-fallback.json").unlink()
    assert run(["contract", "verify", str(pacts)]) == 5
    assert "no pact holds the calls" in capfd.readouterr().err


def test_a_difference_is_told_with_its_place(pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 1; the interaction and the field are named."""

    def refuse(whole: dict[str, Any]) -> None:
        accepted = next(one for one in whole["interactions"] if one["description"] == "send_sms to GB is accepted")
        accepted["response"]["body"]["content"]["messages"][0]["network"] = "vodafone"
        accepted["response"]["matchingRules"]["body"]["$.messages[*].network"] = {"combine": "AND", "matchers": [{"match": "equality"}]}
        whole["interactions"] = [accepted]

    assert run(["contract", "verify", str(edit(pacts, refuse))]) == 1
    told = capfd.readouterr()
    assert "send_sms to GB is accepted" in told.out
    assert "network" in told.out
    assert "1 that differ" in told.err


def test_nothing_of_pacts_own_output_reaches_the_streams(pacts: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output stays empty while everything holds."""
    assert run(["contract", "verify", str(pacts), "-q"]) == 0
    assert "".join(capfd.readouterr()) == ""
