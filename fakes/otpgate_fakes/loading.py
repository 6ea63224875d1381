"""Finds the fake of a provider: a folder of this package, a `fake.py` beside a pack elsewhere, or an entry point."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from otpgate_contracts import loading
from otpgate_contracts.faults import PackError
from otpgate_contracts.model import Pack
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.fake import Fake

ENTRY_POINTS = "otpgate.fakes"
HOME = Path(__file__).parent


def names(search: Iterable[Path] = ()) -> tuple[str, ...]:
    """Providers that have both a pack and a fake, sorted."""
    return tuple(name for name in loading.ids(search) if (HOME / name / "__init__.py").exists() or beside(name, search))


def load(provider: str, search: Iterable[Path] = ()) -> tuple[Fake, Pack]:
    """A provider's fake and pack; Problem names the nearest provider where there is none."""
    search = tuple(search)
    try:
        pack = loading.pack(provider, search)
    except PackError as missing:
        raise Problem(f"{missing.message}" if hasattr(missing, "message") else str(missing), getattr(missing, "hint", "")) from None
    fake = find(pack, search)
    if fake is None:
        raise Problem(f"{pack.id} has a pack but no fake yet", f"providers that can be played: {', '.join(names(search))}")
    check(fake, pack)
    return fake, pack


def find(pack: Pack, search: tuple[Path, ...]) -> Fake | None:
    if (HOME / pack.id / "__init__.py").exists():
        found: Fake = importlib.import_module(f"otpgate_fakes.{pack.id}").FAKE
        return found
    file = Path(pack.folder) / "fake.py"
    if file.exists():
        spec = importlib.util.spec_from_file_location(f"otpgate_fakes_{pack.id}", file)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            own: Fake = module.FAKE
            return own
    for point in importlib.import_module("importlib.metadata").entry_points(group=ENTRY_POINTS, name=pack.id):
        loaded = point.load()
        installed: Fake = loaded if isinstance(loaded, Fake) else loaded.FAKE
        return installed
    return None


def beside(name: str, search: Iterable[Path]) -> bool:
    return any((folder / name / "fake.py").exists() for folder in search)


def check(fake: Fake, pack: Pack) -> None:
    """A fake plays only operations its openapi describes; a fault of the provider folder is said plainly."""
    described = {
        operation.get("operationId")
        for item in loading.openapi(pack).get("paths", {}).values()
        for operation in item.values()
        if isinstance(operation, dict)
    }
    unknown = sorted(operation.id for operation in fake.operations if operation.id not in described)
    if unknown:
        raise Problem(
            f"the fake of {pack.id} plays operations its openapi.yaml does not describe: {', '.join(unknown)}",
            "describe them, with the same operationId",
        )
