"""A provider that is a folder of the user's own: `provider: ./gateways/acme`, of the shape of a provider pack."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from otpgate.config import documents
from otpgate.config.model import Setting
from otpgate.config.settings import Settings
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts import loading
from otpgate_contracts.faults import PackError
from otpgate_contracts.model import Pack

FILES = ("provider.yaml", "openapi.yaml", "errors.yaml", "senders.yaml", "fake.py")


def read(settings: Settings, path: str, setting: Setting, word: str) -> tuple[str, Setting, Pack | None]:
    """The pack in a folder, relative to the manifest. A folder that is written out and cannot be used is the manifest's fault."""
    folder = (settings.resolver.folder / word).resolve()
    shown = documents.relative(folder, settings.resolver.folder)
    problem, where, why, do = _problem(folder, shown)
    if problem is None:
        try:
            pack = loading.load_pack(folder)
            loading.openapi(pack)
        except PackError as error:
            file = documents.relative(Path(error.file), settings.resolver.folder)
            problem, where, why, do = f"the pack in {shown} cannot be used: {error.message}", Span(file, error.line, error.column), "", error.hint
        else:
            problem, where, why, do = _clash(pack, folder, shown)
            if problem is None:
                return pack.id, setting, pack
    if setting.entries:
        return "", replace(setting, value=None, problem=problem), None
    raise ManifestError(problem, where=where or setting.span, why=why or f"`{path}` names it as the provider", do=do)


def _problem(folder: Path, shown: str) -> tuple[str | None, Span | None, str, str]:
    if not folder.is_dir():
        return f"there is no folder {shown}", None, "", "give the path of a folder, relative to the manifest"
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        return f"the folder {shown} has no {', '.join(missing)}", None, "a gateway of your own has the shape of a provider pack", \
            f"write {'it' if len(missing) == 1 else 'them'}; docs/how-to/http.md shows the smallest that works"
    return None, None, "", ""


def _clash(pack: Pack, folder: Path, shown: str) -> tuple[str | None, Span | None, str, str]:
    """Ids are what messages, faults and reports call a provider: two must not share one."""
    span = Span(f"{shown}/provider.yaml", 1, 1)
    if pack.id in loading.ids() and folder.parent != loading.HOME:
        return f"the pack in {shown} calls itself `{pack.id}`", span, "that is the id of a provider otpgate knows", "give it an id of its own"
    return None, None, "", ""
