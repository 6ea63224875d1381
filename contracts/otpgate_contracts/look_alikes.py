"""Characters that have an obvious look-alike in the GSM alphabet, as providers replace them before choosing an encoding.

The repertoire is the one of Twilio's Smart Encoding, read from npm sms-segments-calculator 1.3.0, quirks included
(most Unicode spaces become two, a tab seven). Accented letters, ligatures, signs and emoji stay as they are.
"""

from __future__ import annotations

from types import MappingProxyType

#: replacement -> code points in hexadecimal
_BY_REPLACEMENT = {
    '"': "ab bb 2ba 2ee 201c 201d 201e 201f 275d 275e 301d 301e ff02",
    "'": "60 b4 2b9 2bb 2bc 2bd 2c8 2ca 2cb 313 314 2018 2019 201b 275b 275c fe10 fe11 ff07",
    "-": "2010 2013 2014 2015 2022 2043 23bc 23bd fe63 ff0d",
    "/": "f7 337 338 2044 2215 29f8 ff0f",
    "\\": "20e5 29f5 29f9 fe68 ff3c",
    "_": "332 2017 ff3f",
    "|": "20d2 20d3 2223 239c 239f 23b8 23b9 23d0 ff5c",
    "!": "1c3 fe15 fe57 ff01",
    "#": "fe5f ff03",
    "$": "fe69 ff04",
    "%": "fe6a ff05",
    "&": "fe60 ff06",
    "@": "fe6b ff20",
    "(": "2768 276a 27ee 2985 fe59 ff08",
    ")": "2769 276b 27ef 2986 fe5a ff09",
    "*": (
        "204e 2217 229b 2722 2723 2724 2725 2731 2732 2733 273a 273b 273c 273d 2743 2749 274a 274b 29c6 fe61 ff0a"
    ),
    "+": "2d6 fe62 ff0b",
    ",": "326 201a 3001 fe50 fe51 ff0c ff64",
    ".": "3002 fe52 ff0e ff61",
    ":": "2d0 2f8 2982 a789 fe13 ff1a",
    ";": "204f fe14 fe54 ff1b",
    "<": "2039 fe64 ff1c",
    "=": "347 a78a fe66 ff1d",
    ">": "203a fe65 ff1e",
    "?": "fe16 fe56 ff1f",
    "^": "2c6 302 1dcd ff3e",
    "{": "2774 fe5b ff5b",
    "}": "2775 fe5c ff5d",
    "[": "ff3b",
    "]": "ff3d",
    "~": "2dc 2f7 303 330 334 223c ff5e",
    "1/4": "bc",
    "1/2": "bd",
    "3/4": "be",
    "!!": "203c",
    "...": "2026",
    " ": "2001 2028 2029",
    "  ": "80 8d 90 9b 9f a0 2000 2002 2003 2004 2005 2006 2007 2008 2009 200a 202f 205f 3000",
    "       ": "9",
    "": "0 3 4 10 11 12 13 14 17 19 200b 200c 2060 feff",
}
_SMALL_CAPITALS = dict(zip("ABCDEFGHIJKLMNOPRSTUVWYZ", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", strict=True))
_FULL_WIDTH = {char: chr(ord(char) + 0xFEE0) for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

#: code point -> replacement, ready for `str.translate`
LOOK_ALIKES: MappingProxyType[int, str] = MappingProxyType({
    **{int(point, 16): become for become, points in _BY_REPLACEMENT.items() for point in points.split()},
    **{ord(char): become for table in (_SMALL_CAPITALS, _FULL_WIDTH) for become, char in table.items()},
})
