"""Published JSON Schemas agree with the readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from otpgate_contracts import documents, loading, schema
from otpgate_contracts.loading_account import AccountError, load_account

ACCOUNT = schema.account_schema()


@pytest.fixture(scope="module")
def account() -> Any:
    return jsonschema_rs.Draft202012Validator(ACCOUNT)


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_a_published_schema_is_current(name: str) -> None:
    """The committed schema is the one the models give; else: `python -m otpgate_contracts.schema --write`."""
    assert (schema.FOLDER / name).read_text("utf-8") == schema.text(schema.SCHEMAS[name]())


def test_the_command_says_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --write the command names stale schemas and fails; with it they are written."""
    monkeypatch.setattr(schema, "FOLDER", tmp_path / "schema")
    assert schema.main([]) == 1
    assert "account.schema.json is stale" in capsys.readouterr().err
    assert schema.main(["--write"]) == 0
    assert schema.main([]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "provider: twilio\n",
        "provider: a\nsenders: [{number: 12345, kind: short_code}, {alphanumeric: ACME, countries: [NO]}]\n",
        "provider: a\naccount: {id: 0123, kind: trial}\nbalance: {amount: 42.00}\nsettings: {any: [1, true]}\n",
    ],
)
def test_what_the_reader_takes_the_schema_takes(account: Any, text: str) -> None:
    """A file that loads is valid for an editor too."""
    assert load_account(text, "a.yaml")
    account.validate(documents.plain(text, "a.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "account: {}\n",
        "provider: a\nsender: []\n",
        "provider: a\nsenders: [{number: '+12025550143', alphanumeric: A}]\n",
        "provider: a\nsenders: [{sms: true}]\n",
        "provider: a\ndestinations: {enabled: [UK]}\n",
        "provider: a\naccount: {status: asleep}\n",
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(account: Any, text: str) -> None:
    """A file that does not load is marked by an editor too."""
    with pytest.raises(AccountError):
        load_account(text, "a.yaml")
    assert not account.is_valid(documents.plain(text, "a.yaml"))


def test_country_rows_fit_their_schema() -> None:
    """countries.yaml is valid by its own schema."""
    rows = documents.plain((loading.HOME / "countries.yaml").read_text("utf-8"), "countries.yaml")
    jsonschema_rs.Draft202012Validator(schema.countries_schema()).validate(rows)


def test_schemas_are_schemas() -> None:
    """Every published file is JSON Schema 2020-12 and says where it lives."""
    for file in sorted(schema.FOLDER.glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        assert content["$schema"] == schema.DIALECT
        assert content["$id"].endswith(f"/{file.name}")
        jsonschema_rs.meta.validate(content)
