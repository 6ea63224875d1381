"""Message templates: where the code goes, whatever framework wrote the template.

A named placeholder stands for the code when its name says so (code, otp, token, pin...); a positional one
(`%s`, `{0}`, `{{1}}`) does when no named one is there, the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_NAME = r"[A-Za-z_][A-Za-z0-9_.\[\]'\"-]*"
_FORMS = (  # compiled at first use, which most templates do without
    r"##(?P<hash>[A-Za-z_]+)##"  # ##OTP##
    r"|@@(?P<at>[A-Za-z_]+)@@"  # @@password@@
    r"|\(\((?P<round>[A-Za-z_]+)\)\)"  # ((code))
    r"|\b__(?P<dunder>[A-Za-z]+(?:_[A-Za-z]+)*)__\b"  # __CODE__
    r"|(?<![#\w])#(?P<sharp>[A-Za-z_]+)#(?![#\w])"  # #code#
    r"|\{#(?P<dlt>[A-Za-z_]+)#\}"  # {#var#}, registered templates in India
    r"|\{\{\{?[-~]?\s*(?:\.|\$)?(?P<double>" + _NAME + r"|\d+)(?:\s*\|[^{}]*)?\s*[-~]?\}?\}\}"  # {{ .Code }} {{code}} {{1}}
    r"|<%[=-]?\s*@?(?P<erb>" + _NAME + r")\s*-?%>"  # <%= code %>
    r"|%\((?P<python>[A-Za-z_]\w*)\)[0-9]*[sd]"  # %(token)s
    r"|%\{(?P<ruby>[A-Za-z_]\w*)\}"  # %{code}
    r"|%(?:\d+\$)?0?\d*(?P<printf>[sdi])(?![A-Za-z0-9])"  # %s %06d %1$s
    r"|%(?P<percent>[A-Za-z_]+)%"  # %code%
    r"|\$\{(?P<dollar>" + _NAME + r")\}"  # ${code}; in `@example.com #{code}` the # stays
    r"|\$(?P<bare>[A-Za-z_]\w*)"  # $code
    r"|\{(?P<single>[A-Za-z_][\w.]*|\d*)(?:![rsa])?(?::[^{}]*)?\}"  # {code} {0} {} {code:06d}
    r"|(?<![\w:/]):(?P<colon>[A-Za-z_]\w*)"  # :code
    r"|\[(?P<square>[A-Za-z_]+)\]"  # [code]
)
_CODE = (
    r"(?:^|[._])(?:(?:sms|auth|login|verify|verification|confirmation|activation|security|one_?time|temp|user|data)_?)*"
    r"(?:code|otp|token|pin|passcode|password|otp_?code|pincode|secret_?code|totp|tan|digits)(?:_?(?:code|value|number))?$"
)
_OTHER_FORMS = frozenset("#@(_%<$:[")
"""One of these stands in every form but that of single braces."""

_LOOSE = frozenset(("bare", "colon", "square", "percent", "hash", "at", "round", "dunder", "sharp"))


class Placeholder(Struct, frozen=True, kw_only=True):
    """One placeholder: its text, where it stands, its name (`` when positional), and whether it is the code's."""

    text: str
    start: int
    end: int
    name: str
    code: bool


def placeholders(template: str, placeholder: str | None = None) -> tuple[Placeholder, ...]:
    """Every placeholder, in order. `placeholder` is the exact text that stands for the code, or the name in its braces."""
    if placeholder and re.fullmatch(r"[A-Za-z_]\w*", placeholder):
        named = placeholders(template)
        if any(one.name == placeholder for one in named) or placeholder not in template:
            return tuple(
                Placeholder(text=one.text, start=one.start, end=one.end, name=one.name, code=one.name == placeholder) for one in named
            )
    if placeholder:
        return tuple(
            Placeholder(text=placeholder, start=found.start(), end=found.end(), name=placeholder, code=True)
            for found in re.finditer(re.escape(placeholder), template)
        )
    found = []
    for text, start, kind, name in _matches(template):
        positional = kind in ("printf", "dlt") or name == "" or name.isdigit()
        code = not positional and _is_code(name)
        if kind in _LOOSE and not code:
            continue  # `$5`, `:00`, `[ACME]` and `100%` are ordinary text
        found.append(Placeholder(text=text, start=start, end=start + len(text), name="" if positional else name, code=code))
    if not any(one.code for one in found):
        first = next((index for index, one in enumerate(found) if not one.name), None)
        if first is not None:
            one = found[first]
            found[first] = Placeholder(text=one.text, start=one.start, end=one.end, name=one.name, code=True)
    return tuple(found)


def _matches(template: str) -> Iterator[tuple[str, int, str, str]]:
    """Text, place, form and name of all that looks like a placeholder."""
    if _OTHER_FORMS.isdisjoint(template) and "{{" not in template:
        parts = [part.partition("}") for part in template.split("{")[1:]]
        if all(closed and name.isascii() and name.isidentifier() for name, closed, _ in parts):
            place = 0
            for name, _, _ in parts:
                place = template.index("{", place)
                yield f"{{{name}}}", place, "single", name
                place += 1
            return
    for match in re.finditer(_FORMS, template):
        kind = match.lastgroup or ""
        yield match[0], match.start(), kind, match[kind] or ""


def _is_code(name: str) -> bool:
    if name in ("code", "otp"):
        return True
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return re.search(_CODE, snake) is not None


def render(template: str, code: str, placeholder: str | None = None) -> str | None:
    """The message with the code in it; None when the template has no place for it. Other placeholders stay."""
    found = [one for one in placeholders(template, placeholder) if one.code]
    if not found:
        return None
    parts, position = [], 0
    for one in found:
        parts += [template[position : one.start], code]
        position = one.end
    return "".join((*parts, template[position:]))
