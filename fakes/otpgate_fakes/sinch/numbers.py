"""The Numbers API's read-only questions, answered from account state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otpgate_contracts import numbering
from otpgate_contracts.loading import countries
from otpgate_fakes.sinch.render import reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

TYPES = {"short_code": "SHORT_CODE", "toll_free": "TOLL_FREE"}
USUAL_PAGE = 50


def numbers(context: Context) -> list[dict[str, Any]]:
    return [number_body(context, one) for one in context.senders if one.number and one.of_account is None]


def number_body(context: Context, sender: Sender) -> dict[str, Any]:
    """A number with the plan it is on and the campaign it is linked to."""
    number = sender.number or ""
    known = numbering.parse(number) if number.startswith("+") else None
    kind = TYPES.get(sender.kind or "") or ("MOBILE" if known is not None and known.kind == "mobile" and known.country != "US" else "LOCAL")
    found: dict[str, Any] = {
        "phoneNumber": number,
        "projectId": str(context.setting("project_id", "")),
        "displayName": "",
        "regionCode": (known.country if known else None) or (sender.countries or ("US",))[0],
        "type": kind,
        "capability": ["VOICE"] if sender.sms is False else ["SMS", "VOICE"],
    }
    if sender.sms is not False:
        found["smsConfiguration"] = {"servicePlanId": plan_of(context), **campaign_of(sender)}
    if sender.status_callback:
        found["callbackUrl"] = sender.status_callback
    return found


def plan_of(context: Context) -> str:
    """The plan of the account: as it is deployed, else the first credential that has the shape of one."""
    deployed = context.setting("service_plan_id")
    known = (one.id for one in context.credentials if context.live.fits("service_plan_id", one.id))
    return str(deployed) if deployed is not None else next(known, "")


def campaign_of(sender: Sender) -> dict[str, str]:
    known = [one for one in (sender.registration, *(sender.registrations or ())) if one is not None and one.scheme == "10dlc"]
    named = next((one.campaign or one.id for one in known if one.status == "approved"), None)
    return {"campaignId": named} if named else {}


def list_active_numbers(context: Context, request: Request) -> Reply:
    """One page of the numbers of a country and a kind; both must be named."""
    asked = dict(request.query)
    for name in ("regionCode", "type"):
        if not asked.get(name):
            context.refuse("syntax_constraint_violation", parameter=name)
    pattern, capability = asked.get("numberPattern.pattern", ""), asked.get("capability")
    found = [
        one for one in numbers(context)
        if one["regionCode"] == asked["regionCode"] and one["type"] == asked["type"]
        and pattern.removeprefix("+") in one["phoneNumber"] and (not capability or capability in one["capability"])
    ]
    size = number_of(context, asked, "pageSize", USUAL_PAGE)
    first = number_of(context, asked, "pageToken", 0)
    following = str(first + size) if first + size < len(found) else ""
    return reply({"activeNumbers": found[first : first + size], "totalSize": len(found), "nextPageToken": following})


def number_of(context: Context, asked: dict[str, str], name: str, usual: int) -> int:
    given = asked.get(name) or str(usual)
    if not (given.isascii() and given.isdigit() and len(given) < 9):
        context.refuse("syntax_constraint_violation", parameter=name)
    return int(given)


def get_active_number(context: Context, request: Request) -> Reply:
    wanted = request.path_params.get("phoneNumber", "").removeprefix("+")
    found = next((one for one in numbers(context) if one["phoneNumber"].removeprefix("+") == wanted), None)
    if found is None:
        context.refuse(reason="resource_missing")
    return reply(found)


def list_regions(context: Context, request: Request) -> Reply:
    """The countries the project has numbers in, each with their kinds."""
    found: dict[str, list[str]] = {}
    for one in numbers(context):
        kinds = found.setdefault(one["regionCode"], [])
        if one["type"] not in kinds:
            kinds.append(one["type"])
    names = countries()
    return reply({"availableRegions": [
        {"regionCode": iso, "regionName": names[iso].country if iso in names else iso, "types": kinds} for iso, kinds in found.items()
    ]})
