"""Packs: found by folder, read once, every fault with its place."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otpgate.rules import FAMILIES as RULE_FAMILIES
from otpgate.rules import load as load_rules
from otpgate_contracts import loading
from otpgate_contracts.compiling import validate_pack
from otpgate_contracts.faults import PackError, nearest
from otpgate_contracts.validation import FAMILIES
from otpgate_contracts.wire import Judge

PROVIDER = """\
id: toy
title: Toy
homepage: https://toy.example
aliases: [plaything]
products: {sms: SMS}
does_not: [anything real]
hosts: [{name: api.toy.example, source: made up}]
settings:
  - {name: key, kind: secret, example: 0123, default: on, pattern: "^[0-9]+$"}
credentials: [{id: basic, settings: [key], principal: key}]
lifecycle:
  states: [{name: sent, meaning: sent}, {name: delivered, meaning: delivered, final: true}]
  initial: sent
  paths: {delivered: [sent, delivered]}
limits: {text_max: 1600, code_length: [4, 10]}
refuses_in_order: [credentials_missing, input]
"""
ERRORS = """\
- {code: 30034, title: Unregistered, trigger: sender_unregistered_10dlc, http: 400, rule: RC001}
- {code: 012, title: Octal looking, trigger: input, phase: async, state: sent}
- {code: 1:30, title: Sexagesimal looking, trigger: fault}
"""
SENDERS = """\
kinds: [{kind: alphanumeric, pattern: "^[A-Z]+$"}]
rules: [{kind: alphanumeric, countries: [NO, "*"], effect: allowed}]
"""
OPENAPI = "openapi: 3.1.0\npaths:\n  /v1: {post: {operationId: send, responses: {200: {description: yes}}}}\n"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "more" / "toy"
    folder.mkdir(parents=True)
    for name, text in {"provider": PROVIDER, "errors": ERRORS, "senders": SENDERS, "openapi": OPENAPI}.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def test_a_folder_in_the_search_path_is_a_provider(toy: Path) -> None:
    """A folder with a provider.yaml is listed and loads, beside the built-in ones."""
    assert "toy" in loading.ids(search=[toy.parent])
    assert {"twilio", "vonage"} <= set(loading.ids())
    assert loading.pack("toy", search=[toy.parent]).provider.title == "Toy"
    assert loading.load_pack(toy).id == "toy"
    assert loading.pack(str(toy)).id == "toy"


def test_all_packs_come_by_id(toy: Path) -> None:
    """Every folder of the search path comes as a pack, by its id."""
    assert loading.packs(search=[toy.parent])["toy"].folder == str(toy)


def test_listing_reads_no_file(tmp_path: Path) -> None:
    """Ids are known without reading what stands in the folders."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "provider.yaml").write_text("{", "utf-8")
    assert "broken" in loading.ids(search=[tmp_path])
    assert loading.pack("twilio", search=[tmp_path]).id == "twilio"


def test_text_keeps_its_source(toy: Path) -> None:
    """Codes and examples are the text of the file, whatever they look like; NO is Norway and on is a word."""
    pack = loading.load_pack(toy)
    assert [row.code for row in pack.errors] == ["30034", "012", "1:30"]
    assert pack.senders.rules[0].countries == ("NO", "*")
    assert (pack.provider.settings[0].example, pack.provider.settings[0].default) == ("0123", "on")
    assert pack.provider.limits.code_length == (4, 10)


def test_keys_of_an_openapi_document_are_text(toy: Path) -> None:
    """A status written as a number is a key like any other."""
    document = loading.openapi(loading.load_pack(toy))
    assert document["paths"]["/v1"]["post"]["responses"] == {"200": {"description": "yes"}}


@pytest.mark.parametrize(
    ("file", "old", "new", "wrong", "message"),
    [
        ("provider", "initial: sent", "initial: sennt", "sennt", "undefined state `sennt` (did you mean `sent`?)"),
        ("provider", "[sent, delivered]", "[sent, gone]", "gone", "undefined state `gone`"),
        ("provider", "{delivered: [", "{arrived: [", "[", "unknown outcome `arrived` (one of delivered, undelivered,"),
        ("provider", "final: true", "final: yes", "yes", "`lifecycle.states[1].final`: Expected `bool`, got `str`"),
        ("provider", "title: Toy", "titel: Toy", "titel", "unknown key `titel` (did you mean `title`?)"),
        ("provider", "kind: secret", "kind: secrte", "secrte", "`kind` cannot be `secrte` (did you mean `secret`?"),
        ("provider", "principal: key", "principal: kye", "kye", "undefined setting `kye` (did you mean `key`?)"),
        ("provider", "example: 0123", "example: abc", "abc", "the example of `key` does not fit its own pattern"),
        ("provider", '"^[0-9]+$"', '"^["', '"^["', "not a regular expression: unterminated character set"),
        ("provider", "[credentials_m", "[credential_m", "credential_m", "unknown reason `credential_missing` (did you mean"),
        ("provider", "{text_max: 1600", "{text_max: 1, text_max: 2", "text_max: 2", "`text_max` is given twice"),
        ("provider", "limits:", "webhooks: [{signature: rot13}]\nlimits:", "rot13", "unknown signature scheme `rot13`"),
        ("errors", "trigger: input", "trigger: inptu", "inptu", "error 012: unknown trigger `inptu` (did you mean `input`?)"),
        ("errors", "rule: RC001", "rule: QQ001", "QQ001", "unknown rule `QQ001`"),
        ("errors", "http: 400", "settings: [otp.template, kye]", "kye", "undefined setting `kye` (did you mean `key`?)"),
        ("errors", "http: 400", "also: {opted_uot: ''}", "''", "error 30034: unknown reason `opted_uot` (did you mean `opted_out`?)"),
        ("errors", "http: 400", "also: {opted_out: ZZ001}", "ZZ001", "unknown rule `ZZ001`"),
        ("errors", "http: 400", "http: '400'", "'400'", "`[0].http`: Expected `int | null`, got `str`"),
        ("errors", "state: sent", "state: sunk", "sunk", "error 012: undefined state `sunk`"),
        ("errors", "phase: async", "phase: later", "later", "`phase` cannot be `later` (write one of sync, body, async)"),
        ("senders", "[NO,", "[Norway,", "Norway", "`Norway` is no ISO country code"),
        ("senders", "effect: allowed", "effect: alowed", "alowed", "`effect` cannot be `alowed` (did you mean `allowed`?"),
        ("senders", "kinds: [{kind", "kinds: [{[kind]", "[kind]", "a key must be a plain word"),
    ],
)
def test_a_fault_in_a_pack_has_its_place(toy: Path, file: str, old: str, new: str, wrong: str, message: str) -> None:
    """A wrong key, word, type or name in a pack is told with file, line and column, and the nearest right one."""
    path = toy / f"{file}.yaml"
    text = path.read_text("utf-8").replace(old, new, 1)
    path.write_text(text, "utf-8")
    at = text.index(wrong, text.index(new))
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    with pytest.raises(PackError) as caught:
        loading.load_pack(toy)
    assert str(caught.value).startswith(f"{path}:{line}:{column}: {message}")


def test_a_missing_key_is_told_at_its_mapping(toy: Path) -> None:
    """A key that every pack has and this one lacks is named where its mapping begins."""
    (toy / "provider.yaml").write_text(PROVIDER.replace("title: Toy\n", ""), "utf-8")
    with pytest.raises(PackError, match=r"provider.yaml:1:1: missing key `title`"):
        loading.load_pack(toy)


def test_a_code_given_twice(toy: Path) -> None:
    """The same error of the same product, cause and phase stands once."""
    (toy / "errors.yaml").write_text(ERRORS + ERRORS.splitlines()[1] + "\n", "utf-8")
    with pytest.raises(PackError, match=r"errors.yaml:4:\d+: error 012 is given twice"):
        loading.load_pack(toy)


def test_a_missing_file(toy: Path) -> None:
    """A pack without its errors says which file is missing."""
    (toy / "errors.yaml").unlink()
    with pytest.raises(PackError, match=r"the pack has no errors\.yaml"):
        loading.load_pack(toy)


def test_an_unknown_provider_names_the_nearest(toy: Path) -> None:
    """A typing error in a provider's id comes with the id that was meant, and all that are known."""
    with pytest.raises(PackError, match=r"no provider `twillio` \(did you mean `twilio`\? known: .*twilio, vonage"):
        loading.pack("twillio")
    with pytest.raises(PackError, match="did you mean `toy`"):
        loading.pack("plaything", search=[toy.parent])


def test_installed_packs_are_found_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: Path) -> None:
    """A distribution may bring a pack: the folder of the module its entry point names."""
    site = tmp_path / "site"
    shutil.copytree(toy, site / "toy_for_otpgate")
    (site / "toy_for_otpgate" / "__init__.py").touch()
    (site / "toy-1.0.dist-info").mkdir()
    (site / "toy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (site / "toy-1.0.dist-info" / "entry_points.txt").write_text("[otpgate.providers]\ntoy = toy_for_otpgate\n")
    monkeypatch.syspath_prepend(str(site))
    assert loading.pack("toy").folder == str(site / "toy_for_otpgate")


def test_a_changed_file_is_read_again(toy: Path) -> None:
    """What is kept is not served once a source has changed."""
    assert loading.load_pack(toy).provider.title == "Toy"
    (toy / "provider.yaml").write_text(PROVIDER.replace("title: Toy", "title: Newer"), "utf-8")
    assert loading.load_pack(toy).provider.title == "Newer"


def test_the_cache_stands_beside_the_source(toy: Path) -> None:
    """A pack that was read is kept in `__pycache__`, whole or not at all, and read from there without YAML."""
    first = loading.load_pack(toy)
    kept = sorted(path.name for path in (toy / "__pycache__").iterdir())
    assert kept == ["pack.otpgate"]
    code = (
        "import sys, pathlib; from otpgate_contracts import loading;"
        f"pack = loading.load_pack(pathlib.Path({str(toy)!r}));"
        "assert pack.provider.title == 'Toy' and pack.errors[0].code == '30034';"
        "sys.exit('yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert first.provider.title == "Toy"


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x92\xa1x\x80"])
def test_a_damaged_cache_is_ignored(toy: Path, content: bytes) -> None:
    """A cache that cannot be read is written again."""
    (toy / "__pycache__").mkdir()
    (toy / "__pycache__" / "pack.otpgate").write_bytes(content)
    assert loading.load_pack(toy).id == "toy"
    assert (toy / "__pycache__" / "pack.otpgate").read_bytes() != content


def test_a_cache_that_cannot_be_written(toy: Path) -> None:
    """Where `__pycache__` cannot be a folder, the pack loads from its source."""
    (toy / "__pycache__").write_text("a file in the way")
    assert loading.load_pack(toy).id == "toy"


@pytest.mark.parametrize("id", loading.ids())
def test_built_in_packs_are_sound(id: str) -> None:
    """A pack of this distribution has no contradiction, and an OpenAPI document."""
    pack = loading.pack(id)
    assert validate_pack(pack) == []
    assert loading.openapi(pack)["openapi"].startswith("3.1")


@pytest.mark.parametrize("id", loading.ids())
def test_built_in_packs_name_known_rules(id: str) -> None:
    """Every rule that a pack's errors and SDK traps lead to exists."""
    assert validate_pack(loading.pack(id), frozenset(load_rules())) == []


def test_rule_families_are_the_registrys() -> None:
    """The families a pack may name are the ones that have rules."""
    assert set(RULE_FAMILIES) == FAMILIES


@pytest.mark.parametrize("id", loading.ids())
def test_account_questions_are_operations(id: str) -> None:
    """Every read-only question to an account is an operation of the pack's OpenAPI document."""
    pack = loading.pack(id)
    judge = Judge(loading.openapi(pack))
    assert {one.operation for one in pack.provider.account_api} <= set(judge.endpoints)


@pytest.mark.parametrize("id", loading.ids())
def test_openapi_hosts_are_the_providers(id: str) -> None:
    """A path is served on a host that the pack's provider.yaml lists, and every operation compiles."""
    pack = loading.pack(id)
    judge = Judge(loading.openapi(pack))
    hosts = {host.name for host in pack.provider.hosts}
    for endpoint in judge.endpoints.values():
        assert set(endpoint.hosts) <= hosts
        judge.request(endpoint.id, [], {}, b"")
        judge.response(endpoint.id, 200, b"{}")


@pytest.mark.parametrize("id", loading.ids())
def test_a_pack_says_why_it_is_believed(id: str) -> None:
    """Every error, setting, host and sender rule names its source."""
    pack = loading.pack(id)
    facts = [*pack.errors, *pack.provider.hosts, *pack.provider.settings, *pack.senders.kinds, *pack.senders.rules]
    assert [fact for fact in facts if not fact.source] == []


def test_countries() -> None:
    """92 countries have sender rules, each with its sources."""
    rows = loading.countries()
    assert len(rows) == 92
    assert rows["NO"].country == "Norway"
    assert all(row.sources for row in rows.values())


def test_warm_packs_are_quick() -> None:
    """Loading every built-in pack from its cache takes milliseconds."""
    loading.packs()
    code = (
        "import time; from otpgate_contracts import loading; start = time.perf_counter(); loading.packs();"
        "print(time.perf_counter() - start)"
    )
    runs = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(3)]
    assert min(runs) < 0.05
    start = time.perf_counter()
    loading.packs()
    assert time.perf_counter() - start < 0.01


@pytest.mark.parametrize(
    ("word", "words", "expected"),
    [
        ("stauts", ["status", "start"], "status"),
        ("auth-token", ["auth_token"], "auth_token"),
        ("sender", ["gateway"], None),
        ("id", ["to"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_word(word: str, words: list[str], expected: str | None) -> None:
    """A typing error is near, another word is not."""
    assert nearest(word, words) == expected
