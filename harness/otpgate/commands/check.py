"""`otpgate check`: static rules only; no network, no service. Made for a pre-commit hook."""

from __future__ import annotations

import time
from typing import Any

import click

from otpgate import gate
from otpgate.options import common, gate_options


@click.command("check")
@gate_options(dynamic=False)
def command(**values: Any) -> int:
    """Judge the configuration alone: MANIFEST, or the nearest otpgate.yaml."""
    started = time.monotonic()
    manifest = gate.open_manifest(values["manifest"])
    options = common(values, file=manifest.options)
    gate.refuse_empty(manifest, options.selection)
    walked = gate.static(manifest, gate.packs_of(manifest), options.selection)
    result = gate.report(manifest, walked.findings, walked.undecided, options, started)
    return gate.publish(result, manifest, options)
