"""What a service's last words name of its deployment: the variables in them, with the lines they are deployed on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from otpgate.config.model import Entry
from otpgate.rules.words import nearest

NAME = r"(?<![A-Za-z0-9_])_?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![A-Za-z0-9_])"
MOST = 3


def deployed_names(text: str, environment: Mapping[str, Entry]) -> str:
    """A line for each variable the text names: where it is deployed, or that it is not and what is near. Empty when there is none."""
    found = []
    for name in dict.fromkeys((*re.findall(NAME, text), *(one for one in environment if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text)))):
        entry = environment.get(name)
        near = nearest(name, environment) if entry is None else None
        if entry is not None:
            found.append(f"`{name}` is deployed at {entry.span.file}:{entry.span.line}")
        elif near is not None:
            place = environment[near].span
            found.append(f"`{name}` is not deployed; `{near}` is, at {place.file}:{place.line}")
        elif re.search(rf"KeyError: '{name}'|{name}\W+(?:is |must be |was )?(?:not|set|required|missing|undefined|unset|empty)", text):
            found.append(f"`{name}` is not deployed")
    return "\n".join(f"  see: {line}" for line in found[:MOST])
