"""`otpgate providers`: the providers otpgate knows, from their packs."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from otpgate_contracts import loading
from otpgate_contracts.model import Pack


@click.command("providers")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", help="Output format.")
def command(form: str) -> int:
    """List the providers, their products, hosts and what their fake does not do."""
    packs = loading.packs()
    if form == "json":
        document = {"providers": [_entry(pack) for pack in packs.values()]}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return 0
    for pack in packs.values():
        provider = pack.provider
        click.echo(f"{provider.id}  {provider.title}")
        click.echo(f"  products: {', '.join(f'{name} ({title})' for name, title in provider.products.items())}")
        click.echo(f"  hosts:    {', '.join(dict.fromkeys(host.name for host in provider.hosts if host.kind == 'live'))}")
        click.echo(f"  errors:   {len(pack.errors)}")
        click.echo("  the fake does not:")
        for line in provider.does_not:
            click.echo(f"    - {line}")
    return 0


def _entry(pack: Pack) -> dict[str, Any]:
    provider = pack.provider
    return {
        "id": provider.id, "title": provider.title, "homepage": provider.homepage, "products": provider.products,
        "hosts": [host.name for host in provider.hosts], "settings": [spec.name for spec in provider.settings],
        "errors": len(pack.errors), "does_not": provider.does_not,
        "sdks": [{"language": sdk.language, "package": sdk.package, "version": sdk.version} for sdk in provider.sdks],
    }
