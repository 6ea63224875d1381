"""The published JSON Schemas of account files and country rows, made from the models they are read into.

`python -m otpgate_contracts.schema --write` writes them again; a test says when that is due.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from otpgate_contracts.account import AccountState
from otpgate_contracts.dial_codes import PREFIXES
from otpgate_contracts.model import Country

FOLDER = Path(__file__).with_name("schema")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BASE = "https://otpgate.readthedocs.io/schema"


def account_schema() -> dict[str, Any]:
    """Schema of an account file. Text keys take any scalar, as the reader does: `number: 12345` needs no quotes."""
    schema = _schema_of(AccountState, "account", "State of a provider account, as otpgate reads it")
    definitions = schema["$defs"]
    definitions["country"] = {"enum": sorted(set(PREFIXES.values()))}
    for name, keys in {"Destinations": ("enabled", "disabled"), "Sender": ("countries",), "Registration": ("countries",)}.items():
        for key in keys:
            for one in definitions[name]["properties"][key]["anyOf"]:
                if one.get("type") == "array":
                    one["items"] = {"$ref": "#/$defs/country"}
    definitions["Sender"]["oneOf"] = [{"required": [name]} for name in ("number", "alphanumeric", "pool")]
    return schema


def countries_schema() -> dict[str, Any]:
    """Schema of countries.yaml."""
    return _schema_of(tuple[Country, ...], "countries", "Sender rules by destination country")


SCHEMAS = {"account.schema.json": account_schema, "countries.schema.json": countries_schema}


def text(schema: dict[str, Any]) -> str:
    """A schema as it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema_of(wanted: Any, name: str, title: str) -> dict[str, Any]:
    made = msgspec.json.schema(wanted, schema_hook=_anything)
    head = {"$schema": DIALECT, "$id": f"{BASE}/{name}.schema.json", "title": title}
    return head | {key: _any_scalar(value) for key, value in made.items()}


def _anything(wanted: type) -> dict[str, Any]:
    """The schema of `object`: a value of any kind."""
    return {"description": "a value of any kind"}


def _any_scalar(node: Any) -> Any:
    if isinstance(node, list):
        return [_any_scalar(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _any_scalar(value) for key, value in node.items()}
    if found.get("type") == "string":
        found["type"] = ["string", "number"]
    return found


def main(arguments: list[str]) -> int:
    """Write the schemas, or say which are stale."""
    stale = []
    for name, make in SCHEMAS.items():
        file, wanted = FOLDER / name, text(make())
        if "--write" in arguments:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(wanted, "utf-8")
        elif not file.is_file() or file.read_text("utf-8") != wanted:
            stale.append(name)
    for name in stale:
        print(f"{name} is stale: run `python -m otpgate_contracts.schema --write`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
