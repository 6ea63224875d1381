"""Text files as node trees: values, source texts, places."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from otpgate.config import documents
from otpgate.config.nodes import Node
from otpgate.errors import ManifestError


def at(node: Node, path: str) -> tuple[object, str, tuple[int, int, int, int]]:
    found = node.at(path)
    assert found is not None, path
    span = found.span
    return found.value, found.text, (span.line, span.column, span.end_line, span.end_column)


YAML_SCALARS = [
    ("NO", "NO", "NO"), ("on", "on", "on"), ("yes", "yes", "yes"), ("True", "True", "True"), ("true", True, "true"),
    ("false", False, "false"), ("null", None, ""), ("~", None, ""), ("+12025550143", 12025550143, "+12025550143"),
    ("12e10", 12e10, "12e10"), ("007", 7, "007"), ("0o17", 15, "0o17"), ("0x1F", 31, "0x1F"), ("1_000", "1_000", "1_000"),
    ("1:30", "1:30", "1:30"), ("'007'", "007", "007"), ('"+1"', "+1", "+1"), ("2024-02-16", "2024-02-16", "2024-02-16"),
    (".inf", float("inf"), ".inf"), ("!!str 12", "12", "12"), ("0.50", 0.5, "0.50"),
]


@pytest.mark.parametrize(("written", "value", "text"), YAML_SCALARS)
def test_yaml_scalars_are_read_by_version_1_2(written: str, value: object, text: str) -> None:
    """`NO` and `on` are words, only true and false are booleans, and every scalar keeps its source text."""
    node = documents.parse(f"key: {written}\n", "f.yaml").at("key")
    assert node is not None
    assert (node.value, node.text) == (value, text)
    assert type(node.value) is type(value)


def test_yaml_spans_count_characters_from_one() -> None:
    """A span covers the scalar with its quotes; columns count characters, not bytes."""
    node = documents.parse('a: b\nü: ["é", x]\n', "f.yaml")
    assert at(node, "a") == ("b", "b", (1, 4, 1, 5))
    assert at(node, "ü[0]") == ("é", "é", (2, 5, 2, 8))
    assert node.keys["ü"].column == 1


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    """A file saved with a byte order mark has the same places as without."""
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfkey: value\r\nnext: two\r\n")
    node = documents.parse(documents.read(path, "f.yaml"), "f.yaml")
    assert at(node, "key") == ("value", "value", (1, 6, 1, 11))
    assert at(node, "next") == ("two", "two", (2, 7, 2, 10))


def test_a_block_scalar_starts_where_it_is_written() -> None:
    """A text over several lines has the place of its first character."""
    node = documents.parse("a: |\n  one\n  two\nb: 1\n", "f.yaml").at("a")
    assert node is not None
    assert (node.value, node.span.line, node.span.column) == ("one\ntwo\n", 1, 4)


def test_references_may_stand_unquoted_inside_brackets() -> None:
    """`{value: ${NAME}, ...}` is no YAML by the book; in a manifest it is what people write."""
    text = "a: {value: ${NAME:username}, true_when: [mock, ${f.yaml:a.b[0].c}]} # ${x}\n"
    node = documents.parse(text, "f.yaml", references=True)
    assert at(node, "a.value") == ("${NAME:username}", "${NAME:username}", (1, 12, 1, 28))
    assert at(node, "a.true_when[1]")[0] == "${f.yaml:a.b[0].c}"


def test_without_references_brackets_keep_their_meaning() -> None:
    """Files that are no manifest are held to YAML."""
    with pytest.raises(ManifestError, match="not readable as YAML"):
        documents.parse("a: {value: ${NAME}}\n", "f.yaml")


def test_anchors_and_merge_keys_work() -> None:
    """Merged keys give way to written ones."""
    node = documents.parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nlist: {<<: [*b, {z: 4}]}\n", "f.yaml")
    assert node.plain() == {"base": {"x": 1, "y": 2}, "use": {"y": 3, "x": 1}, "list": {"x": 1, "y": 2, "z": 4}}


def test_several_documents_are_read_one_by_one() -> None:
    """Empty documents are left out."""
    nodes = documents.parse_all("---\na: 1\n---\n---\nb: 2\n", "f.yaml")
    assert [node.plain() for node in nodes] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("file", "text", "value", "span"),
    [
        ("f.json", '{"a": [1, {"b": "x\\ud83d\\ude00"}],\r\n\t"c": 12e10}', "x😀", (1, 17, 1, 32)),
        ("f.toml", '# c\r\na = [ 1,\r\n  {b = "k"} ]\r\n', "k", (3, 8, 3, 11)),
        ("f.yaml", "a:\r\n  - 1\r\n  - b: k\r\n", "k", (3, 8, 3, 9)),
    ],
)
def test_json_toml_and_yaml_agree_on_places(file: str, text: str, value: str, span: tuple[int, ...]) -> None:
    """The same path leads to the value, with the place in its own file."""
    found = at(documents.parse(text, file), "a[1].b")
    assert (found[0], found[2]) == (value, span)


def test_json_numbers_keep_their_source_text() -> None:
    """What looks like a number to JSON may be a code."""
    assert at(documents.parse('{"a": 12e10, "b": 1.50}', "f.json"), "b") == (1.5, "1.50", (1, 19, 1, 23))


TOML = '''title = "x"
a.b = 1
"q.r"."s" = 'lit'
[table."with dot"]
text = """
two "quoted"
lines""" # comment
dates = [1979-05-27 07:32:00, 1979-05-27]
inline = {x = {y = 3}, z = [ [4], # note
  [5] ]}
[[products]]
name = "one"
[products.size]
cm = 4
[[products]]
name = 'two # not a comment'
'''


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("title", "x", (1, 9)), ("a.b", 1, (2, 7)), ("products[0].name", "one", (12, 8)), ("products[0].size.cm", 4, (14, 6)),
        ("products[1].name", "two # not a comment", (16, 8)),
    ],
)
def test_toml_places_hold_for_every_kind_of_table(path: str, value: object, place: tuple[int, int]) -> None:
    """Dotted keys, tables and arrays of tables lead to the place of the value."""
    found = at(documents.parse(TOML, "f.toml"), path)
    assert (found[0], found[2][:2]) == (value, place)


def test_toml_places_hold_inside_values() -> None:
    """Multi-line texts, dates, inline tables and nested arrays have places of their own."""
    table = documents.parse(TOML, "f.toml").items["table"].items["with dot"]
    assert at(table, "text")[2] == (5, 8, 7, 9)
    assert at(table, "dates[0]")[1:] == ("1979-05-27 07:32:00", (8, 10, 8, 29))
    assert at(table, "inline.x.y") == (3, "3", (9, 20, 9, 21))
    assert at(table, "inline.z[1][0]") == (5, "5", (10, 4, 10, 5))
    assert documents.parse(TOML, "f.toml").items["q.r"].at("s") is not None


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("f.yaml", "a: 1\nb: [1\nc: 2\n", "f.yaml:3"), ("f.yaml", "a:\n\tb: 1\n", "f.yaml:2:1"), ("f.yaml", "a: *x\n", "f.yaml:1:4"),
        ("f.yaml", "a: 1\nb: 2\na: 3\n", "f.yaml:3:1"), ("f.yaml", "? [1]\n: x\n", "f.yaml:1:3"), ("f.yaml", "a: \x01\n", "f.yaml:1"),
        ("f.yaml", "a: &x [*x]\n", "f.yaml:1:4"), ("f.json", '{"a": 1,}', "f.json:1:8"), ("f.json", '{"a": 01}', "f.json:1:7"),
        ("f.json", '{"a": 1, "a": 2}', "f.json:1:10"), ("f.json", '{"a": 1} x', "f.json:1:10"), ("f.json", '{"a" 1}', "f.json:1:6"),
        ("f.toml", "a = 1\nb = \n", "f.toml:2"), ("f.toml", "a = 1\na = 2\n", "f.toml:2"), ("f.yaml", "a: " + "[" * 9000, "f.yaml"),
        ("f.json", "[" * 90000, "f.json"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(file: str, text: str, place: str) -> None:
    """What, where, why and what to do; never a traceback."""
    with pytest.raises(ManifestError) as caught:
        documents.parse(text, file)
    assert str(caught.value.where).startswith(place)
    assert caught.value.why
    assert caught.value.do


def test_a_key_written_twice_names_both_places() -> None:
    """Of two equal keys one would be lost without a word."""
    with pytest.raises(ManifestError) as caught:
        documents.parse("gateways:\n  one: 1\n  one: 2\n", "f.yaml")
    assert (str(caught.value.where), "f.yaml:2:3" in caught.value.why) == ("f.yaml:3:3", True)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"A=\x00", "binary"), (b"A=1\nB=\xff", "line 2, column 3"), ("A=1".encode("utf-16"), "UTF-16"), (None, "no such file")],
)
def test_an_unreadable_file_says_why(tmp_path: Path, content: bytes | None, why: str) -> None:
    """Binary, wrongly encoded and missing files are told apart."""
    path = tmp_path / "f.env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        documents.read(path, "f.env")
    assert why in caught.value.why
    assert caught.value.do


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Naming a folder is a mistake of its own."""
    with pytest.raises(ManifestError, match="cannot read"):
        documents.read(tmp_path, "deploy")


def test_two_kilobytes_of_yaml_are_read_in_a_moment() -> None:
    """Places must not make reading slow: the fastest of ten readings counts."""
    text = "".join(f"key{index}: {{name: value{index}, list: [1, two, ${{THREE}}]}}\n" for index in range(40))
    times = []
    for _ in range(10):
        started = time.process_time()
        documents.parse(text, "f.yaml", references=True)
        times.append(time.process_time() - started)
    assert min(times) < 0.02
