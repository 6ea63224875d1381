"""The environment the service under test is started with: what is deployed, and nothing of the caller's shell."""

from __future__ import annotations

import os
from collections.abc import Mapping

from otpgate.config.model import Manifest

KEPT = ("PATH", "HOME", "LANG", "TZ")


def composed(manifest: Manifest, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every variable but the engine's own, which an engine lays on top.

    In order, later winning: PATH, HOME, LANG and TZ of the caller; the files of `environment`; names the manifest
    took from the process environment, which no file defines; `start.environment`. `{port}` and `{workdir}` are left
    for the engine to fill in.
    """
    environ = os.environ if environ is None else environ
    found = {name: environ[name] for name in KEPT if name in environ}
    found.update({name: entry.value for name, entry in manifest.environment.items()})
    for name, entry in manifest.taken_from_process.items():
        if name not in manifest.environment:
            found[name] = entry.value
    if manifest.start is not None:
        found.update(manifest.start.environment)
    return found
