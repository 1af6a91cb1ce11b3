"""XML from strangers: no entities, no external anything, limits on size and depth."""

from __future__ import annotations

import codecs
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from bridge.hosts.model import ProjectError

#: XML larger than this is refused, bytes: the largest sets seen are some 100 MB, and a tree takes ten times its text.
MAX_XML = 150 * 2**20
MAX_DEPTH = 200

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
#: How a file begins -> its encoding, whatever it declares.
_BEGINNINGS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
#: Python's names of the encodings that are known here.
_ENCODINGS = ("utf-8", "ascii", "iso8859-1", "cp1252")


class UnsafeXml(ValueError):
    """XML that is broken or not allowed; `str()` says what and where."""


def parse_xml(data: bytes, *, doctype: bool = False) -> ElementTree.Element:
    """The root element of `data`.

    A document type is refused, or with `doctype` allowed where it is bare (`<!DOCTYPE fcpxml>`): one with an internal
    subset could declare entities, which is how XML bombs and file thefts are made. Raises `UnsafeXml`.
    """
    if len(data) > MAX_XML:
        raise UnsafeXml(f"holds {len(data) // 2**20} MiB of XML, at most {MAX_XML // 2**20} are read")
    # Decoded here, so that the checks below and the parser see the same text whatever the encoding.
    text = _decode(data)
    start = text.find("<!DOCTYPE")
    if start >= 0:
        head = text[start : start + 2000].partition(">")[0]
        if not doctype or "[" in head:
            raise UnsafeXml("holds a document type declaration with entities, which is refused for safety")
    if "<!ENTITY" in text:
        raise UnsafeXml("declares entities, which is refused for safety")
    try:
        with _no_garbage_collection():
            root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        line, column = error.position
        reason = str(error).rpartition(": ")[0] or "not well-formed"
        raise UnsafeXml(f"is broken XML at line {line}, column {column + 1} ({reason})") from None
    except ValueError as error:  # lone surrogates and the like
        raise UnsafeXml(f"is no XML text ({error})") from None
    _check_depth(root)
    return root


def project_xml(data: bytes, where: str, mend: str, *, doctype: bool = False) -> ElementTree.Element:
    """As `parse_xml`; raises `ProjectError`, which begins with `where` and ends with how to `mend` it."""
    try:
        return parse_xml(data, doctype=doctype)
    except UnsafeXml as error:
        raise ProjectError(f"{where} {error}; {mend}") from None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Every few hundred new elements the collector would walk all before them: three times the time of parsing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _encoding(data: bytes) -> str:
    for beginning, encoding in _BEGINNINGS:
        if data.startswith(beginning):
            return encoding
    declared = _DECLARED.match(data[:200])
    if not declared:
        return "utf-8"
    name = declared.group(1).decode("ascii").lower()
    # A declaration that can be read as ASCII is no UTF-16: .NET declares it for texts that are then saved as UTF-8.
    name = "utf-8" if name == "utf-16" else name
    try:
        encoding = codecs.lookup(name).name
    except LookupError:
        encoding = ""
    if encoding not in _ENCODINGS:
        raise UnsafeXml(f"is written in the encoding {name}, which is not known here")
    return encoding


def _decode(data: bytes) -> str:
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnsafeXml(f"is no {encoding} text (byte {error.start})") from None
    # The declared encoding no longer holds for a str, and expat would believe it.
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)


def _check_depth(root: ElementTree.Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise UnsafeXml(f"is nested more than {MAX_DEPTH} deep")
