"""Finds the fake of a provider: a folder of this package, a `fake.py` beside a pack elsewhere, or an entry point."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from importlib.abc import Loader
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

from msgspec.structs import replace

from otpgate_contracts import loading
from otpgate_contracts.admin import FakeGateway
from otpgate_contracts.describing import pack_for
from otpgate_contracts.faults import PackError
from otpgate_contracts.model import Pack
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.fake import Fake

ENTRY_POINTS = "otpgate.fakes"
HOME = Path(__file__).parent


def names(search: Iterable[Path] = ()) -> tuple[str, ...]:
    """Providers that have both a pack and a fake, sorted."""
    return tuple(name for name in loading.ids(search) if (HOME / name / "__init__.py").exists() or beside(name, search))


def load(provider: str, search: Iterable[Path] = (), gateways: Iterable[FakeGateway] = ()) -> tuple[Fake, Pack]:
    """A provider's fake and pack; Problem names the nearest provider where there is none.

    Those of `gateways` that are the provider's may say where its pack is, or describe themselves.
    """
    search = tuple(search)
    own = next((one for one in gateways if one.provider == provider and one.pack is not None), None)
    if own is not None and own.files:
        own = replace(own, pack=unpacked(own.files))
    try:
        pack = loading.pack(provider, search) if own is None else pack_for(own)
    except PackError as missing:
        raise Problem(f"{missing.message}" if hasattr(missing, "message") else str(missing), getattr(missing, "hint", "")) from None
    fake = find(pack, search)
    if fake is None:
        raise Problem(f"{pack.id} has a pack but no fake yet", f"providers that can be played: {', '.join(names(search))}")
    check(fake, pack)
    return fake, pack


def pack_in(folder: str) -> Pack:
    """The pack in a folder of the user's own."""
    if not Path(folder, "provider.yaml").is_file():
        raise Problem(f"there is no pack in {folder}", "give a folder with provider.yaml, errors.yaml, senders.yaml, openapi.yaml and fake.py")
    return loading.load_pack(Path(folder).resolve())


def unpacked(files: dict[str, str]) -> str:
    """A folder with these files, for as long as the machine keeps what is temporary."""
    folder = Path(mkdtemp(prefix="otpgate-pack-"))
    for name, text in files.items():
        file = folder / name
        if folder not in file.resolve().parents:
            raise Problem(f"a file of a pack is named {name!r}", "names are relative to the pack's folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return str(folder)


def find(pack: Pack, search: tuple[Path, ...]) -> Fake | None:
    folder = Path(pack.folder)
    if folder.parent == loading.HOME and (HOME / folder.name / "__init__.py").exists():
        return offered(importlib.import_module(f"otpgate_fakes.{folder.name}"), pack)
    file = folder / "fake.py"
    if file.exists():
        spec = importlib.util.spec_from_file_location(f"otpgate_fakes_{pack.id}", file)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            run(spec.loader, module, file)
            return offered(module, pack)
    for point in importlib.import_module("importlib.metadata").entry_points(group=ENTRY_POINTS, name=pack.id):
        loaded = point.load()
        return loaded if isinstance(loaded, Fake) else offered(loaded, pack)
    return None


def run(loader: Loader, module: ModuleType, file: Path) -> None:
    """Execute a fake that is not ours; what goes wrong in it is said with its place."""
    try:
        loader.exec_module(module)
    except Exception as broken:
        places = [frame for frame in traceback.extract_tb(broken.__traceback__) if frame.filename == str(file)]
        line = getattr(broken, "lineno", None) or (places[-1].lineno if places else 1)
        raise Problem(f"{file}:{line}: {type(broken).__name__}: {broken}", "the fake beside the pack has to load without an error") from None


def offered(module: ModuleType, pack: Pack) -> Fake:
    """What a module offers: FAKE, or `fake_for(pack)` where the fake is made of its pack."""
    if hasattr(module, "fake_for"):
        made: Fake = module.fake_for(pack)
        return made
    found = getattr(module, "FAKE", None)
    if not isinstance(found, Fake):
        raise Problem(f"{module.__file__} offers no fake", "let it export `FAKE = Fake(...)`, see otpgate_fakes.core.fake")
    return found


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
