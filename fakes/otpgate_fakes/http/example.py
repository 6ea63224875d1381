"""What is played where no manifest describes a gateway: the example that stands with the pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otpgate_contracts import description, loading

if TYPE_CHECKING:
    from otpgate_contracts.description import Description
    from otpgate_contracts.model import Pack


def description_of(pack: Pack) -> Description:
    """The pack's own description, else the example."""
    if pack.description is not None:
        return pack.description
    return description.read(loading.document(Path(pack.folder) / "example.yaml"))
