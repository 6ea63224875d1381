"""Every rule is born with red and green: its page's Bad samples are found by it, its Good ones are silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from otpgate import rules
from otpgate.rules.pages import Sample, samples

from .samples import configured, judged

STATIC = {id: rule for id, rule in rules.load().items() if rule.scope in ("service", "gateway", "route")}
BAD = [(id, blocks) for id, rule in STATIC.items() for blocks in samples(rules.page(rule).bad)]
GOOD = [(id, blocks) for id, rule in STATIC.items() for blocks in samples(rules.page(rule).good)]


def named(case: tuple[str, list[Sample]]) -> str:
    return case[0]


@pytest.mark.parametrize("case", BAD, ids=named)
def test_bad_sample_is_found(case: tuple[str, list[Sample]], tmp_path: Path) -> None:
    """A rule finds the fault its own page shows, and says so in words."""
    id, blocks = case
    walked = judged(configured(blocks, tmp_path))
    mine = [found for found in walked.findings if found.rule == id]
    assert mine, f"{id} is silent; others: {[(f.rule, f.message) for f in walked.findings]}"
    for found in mine:
        assert found.message.endswith((".", "?", ")"))
        assert len(found.message) > 20
        assert found.fix is not None
        assert found.location.line >= 1


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_good_sample_is_clean(case: tuple[str, list[Sample]], tmp_path: Path) -> None:
    """The healthy twin of a fault is silent, and no other rule calls it an error."""
    id, blocks = case
    walked = judged(configured(blocks, tmp_path))
    loud = [found for found in walked.findings if found.rule == id or found.severity == "error"]
    assert not loud, [(f.rule, str(f.location.file), f.location.line, f.message) for f in loud]


@pytest.mark.parametrize("id", sorted(STATIC))
def test_page_is_whole(id: str) -> None:
    """A rule's page says what, why, bad, good, fix and where it is known from."""
    page = rules.page(STATIC[id])
    for section in ("title", "why", "bad", "good", "fix", "sources"):
        assert getattr(page, section), f"{id} has no {section}"
    assert samples(page.bad)
    assert samples(page.good)


def test_base_is_clean(tmp_path: Path) -> None:
    """A healthy, realistic configuration has no finding at all."""
    walked = judged(configured([], tmp_path))
    assert not walked.findings, [(f.rule, f.message) for f in walked.findings]
