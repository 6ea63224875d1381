"""Configurations made of a healthy base and what a sample says on top of it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.rules.pages import Sample
from otpgate.rules.walker import Walked, walk
from otpgate_contracts.model import Pack

BASE = Path(__file__).parent / "base"
TODAY = date(2026, 11, 1)


def configured(blocks: list[Sample], folder: Path) -> Path:
    """The base in `folder` with the blocks laid over it; the manifest's path.

    yaml merges into the manifest (`~` removes a key, lists replace lists), account into an account file, env replaces
    lines of the same name (`+NAME=...` adds a second one), file adds a file.
    """
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    manifest = folder / "otpgate.yaml"
    for block in blocks:
        text = block.text.replace("LONG*1700", "long " * 340)
        if block.kind == "yaml":
            overlay(manifest, text)
        elif block.kind == "account":
            overlay(folder / "accounts" / f"{block.name}.yaml", text)
        elif block.kind == "env":
            env_lines(folder / "deploy" / "production.env", text)
        elif block.kind == "file":
            target = folder / block.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        else:
            raise ValueError(f"no such block: {block.kind}")
    return manifest


def overlay(file: Path, text: str) -> None:
    document = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(yaml.safe_dump(merged(document, yaml.safe_load(text)), allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000), "utf-8")


def merged(base: Any, over: Any) -> Any:
    """`over` laid over `base`: maps key by key, None removes, anything else replaces."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def env_lines(file: Path, text: str) -> None:
    lines = file.read_text("utf-8").splitlines()
    for line in text.splitlines():
        if line.startswith("+"):
            lines.append(line[1:])
            continue
        name = line.partition("=")[0]
        at = next((index for index, old in enumerate(lines) if old.partition("=")[0] == name), None)
        if at is None:
            lines.append(line)
        else:
            lines[at] = line
    file.write_text("\n".join(lines) + "\n", "utf-8")


def packs_for(manifest: Manifest) -> dict[str, Pack]:
    return {gateway.provider: gateway.pack for gateway in manifest.gateways.values() if gateway.pack is not None}


def judged(manifest: Path, **options: Any) -> Walked:
    """What every rule says of a manifest on disk."""
    loaded = manifests.load(manifest, {})
    return walk(loaded, packs_for(loaded), rules=rules.load(), today=options.pop("today", TODAY), **options)
