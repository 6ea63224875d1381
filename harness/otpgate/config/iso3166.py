"""ISO 3166-1 alpha-2 codes, and the words people write instead of them."""

from __future__ import annotations

from otpgate_contracts.faults import nearest

_LISTED = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)  # XK is user-assigned; Kosovo has a dial code of its own and every provider names it so
CODES = frozenset(_LISTED.split())

_MEANT = {
    "UK": "GB", "EN": "GB", "ENGLAND": "GB", "UNITED KINGDOM": "GB", "GREAT BRITAIN": "GB", "GBR": "GB",
    "USA": "US", "UNITED STATES": "US", "AMERICA": "US", "EL": "GR", "GREECE": "GR", "GER": "DE", "DEU": "DE",
    "GERMANY": "DE", "CAN": "CA", "CANADA": "CA", "FRA": "FR", "FRANCE": "FR", "ESP": "ES", "SPAIN": "ES",
    "ITA": "IT", "ITALY": "IT", "IND": "IN", "INDIA": "IN", "NLD": "NL", "NETHERLANDS": "NL", "HOLLAND": "NL",
    "SWI": "CH", "SWITZERLAND": "CH", "AUS": "AU", "AUSTRALIA": "AU", "AUT": "AT", "AUSTRIA": "AT", "BRA": "BR",
    "BRAZIL": "BR", "MEX": "MX", "MEXICO": "MX", "JPN": "JP", "JAPAN": "JP", "CHN": "CN", "CHINA": "CN", "SWE": "SE",
    "SWEDEN": "SE", "NOR": "NO", "NORWAY": "NO", "DNK": "DK", "DENMARK": "DK", "POL": "PL", "POLAND": "PL",
    "ZAF": "ZA", "SOUTH AFRICA": "ZA", "NGA": "NG", "NIGERIA": "NG", "KEN": "KE", "KENYA": "KE", "IRL": "IE",
    "IRELAND": "IE", "PRT": "PT", "PORTUGAL": "PT", "BEL": "BE", "BELGIUM": "BE", "TUR": "TR", "TURKEY": "TR",
}


def spelt(word: str) -> str | None:
    """The code of a country that is written with three letters or in words, as far as listed here."""
    return _MEANT.get(word.strip().upper())


def nearest_country(word: str) -> str | None:
    """The code that was probably meant."""
    upper = word.strip().upper()
    if upper in CODES:
        return upper
    if upper in _MEANT:
        return _MEANT[upper]
    close = nearest(upper, _MEANT) if len(upper) > 3 else None
    return _MEANT[close] if close else nearest(upper, CODES)
