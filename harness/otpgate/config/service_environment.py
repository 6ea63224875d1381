"""The environment the service under test is started with: what is deployed, and nothing of the caller's shell."""

from __future__ import annotations

import os
from collections.abc import Mapping

from otpgate.config.model import Manifest

KEPT = ("PATH", "HOME", "LANG", "TZ")


def compose_environment(
    manifest: Manifest, engine_vars: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Variables, and a note for each deployed one the engine had to replace.

    In order, later winning: PATH, HOME, LANG and TZ of the caller; the files of `environment`; names the manifest
    took from the process environment; `start.environment`; the engine's own. `{port}` and `{workdir}` are
    left for the engine.
    """
    environ = os.environ if environ is None else environ
    composed = {name: environ[name] for name in KEPT if name in environ}
    composed.update({name: entry.value for name, entry in manifest.environment.items()})
    composed.update({
        name: entry.value for name, entry in manifest.taken_from_process.items() if name not in manifest.environment
    })
    if manifest.start is not None:
        composed.update(manifest.start.environment)
    notes = []
    for name, value in engine_vars.items():
        deployed = manifest.environment.get(name)
        if deployed is not None and deployed.value != value:
            notes.append(f"{name} is deployed at {deployed.span} and replaced by otpgate's own in this run")
    composed.update(engine_vars)
    return composed, tuple(notes)
