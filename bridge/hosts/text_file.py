"""Text exports as DAWs write them: any of the usual encodings and line ends."""

from __future__ import annotations

import re

#: Signs of the two old encodings that hardly a name of a marker or track has, save by the other's mistake: what a Mac's
#: "ä ö ü é" are on Windows is among them.
_RARE = frozenset("\ufffd¡¤¦§¨ª¬¯¸º×÷†‡‰ˆ˜˘˙˚˝˛ˇ∂∆∏∑√∞∫≈≠≤≥◊⁄ƒπΩŠšŸŽž\uf8ff")

#: A capital behind a small letter ("RegenÉ"), a dash or a currency as a letter ("door Ð slams", "50 Û"), a sign amid a
#: word ("T¸r", "ni–o") or before it ("°hola", "‚a va", where nothing is quoted).
_MISPLACED = re.compile(
    r"[a-zß-öø-ÿ][À-ÖØ-ÞŒ]|(?<!\S)[ÐÑÛ](?!\S)|\w[^\w\s\x00-\x7f’'–—-]\w|[aeiouáéíóú]–[aeiouáéíóú]"
    r"|(?<!\S)°(?![CFK]\b)\w|(?<!\S)‚\w(?![^‘]*‘)"
)


def decode_text(data: bytes) -> str:
    """The text of an export: UTF-16 by its mark, UTF-8 where it is that, else Mac Roman or Windows-1252."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # Old Macs end lines with CR alone, and only they; else the text itself must tell.
    if b"\r" in data and b"\n" not in data:
        return data.decode("mac-roman")
    windows, mac = data.decode("cp1252", "replace"), data.decode("mac-roman")
    return mac if _oddities(mac) < _oddities(windows) else windows


def _oddities(text: str) -> int:
    """How many signs beyond ASCII stand where no language puts them: what a wrong encoding makes of most."""
    return sum(sign in _RARE for sign in text) + len(_MISPLACED.findall(text))


def lines_of(text: str) -> list[str]:
    """The lines of a text, whichever of LF, CR LF and CR ends them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
