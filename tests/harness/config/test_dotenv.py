"""Dotenv files, held against python-dotenv itself."""

from __future__ import annotations

import io
import logging
import random
from collections.abc import Callable
from pathlib import Path

import dotenv as python_dotenv
import pytest

from otpgate.config import dotenv, environment
from otpgate.config.loading import Source
from otpgate.config.model import Entry
from otpgate.errors import ManifestError
from otpgate.findings import Span

# Both readers differ, or python-dotenv drops the line and Node's dotenv keeps it.
DIFFERING = frozenset(("unterminated_quote", "text_after_quote", "colon"))


def read(text: str, lookup: Callable[[str], str | None] = lambda _: None) -> list[Entry]:
    return dotenv.load(Source(path=Path("f"), file="f.env", text=text, mention=Span("m"), lookup=lookup, folder=Path()))


def values(text: str) -> dict[str, str]:
    return {entry.name: entry.value for entry in read(text)}


AGREED = [
    ("A=b", "b"), ("export A=b", "b"), ("  A  =  b  ", "b"), ("A=b # note", "b"), ("A= # note", ""), ("A=#x", "#x"), ("A=b#c", "b#c"),
    ("A='b'", "b"), ('A="b"', "b"), ("A='b # c'", "b # c"), ('A="b # c" # d', "b # c"), ('A="one\\ntwo"', "one\ntwo"),
    ("A='one\\ntwo'", "one\\ntwo"), ('A="one\ntwo"', "one\ntwo"), ("A='one\ntwo'", "one\ntwo"), ("A=", ""), ('A=""', ""), ("A=''", ""),
    ('A=" x "', " x "), ("A=b c d", "b c d"), ("A=b=c==", "b=c=="), ('A="say \\"hi\\""', 'say "hi"'), ("A='it\\'s'", "it's"),
    ("A=\\n", "\\n"), ("A=b\r\n", "b"), ("A=é", "é"), ("A=$b", "$b"), ("# note\n\nA=b", "b"), ("A=1\nA=2", "2"), ("A=`b`", "`b`"),
]


