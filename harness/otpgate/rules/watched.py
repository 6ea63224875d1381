"""What a preset knows to break its service: values of variables that no setting is made of, and a choice the routes do not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otpgate.config import preset as presets
from otpgate.findings import Fix
from otpgate.rules.registry import Fault
from otpgate.rules.subjects import ServiceSubject
from otpgate.rules.values import url
from otpgate.rules.words import listed, quoted


def watched(service: ServiceSubject, rule: str) -> Iterator[Fault]:
    """The faults that the manifest's preset has this rule tell."""
    if service.manifest.preset is None:
        return
    for row in presets.watches(service.manifest.preset):
        entry = service.manifest.environment.get(row.variable) if row.rule == rule else None
        if entry is not None and re.fullmatch(row.matches, entry.value.strip(), re.DOTALL):
            yield Fault(message=f"`{row.variable}` {row.says}.", at=entry.span, severity="error", fix=Fix(row.do))


def chosen_otherwise(service: ServiceSubject) -> Iterator[Fault]:
    """Routes that name a gateway of the preset which the deployed choice does not mean."""
    if service.manifest.preset is None:
        return
    preset = presets.read(service.manifest.preset)
    chooser = preset.node.items.get("chosen_by")
    if chooser is None:
        return
    candidates = chooser.items["from"] if chooser.kind == "map" else chooser
    for reference in candidates.children or [candidates]:
        found = re.fullmatch(r"\$\{(\w+)(:host)?\}", reference.text)
        entry = service.manifest.environment.get(found[1]) if found else None
        if found is None or entry is None:
            continue
        word = url(entry.value.strip()).host if found[2] else entry.value
        routed = {name for route in service.manifest.routes for name in route.gateways}
        missed = sorted(routed & presets.unchosen(preset, word))
        if missed:
            yield Fault(message=f"`{entry.name}` is {quoted(word)}, and the routes name {listed(f'`{name}`' for name in missed)}: that gateway is never asked.",
                        at=entry.span, severity="error", fix=Fix("choose the gateway of the routes"))
        return
