"""The reference pages: current, complete, and without dead links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otpgate import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """What the code would write now."""
    return pages.pages()


def test_the_committed_pages_are_current() -> None:
    """A page that differs from the code is told by name."""
    assert list(pages.stale(DOCS)) == []


def test_a_changed_page_is_told(tmp_path: Path, written: dict[str, str]) -> None:
    """Staleness is seen: a missing page, a changed one, and one nothing writes any more."""
    for path, text in written.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert list(pages.stale(tmp_path)) == []
    (tmp_path / "cli.md").write_text(written["cli.md"] + "more")
    (tmp_path / "rules/index.md").unlink()
    (tmp_path / "rules/ZZ999.md").write_text(pages.MARK)
    assert sorted(pages.stale(tmp_path)) == ["cli.md", "rules/ZZ999.md", "rules/index.md"]


def test_every_rule_and_provider_has_a_page(written: dict[str, str]) -> None:
    """Catalogues and pages are derived from one place."""
    assert len([path for path in written if path.startswith("rules/")]) > 100
    assert {"providers/twilio.md", "providers/vonage.md", "scenarios.md", "cli.md"} <= set(written)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a page that is there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
