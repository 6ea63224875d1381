"""One sample mobile network per country (MCC and MNC), as answers and receipts name them.

A fake does not know whose number it is; any real network of the country will do. Source: ITU-T E.212 lists.
"""

from __future__ import annotations

UNKNOWN = "00101"
"""The code reserved for tests, where a country has no row here."""

NETWORKS: dict[str, tuple[str, str]] = {
    "AT": ("23201", "A1 Telekom"), "AU": ("50501", "Telstra"), "BE": ("20601", "Proximus"),
    "BR": ("72405", "Claro"), "CA": ("302720", "Rogers Wireless"), "CH": ("22801", "Swisscom"),
    "CN": ("46000", "China Mobile"), "CZ": ("23001", "T-Mobile"), "DE": ("26201", "Telekom"),
    "DK": ("23801", "TDC"), "ES": ("21407", "Movistar"), "FI": ("24491", "Sonera"),
    "FR": ("20801", "Orange"), "GB": ("23420", "Hutchison 3G"), "GR": ("20201", "Cosmote"),
    "HK": ("45400", "CSL"), "HU": ("21630", "Magyar Telekom"), "ID": ("51010", "Telkomsel"),
    "IE": ("27201", "Vodafone"), "IL": ("42501", "Partner"), "IN": ("40410", "Airtel"),
    "IT": ("22201", "TIM"), "JP": ("44010", "NTT Docomo"), "KE": ("63902", "Safaricom"),
    "KR": ("45005", "SK Telecom"), "MX": ("334020", "Telcel"), "MY": ("50212", "Maxis"),
    "NG": ("62130", "MTN"), "NL": ("20404", "Vodafone"), "NO": ("24201", "Telenor"),
    "NZ": ("53001", "One NZ"), "PH": ("51502", "Globe"), "PK": ("41001", "Jazz"),
    "PL": ("26001", "Plus"), "PT": ("26801", "Vodafone"), "RO": ("22601", "Vodafone"),
    "SA": ("42001", "STC"), "SE": ("24001", "Telia"), "SG": ("52501", "Singtel"),
    "TR": ("28601", "Turkcell"), "UA": ("25501", "Vodafone"), "US": ("310410", "AT&T"),
    "VN": ("45201", "MobiFone"), "ZA": ("65501", "Vodacom"),
}


def code(country: str | None) -> str:
    """MCC and MNC of the sample network of a country."""
    row = NETWORKS.get(country or "")
    return row[0] if row else UNKNOWN


def name(country: str | None) -> str:
    """Name of the sample network of a country."""
    row = NETWORKS.get(country or "")
    return row[1] if row else "Test Network"
