"""What is registered for North American numbers: 10DLC campaigns and brands, and toll-free verifications.

Their answers are camel-cased and not wrapped in `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otpgate_fakes.core.senders import registrations
from otpgate_fakes.telnyx.account import SINCE
from otpgate_fakes.telnyx.render import LONGEST_PAGE, bounded, reply

if TYPE_CHECKING:
    from otpgate_contracts.account import Registration, Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

BRAND = "BOTPGT0"
"""Account state knows no brands; every campaign is this one's."""

NAMELESS = "COTPGT0"
ASSIGNED = {"approved": "ASSIGNED", "pending": "PENDING_ASSIGNMENT", "rejected": "FAILED_ASSIGNMENT", "expired": "FAILED_ASSIGNMENT"}
CAMPAIGNS = {"approved": "MNO_PROVISIONED", "pending": "TCR_PENDING", "rejected": "MNO_REJECTED", "expired": "TCR_EXPIRED"}
TOLL_FREE = {"approved": "Verified", "pending": "In Progress", "rejected": "Rejected", "expired": "Rejected"}


def registration(sender: Sender, scheme: str) -> Registration | None:
    return next((one for one in registrations(sender) or () if one.scheme == scheme), None)


def name_of(campaign: Registration) -> str:
    return campaign.campaign or campaign.id or NAMELESS


def get_campaign_of_number(context: Context, request: Request) -> Reply:
    """Whether a number is assigned to a campaign."""
    wanted = f"+{request.path_params.get('phone', '').removeprefix('+')}"
    sender = next((one for one in context.senders if one.number == wanted), None)
    known = registration(sender, "10dlc") if sender is not None else None
    if known is None:
        context.refuse(reason="resource_missing")
    return reply({
        "phoneNumber": wanted, "campaignId": name_of(known), "tcrCampaignId": name_of(known), "brandId": BRAND, "tcrBrandId": BRAND,
        "assignmentStatus": ASSIGNED[known.status], "failureReasons": None, "createdAt": SINCE, "updatedAt": SINCE,
    })


def campaigns(context: Context) -> dict[str, Registration]:
    found = (registration(sender, "10dlc") for sender in context.senders)
    return {name_of(one): one for one in found if one is not None}


def get_campaign(context: Context, request: Request) -> Reply:
    known = campaigns(context).get(request.path_params.get("id", ""))
    if known is None:
        context.refuse(reason="resource_missing")
    return reply({
        "campaignId": name_of(known), "tcrCampaignId": name_of(known), "brandId": BRAND, "tcrBrandId": BRAND, "cspId": "SOTPGT0",
        "usecase": "2FA", "subUsecases": [], "description": "one-time passcodes", "mock": False, "termsAndConditions": True,
        "campaignStatus": CAMPAIGNS[known.status], "status": "EXPIRED" if known.status == "expired" else "ACTIVE",
        "failureReasons": None, "createDate": SINCE,
    })


def get_brand(context: Context, request: Request) -> Reply:
    if not campaigns(context) or request.path_params.get("id") != BRAND:
        context.refuse(reason="resource_missing")
    return reply({
        "brandId": BRAND, "tcrBrandId": BRAND, "entityType": "PRIVATE_PROFIT", "displayName": "otpgate", "companyName": "otpgate",
        "country": "US", "email": "otp@example.com", "vertical": "TECHNOLOGY", "brandRelationship": "BASIC_ACCOUNT",
        "identityStatus": "VERIFIED", "mock": False, "failureReasons": None, "createdAt": SINCE, "updatedAt": SINCE,
    })


def list_toll_free(context: Context, request: Request) -> Reply:
    """Verification requests, a page of them; only what account state knows is told."""
    asked = dict(request.query)
    number, size = (bounded(context, asked, name, usual, most) for name, usual, most in (
        ("page", 1, 10**6), ("page_size", 20, LONGEST_PAGE),
    ))
    phone, status = asked.get("phone_number", "").removeprefix("+"), asked.get("status", "")
    known = [(sender.number, one) for sender in context.senders if sender.number and (one := registration(sender, "toll_free"))]
    found = [
        {
            "id": one.id or f"00000000-0000-4000-8000-{index:012}", "phoneNumbers": [{"phoneNumber": value}],
            "verificationStatus": TOLL_FREE[one.status], "reason": None, "businessName": "otpgate", "useCase": "2FA",
            "useCaseSummary": "one-time passcodes", "createdAt": SINCE, "updatedAt": SINCE,
        }
        for index, (value, one) in enumerate(known)
        if phone in ("", value.removeprefix("+")) and status in ("", TOLL_FREE[one.status])
    ]
    return reply({"records": found[(number - 1) * size : number * size], "total_records": len(found)})
