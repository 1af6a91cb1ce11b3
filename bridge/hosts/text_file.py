"""Text exports as DAWs write them: any of the usual encodings and line ends."""

from __future__ import annotations


def decode_text(data: bytes) -> str:
    """The text of an export: UTF-8 or UTF-16 by its mark, else UTF-8, else Mac Roman or Latin-1, by what is in it."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # Old Macs end lines with CR alone, and only they.
    return data.decode("mac-roman" if b"\r" in data and b"\n" not in data else "latin-1")


def lines_of(text: str) -> list[str]:
    """The lines of a text, whichever of LF, CR LF and CR ends them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
