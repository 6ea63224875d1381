"""`${...}`: names, parts of URLs, keys of other files, escapes, cycles, and what is undefined."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otpgate.config.model import Manifest, Setting
from otpgate.errors import ManifestError

Load = Callable[..., Manifest]
Refuse = Callable[..., ManifestError]

MANIFEST = """service:
  environment: [a.env]
gateways:
  one:
    provider: twilio
    sender: {written}
"""


def sender(load: Load, written: str, env: str = "", files: dict[str, str] | None = None, environ: dict[str, str] | None = None) -> Setting:
    manifest = load(MANIFEST.format(written=written), {"a.env": env, **(files or {})}, environ)
    return manifest.gateways["one"].settings["sender"]


@pytest.mark.parametrize(
    ("written", "env", "text"),
    [
        ("${A}", "A=+12025550143", "+12025550143"), ('"${A}"', "A=x", "x"), ("pre-${A}-${B}", "A=1\nB=2", "pre-1-2"),
        ("$${A}", "A=x", "${A}"), ('"costs $$5"', "", "costs $5"), ("a$b", "", "a$b"), ("${A:username}", "A=sms://u%40x:p%3As@host:99/p?from=%2B1&k=v", "u@x"),
        ("${A:password}", "A=sms://u:p%3As@host:99/p", "p:s"), ("${A:scheme}", "A=sms://u:p@host", "sms"), ("${A:host}", "A=sms://u:p@Twilio", "twilio"),
        ("${A:port}", "A=http://h:99/p", "99"), ("${A:path}", "A=http://h/a/b?x=1", "/a/b"), ("${A:query.from}", "A=sms://h?x=1&from=%2B12025550143", "+12025550143"),
        ("${A:query.from}", "A=sms://h?from=+12025550143", "+12025550143"),
    ],
)
def test_references_are_replaced(load: Load, written: str, env: str, text: str) -> None:
    """Names, parts of URLs (percent-decoded), several in one text, and `$$` for a dollar sign."""
    found = sender(load, written, env)
    assert (found.text, found.undefined) == (text, ())


def test_a_value_keeps_where_it_is_deployed_and_where_it_is_mentioned(load: Load) -> None:
    """Findings point at the deployed line; the manifest's own line is kept beside it."""
    found = sender(load, "${A}", "# note\nA='+12025550143'\n")
    assert (str(found.span), str(found.reference)) == ("a.env:2:3", "otpgate.yaml:6:13")
    assert (found.span.end_column, found.span.key) == (17, "A")
    assert [entry.name for entry in found.entries] == ["A"]


def test_a_literal_stands_where_it_is_written(load: Load) -> None:
    """Without a reference both places are the manifest's."""
    found = sender(load, "ACME")
    assert str(found.span) == str(found.reference) == "otpgate.yaml:6:13"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("c.yaml", "a:\n  b:\n    - c: 012\n", "c.yaml:3:10"), ("c.json", '{"a": {"b": [{"c": "012"}]}}', "c.json:1:20"),
        ("c.toml", "[[a.b]]\nc = '012'\n", "c.toml:2:5"),
    ],
)
def test_keys_of_other_files_are_read_with_their_place(load: Load, name: str, text: str, place: str) -> None:
    """`${file:a.b[0].c}` takes the scalar's source text from YAML, JSON or TOML."""
    found = sender(load, f"${{{name}:a.b[0].c}}", files={name: text})
    assert (found.text, str(found.span)) == ("012", place)


def test_references_inside_another_file_are_followed(load: Load) -> None:
    """Such files write defaults as `${NAME:default}`; what is deployed wins over the default."""
    found = sender(load, "${c.yaml:a}${c.yaml:b}", "X=x", {"c.yaml": "a: ${X:none}\nb: ${Y:-y}\n"})
    assert (found.text, found.undefined) == ("xy", ())


def test_the_process_environment_comes_last_and_is_recorded(load: Load) -> None:
    """Files win; a name taken from the process is part of what the service gets."""
    manifest = load(MANIFEST.format(written="${A}-${B}"), {"a.env": "A=file"}, {"A": "process", "B": "p", "C": "unused"})
    setting = manifest.gateways["one"].settings["sender"]
    assert setting.text == "file-p"
    assert {name: entry.loader for name, entry in manifest.taken_from_process.items()} == {"B": "process"}
    assert str(manifest.taken_from_process["B"].span) == "otpgate.yaml:6:13"


@pytest.mark.parametrize(
    ("written", "env", "undefined"),
    [
        ("${A}", "", ("A",)), ("x-${A}-${B}", "A=1", ("B",)), ("${A:username}", "A=http://host", ("A:username",)), ("${A:host}", "A=", ("A:host",)),
        ("${c.yaml:a.z}", "", ("c.yaml:a.z",)), ("${c.yaml:n}", "", ("c.yaml:n",)),
    ],
)
def test_an_undefined_name_is_listed_where_it_is_mentioned(load: Load, written: str, env: str, undefined: tuple[str, ...]) -> None:
    """It is no usage error: the setting is not present, and is among the manifest's problems."""
    manifest = load(MANIFEST.format(written=written), {"a.env": env, "c.yaml": "a: {b: 1}\nn:\n"})
    setting = manifest.gateways["one"].settings["sender"]
    assert (setting.undefined, setting.value, setting.present) == (undefined, None, False)
    assert str(setting.reference) == "otpgate.yaml:6:13"
    assert setting in manifest.problems


def test_a_defined_name_is_no_problem(load: Load) -> None:
    """The healthy twin."""
    assert load(MANIFEST.format(written="${A}"), {"a.env": "A=+12025550143"}).problems == ()


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("${A", "closing brace"), ("${}", "$$"), ("${1A}", "$$"), ("${A B}", "$$"), ("${A:user}", "${A:username}"), ("${A:passwrd}", "${A:password}"),
        ("${A:-x}", "${A}"), ("${A:query}", "query.KEY"), ("${missing.yaml:a}", "file"), ("${c.yaml}", "key.below"), ("x${c.yaml:a}", "scalar"),
        ("${bad.yaml:a}", "indentation"),
    ],
)
def test_a_malformed_reference_is_refused_in_its_place(refuse: Refuse, written: str, part: str) -> None:
    """File, line and column, why, and the nearest right form."""
    error = refuse(MANIFEST.format(written=f'"{written}"'), {"a.env": "A=1", "c.yaml": "a: {b: 1}", "bad.yaml": "a: ["})
    assert part in error.do
    assert str(error.where).startswith(("otpgate.yaml:6:13", "bad.yaml:"))


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        ({"c.yaml": "a: ${c.yaml:a}\n"}, "c.yaml:a -> c.yaml:a"),
        ({"c.yaml": "a: ${d.json:b}\n", "d.json": '{"b": "x${c.yaml:a}"}'}, "c.yaml:a -> d.json:b -> c.yaml:a"),
    ],
)
def test_a_cycle_of_file_references_names_its_chain(refuse: Refuse, files: dict[str, str], chain: str) -> None:
    """No stack overflow, no endless loop: the chain is the message."""
    assert chain in refuse(MANIFEST.format(written='"${c.yaml:a}"'), {"a.env": "", **files}).what


def test_a_cycle_of_names_names_its_chain(refuse: Refuse) -> None:
    """The same for names that define each other in an environment file."""
    error = refuse(MANIFEST.format(written="${A}"), {"a.env": "A=${B}\nB=${A}\n"})
    assert "A -> B -> A" in error.what
    assert str(error.where) == "a.env:1:3"
