"""`otpgate init`: write a first manifest and account files from what is found. Nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from otpgate.config import drafting, preset
from otpgate.errors import UsageError


@click.command("init")
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--preset", "chosen", metavar="NAME", help=f"A known OTP service: {', '.join(preset.ids())}.")
def command(folder: Path, chosen: str | None) -> int:
    """Write otpgate.yaml and accounts/*.yaml in FOLDER, guessed from its environment files."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", why="a manifest is written into it", do="name a folder that exists")
    if chosen is not None:
        preset.read(chosen)
    if (folder / "otpgate.yaml").exists():
        raise UsageError(
            "otpgate.yaml is already there", where=str(folder), why="`init` never overwrites a file",
            do="edit it, or move it away first",
        )
    found = drafting.search(folder)
    if chosen is None:
        chosen = drafting.guess_preset(name for one in found for name in one.entries)
    draft = drafting.draft(folder, found, chosen)
    for name, text in draft.files.items():
        path = folder / name
        if path.exists():
            click.echo(f"kept    {name}")
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(
                f"{name} cannot be written", where=str(folder), why=(error.strerror or str(error)).lower(),
                do="check the rights of the folder",
            ) from None
        click.echo(f"written {name}")
    for note in draft.notes:
        click.echo(f"  {note}")
    click.echo("next: fill in routes and account files, then run `otpgate check`")
    return 0
