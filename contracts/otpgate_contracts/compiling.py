"""From the YAML files of a pack to checked values: what :mod:`otpgate_contracts.loading` keeps in its cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from otpgate_contracts import documents
from otpgate_contracts.faults import LocatedError, PackError
from otpgate_contracts.loading import Sources
from otpgate_contracts.model import Country, ErrorRow, Pack, Provider, Senders
from otpgate_contracts.validation import Problem, problems

T = TypeVar("T")

FILES: dict[str, Any] = {
    "provider.yaml": Provider,
    "errors.yaml": tuple[ErrorRow, ...],
    "senders.yaml": Senders,
}


def sources(folder: Path) -> Sources:
    """The typed files of the pack in `folder`; PackError for the first fault in them."""
    places: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in FILES}
    provider: Provider = _read(folder / "provider.yaml", Provider, places["provider.yaml"])
    errors: tuple[ErrorRow, ...] = _read(folder / "errors.yaml", FILES["errors.yaml"], places["errors.yaml"])
    senders: Senders = _read(folder / "senders.yaml", Senders, places["senders.yaml"])
    pack = Pack(provider=provider, errors=errors, senders=senders, folder=str(folder))
    for problem in problems(pack):
        raise located(folder, problem, places[problem.file])
    return Sources(provider=provider, errors=errors, senders=senders)


def validate_pack(pack: Pack, rules: frozenset[str] = frozenset()) -> list[PackError]:
    """Every contradiction in a pack, with its place. `rules`: the known rule ids, empty = any well-formed id."""
    folder = Path(pack.folder)
    places: dict[str, dict[str, tuple[int, int]]] = {}
    found = []
    for problem in problems(pack, rules):
        if problem.file not in places:
            places[problem.file] = {}
            _read(folder / problem.file, FILES[problem.file], places[problem.file])
        found.append(located(folder, problem, places[problem.file]))
    return found


def document(file: Path) -> dict[str, Any]:
    """A YAML mapping as plain data, for instance an OpenAPI document."""
    try:
        found = documents.plain(text(file), str(file))
    except LocatedError as error:
        raise _as_pack_error(error) from None
    if not isinstance(found, dict):
        raise PackError(str(file), 1, 1, "the document is not a mapping")
    return found


def country_rows(file: Path) -> tuple[Country, ...]:
    """The rows of countries.yaml."""
    return _read(file, tuple[Country, ...], {})


def text(file: Path) -> str:
    """A pack's file as text; PackError when it is missing or not UTF-8."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise PackError(str(file), 0, 0, f"the pack has no {file.name}", "every pack has one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(str(file), 0, 0, f"not readable: {error}") from None


def located(folder: Path, problem: Problem, places: dict[str, tuple[int, int]]) -> PackError:
    """A fault at its key path, or at the nearest parent that the file spells out."""
    place = problem.path
    while place and place not in places:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    line, column = places.get(place, (1, 1))
    return PackError(str(folder / problem.file), line, column, problem.message, problem.hint)


def _read(file: Path, wanted: type[T], places: dict[str, tuple[int, int]]) -> T:
    try:
        return documents.read(text(file), wanted, str(file), spans=places)
    except PackError:
        raise
    except LocatedError as error:
        raise _as_pack_error(error) from None


def _as_pack_error(error: LocatedError) -> PackError:
    return PackError(error.file, error.line, error.column, error.message, error.hint)
