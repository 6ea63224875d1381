"""Accepting a finding, and being told when an acceptance has outlived its reason."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from harness.reports.samples import finding

from otpgate import suppress
from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.errors import UsageError
from otpgate.findings import Finding, Location

MANIFEST = """\
service: {name: shop, environment: [app.env]}
gateways:
  main: {provider: twilio, account_sid: "${SID}", auth_token: "${TOKEN}", sender: "+12025550143"}
routes: [{countries: [US], gateways: [main]}]
"""
TODAY = date(2026, 6, 1)


def load(folder: Path, ignore: str = "", env: str = "SID=a\nTOKEN=b\n") -> Manifest:
    (folder / "app.env").write_text(env)
    (folder / "otpgate.yaml").write_text(MANIFEST + ignore)
    return manifests.load(folder / "otpgate.yaml", {})


def at(line: int, **changes: object) -> Finding:
    """A finding on a line of app.env."""
    place = Location(file="app.env", line=line, column=1, end_line=line, end_column=3, key="SID")
    return finding(location=place, gateway="main", **changes)


def names(judged: suppress.Judged) -> list[str]:
    return [found.rule for found in judged.findings]


def test_a_comment_above_the_line_accepts_the_finding(tmp_path: Path) -> None:
    """The comment speaks of the next line, because dotenv files carry no trailing comments."""
    manifest = load(tmp_path, env="# otpgate: ignore[SN002] agreed\nSID=a\nTOKEN=b\n")
    judged = suppress.apply([at(2)], manifest, ["app.env"], today=TODAY)
    assert (names(judged), judged.suppressed) == ([], 1)


def test_a_comment_accepts_only_its_line_and_rule(tmp_path: Path) -> None:
    """Another line or another rule stays, and the comment is reported as unused."""
    manifest = load(tmp_path, env="# otpgate: ignore[SN003] agreed\nSID=a\nTOKEN=b\n")
    assert names(suppress.apply([at(2)], manifest, ["app.env"], today=TODAY)) == ["SN002", "FL090"]


@pytest.mark.parametrize("rule", ["SN002", "sender-not-owned", "SN"])
def test_an_entry_accepts_by_id_name_or_family(tmp_path: Path, rule: str) -> None:
    """The manifest may name the rule in any of the ways the command line takes."""
    manifest = load(tmp_path, f"ignore: [{{rule: {rule}, reason: agreed}}]\n")
    assert names(suppress.apply([at(1)], manifest, [], today=TODAY)) == []


def test_an_entry_of_another_gateway_does_not_accept(tmp_path: Path) -> None:
    """An entry bound to a gateway leaves the others alone."""
    manifest = load(tmp_path, "ignore: [{rule: SN002, gateway: main, reason: agreed}]\n")
    other = finding(gateway="spare")
    assert names(suppress.apply([other], manifest, [], today=TODAY)) == ["SN002", "FL090"]


def test_an_entry_ends_on_its_day(tmp_path: Path) -> None:
    """After `until` the finding counts again and the entry is reported."""
    manifest = load(tmp_path, "ignore: [{rule: SN002, reason: agreed, until: 2026-05-31}]\n")
    assert names(suppress.apply([at(1)], manifest, [], today=date(2026, 5, 31))) == []
    assert names(suppress.apply([at(1)], manifest, [], today=TODAY)) == ["SN002", "FL090"]


def test_a_partial_run_says_nothing_of_unused_acceptances(tmp_path: Path) -> None:
    """With --select or --gateway an unmatched entry may match in a whole run."""
    manifest = load(tmp_path, "ignore: [{rule: SN002, reason: agreed}]\n")
    assert names(suppress.apply([], manifest, [], today=TODAY, partial=True)) == []
    assert names(suppress.apply([], manifest, [], today=TODAY)) == ["FL090"]


def test_a_missing_baseline_is_written_and_accepts_nothing_yet(tmp_path: Path) -> None:
    """The first run records and still fails; the second is clean."""
    manifest, path = load(tmp_path), tmp_path / "baseline.json"
    assert names(suppress.apply([at(1)], manifest, [], baseline=path, today=TODAY)) == ["SN002"]
    assert names(suppress.apply([at(9)], manifest, [], baseline=path, today=TODAY)) == [], "a moved line is the same finding"


def test_an_expired_baseline_entry_no_longer_accepts(tmp_path: Path) -> None:
    """`expires` is a promise to look again."""
    manifest, path = load(tmp_path), tmp_path / "baseline.json"
    suppress.write_baseline(path, [at(1)])
    document = json.loads(path.read_text())
    document["entries"][0]["expires"] = "2026-05-01"
    path.write_text(json.dumps(document))
    assert "SN002" in names(suppress.apply([at(1)], manifest, [], baseline=path, today=TODAY))


def test_a_malformed_baseline_is_a_usage_error(tmp_path: Path) -> None:
    """A damaged file is named, with what to do."""
    path = tmp_path / "baseline.json"
    path.write_text("{")
    with pytest.raises(UsageError, match="baseline"):
        suppress.apply([at(1)], load(tmp_path), [], baseline=path, today=TODAY)