@pytest.mark.parametrize(("text", "value"), AGREED)
def test_values_are_those_of_python_dotenv(text: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes, escapes, `export`, comments, line ends and multi-line values are read as the library reads them."""
    monkeypatch.delenv("b", raising=False)
    assert python_dotenv.dotenv_values(stream=io.StringIO(text))["A"] == value
    assert values(text)["A"] == value


def test_random_files_are_read_as_python_dotenv_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of random files give the same values, wherever the readers of the field agree."""
    monkeypatch.setattr(logging.getLogger("dotenv.main"), "disabled", True)
    for name in "ab1n":
        monkeypatch.delenv(name, raising=False)
    pieces = ["a", "b", "=", "'", '"', " ", "#", "\n", "\\", "$", "{", "}", "n", "export ", "-", "\r\n", "1"]
    chooser = random.Random(7)
    compared = 0
    for _ in range(8000):
        text = "".join(chooser.choice(pieces) for _ in range(chooser.randint(3, 14)))
        theirs = python_dotenv.dotenv_values(stream=io.StringIO(text))
        entries = read(text)
        names = {name for name in theirs if name and "\n" not in name and "'" not in name and theirs[name] is not None}
        if any(DIFFERING & set(entry.remarks) for entry in entries) or any(value is None for value in theirs.values()):
            continue
        if '\\"' in text or "\n" in "".join(theirs):
            continue
        ours = {entry.name: entry.value for entry in entries}
        assert {name: ours.get(name) for name in names} == {name: theirs[name] for name in names}, text
        compared += len(names)
    assert compared > 500


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B=1\nA=${B}-x", "1-x"), ("A=${B:-x}", "x"), ("A=${B}", ""), ("B=1\nA='${B}'", "1"), ("B=1\nA=${B}${C:-d}", "1d"),
        ("A=1\nA=${A}2", "12"),
    ],
)
def test_expansion_is_that_of_python_dotenv(text: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` sees what stands above it, `${NAME:-x}` has a default, and nothing defined is nothing."""
    for name in "ABC":
        monkeypatch.delenv(name, raising=False)
    assert python_dotenv.dotenv_values(stream=io.StringIO(text))["A"] == value
    assert values(text)["A"] == value


def test_expansion_sees_earlier_files_and_the_process() -> None:
    """A name that this file does not define is looked up outside of it."""
    assert read("A=${B}", {"B": "outside"}.get)[0].value == "outside"


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("export A=b", "export"), ('A="b', "unterminated_quote"), ('A="b"c', "text_after_quote"), ("A=a#b", "hash_unquoted"),
        ('A=" b "', "trailing_space"), ("A=`b`", "quotes_kept"), ("A=${B}", "undefined_expansion"), ("A=a$b", "dollar_unbraced"),
        ("A='\"b\"'", "quotes_kept"), ('A="b\\\nc"', "escaped_newline"), ('A="b\\n"', "trailing_newline"),
    ],
)
def test_what_readers_stumble_over_is_remarked(text: str, remark: str) -> None:
    """A rule judges remarks; the loader only notes them."""
    assert remark in read(text)[0].remarks


@pytest.mark.parametrize("text", ["A=b", "A='b'", 'A="b c"', "A=b # note", "A=b\r\n", "A=a=b=="])
def test_an_ordinary_value_has_no_remark(text: str) -> None:
    """The healthy twin: nothing is noted about a plain line."""
    assert read(text)[0].remarks == ()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("A=b", (1, 3, 1, 4)), ("\r\nexport A = 'b c' # d\r\n", (2, 12, 2, 17)), ('A="x\ny"', (1, 3, 2, 3)), ("A=", (1, 3, 1, 3)),
        ("ü=1\nA=é # x", (2, 3, 2, 4)), ("A=b   # note", (1, 3, 1, 4)),
    ],
)
def test_the_span_covers_the_value_as_written(text: str, span: tuple[int, ...]) -> None:
    """Quotes included, comment excluded: what stands there can be replaced."""
    found = read(text)[-1].span
    assert (found.line, found.column, found.end_line, found.end_column) == span
    assert (found.file, found.key) == ("f.env", "A")


def test_a_byte_order_mark_does_not_hide_the_first_name(tmp_path: Path) -> None:
    """The first name is found, its column is true, and the mark is remarked."""
    (tmp_path / "f.env").write_bytes(b"\xef\xbb\xbfA=b\r\n")
    found = environment.load([environment.Named("f.env", None, Span("m"))], tmp_path, lambda _: None).entries["A"]
    assert (found.value, found.span.column, found.remarks) == ("b", 3, ("byte_order_mark",))


@pytest.mark.parametrize(("text", "chain"), [("A=${B}\nB=${C}\nC=${A}", "A -> B -> C -> A"), ("A=${A}", "A -> A")])
def test_a_cycle_is_named_whole(tmp_path: Path, text: str, chain: str) -> None:
    """Names that define each other have no value: the chain is the message."""
    (tmp_path / "f.env").write_text(text)
    with pytest.raises(ManifestError) as caught:
        environment.load([environment.Named("f.env", None, Span("m"))], tmp_path, lambda _: None)
    assert chain in caught.value.what
    assert str(caught.value.where) == "f.env:1:3"


def test_a_cycle_across_files_is_found(tmp_path: Path) -> None:
    """The chain may lead through several files."""
    (tmp_path / "one.env").write_text("A=${B}")
    (tmp_path / "two.env").write_text("B=${A}")
    named = [environment.Named(file, None, Span("m")) for file in ("one.env", "two.env")]
    with pytest.raises(ManifestError, match="A -> B -> A"):
        environment.load(named, tmp_path, lambda _: None)


def test_a_name_that_extends_itself_is_no_cycle(tmp_path: Path) -> None:
    """`PATH=/opt/bin:${PATH}` is resolved by what is outside."""
    (tmp_path / "f.env").write_text("P=/opt:${P}")
    found = environment.load([environment.Named("f.env", None, Span("m"))], tmp_path, {"P": "/bin"}.get)
    assert found.entries["P"].value == "/opt:/bin"
