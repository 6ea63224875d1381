"""`otpgate rules` and `otpgate explain`: the catalogue, with the same text as the pages."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from otpgate import rules
from otpgate.commands import explain as explaining
from otpgate.commands import rules as listing
from otpgate.errors import UsageError


def test_rules_lists_every_family() -> None:
    """Each registered rule is listed under its family, with id, severity and title."""
    result = CliRunner().invoke(listing.command, standalone_mode=False)
    for id, rule in rules.load().items():
        assert any(line.split()[:2] == [id, rule.severity] for line in result.output.splitlines()), id
    assert "SN  sender" in result.output


def test_rules_as_data() -> None:
    """The JSON catalogue carries the whole page of each rule."""
    result = CliRunner().invoke(listing.command, ["--format", "json"], standalone_mode=False)
    entries = {entry["id"]: entry for entry in json.loads(result.output)["rules"]}
    assert set(entries) == set(rules.load())
    assert entries["SN002"]["fix"]


@pytest.mark.parametrize("wanted", ["SN002", "sn002", "sender-not-owned"])
def test_explain_takes_ids_and_names(wanted: str) -> None:
    """A rule is explained by id, in any case, or by name."""
    result = CliRunner().invoke(explaining.command, [wanted], standalone_mode=False)
    assert result.output.startswith("SN002 sender-not-owned (error")
    assert "Why" in result.output
    assert "Fix" in result.output


def test_explain_names_the_nearest() -> None:
    """An unknown rule is a usage error that names the closest one."""
    result = CliRunner().invoke(explaining.command, ["sender-not-ownd"], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert result.exception.do == "did you mean sender-not-owned?"
