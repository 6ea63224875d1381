"""The small service as an image, and the gate run on it under either engine."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
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


NODE_DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY node /usr/local/bin/node
COPY lib /usr/local/lib/node
COPY service.cjs /srv/service.cjs
COPY node_modules /srv/node_modules
ENV LD_LIBRARY_PATH=/usr/local/lib/node HOST=0.0.0.0
USER 65532:65532
WORKDIR /srv
CMD ["node", "service.cjs"]
"""


def build(engine: Any) -> str:
    """Build the image, or take it from the engine's cache; its name."""
    return made(engine, IMAGE, DOCKERFILE, {"otp.py": SERVICES / "otp.py"})


def build_node(engine: Any, sdk: str, packages: Path) -> str:
    """The same for the service over a Node SDK: the machine's Node.js goes into the image, with the libraries it is linked to."""
    node = Path(shutil.which("node") or "node").resolve()
    linked = subprocess.run(["ldd", str(node)], capture_output=True, text=True, check=True).stdout.split()
    libraries = {f"lib/{Path(one).name}": Path(one).resolve() for one in linked if Path(one).name.startswith(("libstdc++", "libgcc_s")) and "/" in one}
    parts = {"node": node, **libraries, "service.cjs": SERVICES / "deaf/node/service.cjs", "node_modules": packages / "node_modules"}
    return made(engine, f"otpgate-test/deaf-{sdk}:dev", NODE_DOCKERFILE, parts)


def made(engine: Any, image: str, dockerfile: str, parts: dict[str, Path]) -> str:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile.encode())
        tar.addfile(member, io.BytesIO(dockerfile.encode()))
        for name, path in parts.items():
            tar.add(path, name)
    context.seek(0)
    engine.images.build(fileobj=context, custom_context=True, tag=image, buildargs={"BASE_IMAGE": BASE}, rm=True)
    return image


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
