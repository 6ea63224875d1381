"""How rules speak: names as the user wrote them, shapes in place of secrets, short lists."""

from __future__ import annotations

from collections.abc import Iterable

from otpgate.config.model import Setting
from otpgate_contracts.faults import nearest as similar


def label(setting: Setting) -> str:
    """The name under which the user deploys the value: the environment name, else the manifest path."""
    names = {entry.name for entry in setting.entries}
    if len(names) != 1:
        return f"`{setting.path}`"
    name = names.pop()
    if isinstance(setting.value, str) and setting.entries[0].value != setting.text:
        return f"`{setting.path}` (made with `{name}`)"
    return f"`{name}`"


def quoted(text: str, limit: int = 60) -> str:
    """Public text in quotes, with control characters made visible and long text cut."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return '"' + shown.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t") + '"'


def shape(text: str) -> str:
    """What may be said about a secret: its length and at most its first two characters."""
    bare = text.strip()
    start = f', starting "{bare[:2]}"' if len(bare) >= 12 else ""
    return f"{len(text)} characters{start}"


def listed(items: Iterable[str], limit: int = 6, word: str = "and") -> str:
    """`a, b and c`; a long list ends with a count."""
    names = list(items)
    if len(names) > limit:
        return ", ".join(names[:limit]) + f" {word} {len(names) - limit} more"
    return f" {word} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The closest known word: equal but for case and separators first, then by similarity."""
    choices = list(known)
    flat = _flat(word)
    for choice in choices:
        if _flat(choice) == flat:
            return choice
    return similar(word, choices) if word.strip() else None


def _flat(word: str) -> str:
    return "".join(character for character in word.lower() if character.isalnum())


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def duration(seconds: float) -> str:
    """`300` as `5 min`, `0.25` as `250 ms`: the way people read durations."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g} ms"
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.3g} days"
    if seconds >= 3600 and seconds % 60 == 0:
        return f"{seconds / 3600:.3g} h"
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"
