"""How options, environment and defaults combine."""

from __future__ import annotations

import pytest

from otpgate.errors import UsageError, strongest
from otpgate.options import common, parse_shard


def test_an_option_wins_over_the_environment() -> None:
    """Precedence is option, then OTPGATE_*, then default."""
    environ = {"OTPGATE_FAIL_ON": "note", "OTPGATE_SELECT": "SN,CR", "OTPGATE_SEED": "5"}
    options = common({"fail_on": "warning", "select": ("FO",)}, environ)
    assert (options.fail_on, options.selection.select, options.seed) == ("warning", ("FO",), 5)


def test_the_default_fails_on_errors() -> None:
    """Without any word, warnings do not fail a build."""
    assert common({}, {}).fail_on == "error"


def test_an_unknown_format_names_the_nearest() -> None:
    """A mistyped format is a usage error with a suggestion."""
    with pytest.raises(UsageError, match="did you mean sarif"):
        common({"formats": ("sarfi",)}, {})


def test_two_formats_cannot_share_standard_output() -> None:
    """Two documents on one stream would be neither."""
    with pytest.raises(UsageError, match="give all but one a file"):
        common({"formats": ("json", "sarif")}, {})
    assert len(common({"formats": ("json", "sarif:x.sarif")}, {}).outputs) == 2


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_shard_outside_its_range_is_refused(text: str) -> None:
    """I/N needs 1 <= I <= N."""
    with pytest.raises(UsageError):
        parse_shard(text)


def test_a_shard_is_read() -> None:
    """The usual form is taken."""
    assert parse_shard("2/4") == (2, 4)


@pytest.mark.parametrize(("codes", "expected"), [
    ({1, 4}, 1), ({3, 1, 2}, 3), ({130, 3}, 130), ({4, 5}, 4), (set(), 0), ({2, 1}, 2), ({5}, 5),
])
def test_the_strongest_exit_code_wins(codes: set[int], expected: int) -> None:
    """When several apply: 130, 3, 2, 1, 4, 5."""
    assert strongest(codes) == expected
