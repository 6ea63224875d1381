"""The small service as an image, and the gate run on it under either engine."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

from e2e.small import SERVICES, Small, Verified

IMAGE = "otpgate-test/small:dev"
BASE = os.environ.get("OTPGATE_BASE_IMAGE", "otpgate-base:bookworm")
DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY otp.py /srv/otp.py
ENV HOST=0.0.0.0
USER 65532:65532
WORKDIR /srv
CMD ["python3", "otp.py"]
"""


def build(engine: Any) -> str:
    """Build the image, or take it from the engine's cache; its name."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in {"Dockerfile": DOCKERFILE.encode(), "otp.py": (SERVICES / "otp.py").read_bytes()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    context.seek(0)
    engine.images.build(fileobj=context, custom_context=True, tag=IMAGE, buildargs={"BASE_IMAGE": BASE}, rm=True)
    return IMAGE


def contain(small: Small, image: str) -> None:
    """Name the image in the manifest, beside the command."""
    small.replace("manifest.yaml", "    directory: .\n", f"    directory: .\n    image: {image}\n")


class Contained(Small):
    """The small service's folder with a manifest that names command and image."""

    def __init__(self, folder: Path, *defects: str, image: str = IMAGE, **variables: str) -> None:
        super().__init__(folder, *defects, **variables)
        contain(self, image)

    def under(self, engine: str, *options: str, scenarios: tuple[str, ...] = ()) -> Verified:
        """The gate under this engine."""
        return self.verify("--engine", engine, "--jobs", "6", *options, scenarios=scenarios)
