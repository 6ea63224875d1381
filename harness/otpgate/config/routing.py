"""The `routes` of a manifest: countries, gateways in failover order, shares."""

from __future__ import annotations

from typing import NoReturn

from otpgate.config import iso3166
from otpgate.config.keys import ROUTE
from otpgate.config.model import Route
from otpgate.config.nodes import Node
from otpgate.config.service import Fields
from otpgate.config.settings import Settings, refuse_shape
from otpgate.errors import ManifestError
from otpgate.findings import Span
from otpgate_contracts.faults import nearest


def read(settings: Settings, node: Node | None, gateways: tuple[str, ...]) -> tuple[Route, ...]:
    """Every route. ManifestError for unknown countries and gateways, and for shares that exceed the whole."""
    if node is None or node.absent:
        return ()
    if node.kind != "list":
        refuse_shape("routes", node, "list", do="write `- {countries: [GB], gateways: [primary], share: 1}`")
    routes = [_route(settings, f"routes[{index}]", child, gateways) for index, child in enumerate(node.children)]
    total = sum(route.share for route in routes if route.share is not None)
    if total > 1 + 1e-6:
        raise ManifestError(
            f"the shares of `routes` sum to {total:.4g}", where=node.span,
            why="together they cannot exceed 1, which is all users", do="correct them, or write them as percent (85%)",
        )
    return tuple(routes)


def _route(settings: Settings, path: str, node: Node, gateways: tuple[str, ...]) -> Route:
    fields = Fields(settings, node, ROUTE, path)
    found: dict[str, tuple[str, ...]] = {}
    for key in ("countries", "gateways"):
        setting = fields.setting(key)
        if setting is None or (setting.value == [] and not setting.undefined):
            raise ManifestError(
                f"`{path}` has no {key}", where=fields.nodes[key].span if key in fields.nodes else node.span,
                why="a route says which countries are served through which gateways",
                do=f"add {key}, as in {{countries: [GB], gateways: [{gateways[0] if gateways else 'primary'}]}}",
            )
        found[key] = tuple(str(word).strip() for word in setting.value) if isinstance(setting.value, list) else ()
        for index, word in enumerate(found[key]):
            at = setting.items.get(str(index), setting)
            if key == "countries" and word not in iso3166.CODES:
                refuse_country(f"{path}.countries", word, at.span)
            if key == "gateways" and word not in gateways:
                _refuse_gateway(f"{path}.gateways", word, at.span, gateways)
        repeated = next((word for word in found[key] if found[key].count(word) > 1), None)
        if repeated is not None:
            raise ManifestError(
                f"`{path}.{key}` names `{repeated}` twice", where=fields.nodes[key].span,
                why="one mention counts", do="remove one of the two",
            )
    share = fields.setting("share")
    return Route(
        countries=found["countries"], gateways=found["gateways"],
        share=share.value if share is not None and isinstance(share.value, float) else None, span=node.span,
    )


def refuse_country(path: str, word: str, where: Span) -> NoReturn:
    close = iso3166.nearest_country(word)
    raise ManifestError(
        f"`{path}` holds `{word}`, which is no country", where=where, why="countries are ISO 3166 codes of two letters",
        do=f"did you mean `{close}`?" if close else "write a code as in GB, DE, US",
    )


def _refuse_gateway(path: str, word: str, where: Span, gateways: tuple[str, ...]) -> NoReturn:
    close = nearest(word, gateways)
    raise ManifestError(
        f"`{path}` names the unknown gateway `{word}`", where=where,
        why=f"the gateways are {', '.join(gateways) or 'none: there is no `gateways` section'}",
        do=f"did you mean `{close}`?" if close else f"add `{word}` under gateways, or use one of these",
    )
