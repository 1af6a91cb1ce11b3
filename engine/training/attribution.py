"""Who made the recordings the weights learned from: the list that travels with the weights."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.training.classes import is_held_out

HEADING = """# Recordings the weights were trained on

By licence and author, with the number of recordings used and an address of the source. Held-out
recordings (`engine/training/held_out.txt`) were only measured against. Our own procedural Foley
(`engine/training/foley/`) was used beside them and needs no attribution.
"""


def attribution(recordings: Iterable[Mapping[str, str]]) -> str:
    """Markdown that names every author of a training recording. recordings: rows of the data's index."""
    works: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in recordings:
        if not is_held_out(row["file"], row["fold"]):
            works[row["licence"]][row["author"].strip() or "unknown"].append(row["url"])
    parts = [HEADING]
    for licence in sorted(works):
        authors = works[licence]
        parts.append(f"\n## {licence}\n\n")
        for author in sorted(authors, key=str.lower):
            urls = authors[author]
            address = next((url for url in urls if url), "")
            parts.append(f"- {author} ({len(urls)}){': ' + address if address else ''}\n")
    return "".join(parts)
