"""A pact names its provider: a gateway known from its description alone has none, the example has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate.config import manifest as manifests
from otpgate.contracts.record import nameable
from otpgate.gate import packs_of
from tests.providers.http.bench import REST, changed
from tests.providers.http.consumer import example


@pytest.mark.parametrize(("about", "expected"), [(example(), True), (changed(example(), auth={"bearer": "another"}), True), (REST, False)])
def test_only_the_example_is_named_by_its_provider(tmp_path: Path, about: dict[str, Any], expected: bool) -> None:
    """Recorded calls of another gateway would be held against the example."""
    (tmp_path / "otpgate.yaml").write_text(yaml.safe_dump({"gateways": {"own": {"provider": "http", **about}}}))
    manifest = manifests.load(tmp_path / "otpgate.yaml", {})
    gateway = manifest.gateways["own"]
    assert nameable(gateway, packs_of(manifest)[gateway.provider]) is expected
