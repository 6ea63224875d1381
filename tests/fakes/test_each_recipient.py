"""Rows that stand for one recipient of a call: the others go out, and where nobody is left the call is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from otpgate_fakes.core.decide import Decider, Rejection
from otpgate_fakes.core.fake import Send
from tests.fakes.conftest import FROM, GB, US, Bench, account

Make = Callable[..., Bench]
LANDLINE = "+442079460018"


def decided(bench: Make, *numbers: str, each: bool, doom: str | None = None) -> tuple[list[str], list[tuple[str, str]]]:
    """The recipients that get a message, and those refused for themselves with the code that did."""
    made = bench(account(opted_out=[GB]))
    player = made.runtime.players["toy"]
    pack = replace(player.pack, errors=tuple(replace(row, each=each) if row.phase != "async" else row for row in player.pack.errors))
    context: Any = player.context(player.accounts[0])
    sends = [Send(to=to, recipient=to, sender=FROM, text="Your code is 493817", doom=doom) for to in numbers]
    verdicts = Decider(player.fake, pack, player.decider.numbers).decide_all(context, sends)
    return [verdict.case.send.to for verdict in verdicts], [(send.to, row.code) for send, row in context.refused]


def test_the_others_are_served(bench: Make) -> None:
    """One opted out, one has a landline; the third gets its message."""
    assert decided(bench, GB, US, LANDLINE, each=True) == ([US], [(GB, "opted_out"), (LANDLINE, "recipient_landline")])


def test_nobody_left_is_a_refusal(bench: Make) -> None:
    """The first recipient's row answers a call whose recipients are all refused."""
    with pytest.raises(Rejection) as raised:
        decided(bench, LANDLINE, GB, each=True)
    assert raised.value.row.code == "recipient_landline"


def test_a_row_of_the_whole_call_refuses_it(bench: Make) -> None:
    """Without the mark one recipient's fault is the call's."""
    with pytest.raises(Rejection) as raised:
        decided(bench, US, GB, each=False)
    assert raised.value.row.code == "opted_out"


def test_a_doom_that_is_told_at_once_refuses(bench: Make) -> None:
    """A provider folder may name a row of the answer: it is refused, not accepted and lost."""
    assert decided(bench, US, each=False, doom="carrier_blocked")[0] == [US]
    with pytest.raises(Rejection) as raised:
        decided(bench, US, each=False, doom="queue_full")
    assert raised.value.row.code == "queue_full"
