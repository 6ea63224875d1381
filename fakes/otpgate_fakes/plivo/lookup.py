"""What is known of numbers and countries at large."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otpgate_contracts import numbering
from otpgate_contracts.loading import countries
from otpgate_fakes.core import networks
from otpgate_fakes.plivo.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

KINDS = {"mobile": "mobile", "landline": "fixed", "toll_free": "toll free", "premium": "premium"}


def dial(country: str) -> str:
    row = countries().get(country)
    return re.sub(r"\D", "", row.dial.split(",")[0]) if row is not None else ""


def lookup(context: Context, request: Request) -> Reply:
    """Country and kind of a number, as the numbering plan knows them."""
    given = request.path_params.get("number", "")
    found = numbering.parse(f"+{given.removeprefix('+')}")
    if found is None:
        context.refuse(reason="recipient_malformed", to=given)
    iso = found.country or ""
    row = countries().get(iso)
    network = networks.code(iso)
    return reply(context, {
        "phone_number": found.e164,
        "country": {"code": dial(iso), "name": row.country if row is not None else "", "iso2": iso},
        "format": {"e164": found.e164, "rfc3966": f"tel:{found.e164}"},
        "carrier": {
            "mobile_country_code": network[:3],
            "mobile_network_code": network[3:],
            "name": networks.name(iso),
            "type": KINDS.get(found.kind, "unknown"),
            "ported": "no",
        },
        "resource_uri": f"/v1/Number/{found.e164}?type=carrier",
    })


def get_pricing(context: Context, request: Request) -> Reply:
    """A sample price for a country that exists."""
    iso = dict(request.query).get("country_iso", "")
    row = countries().get(iso)
    if row is None:
        context.refuse(reason="parameter_malformed", parameter="country_iso")
    rate = {"rate": "0.00750"}
    return reply(context, {
        "country": row.country,
        "country_code": dial(iso),
        "country_iso": iso,
        "message": {
            "inbound": rate, "outbound": rate, "outbound_networks_list": [{"group_name": networks.name(iso), **rate}],
        },
    })
