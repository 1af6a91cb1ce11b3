"""The table: every figure with its target, raw and final side by side, baselines beside them."""

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = {
    "raw": "raw model",
    "final": "after the GainRider",
    "real": "real recordings",
    "codec": "codec round trip",
    "noise": "noise on the curve",
}
"""Column -> its heading."""

LIMITS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
Value = float | bool


@dataclass(frozen=True)
class Figure:
    """One row."""

    what: str
    values: Mapping[str, Value]
    """Column -> value."""
    unit: str = ""
    limits: Mapping[str, tuple[str, Value]] = field(default_factory=dict)
    """Column -> (relation, target)."""

    @property
    def met(self) -> bool | None:
        """Whether every target is reached; None where there is none."""
        if not self.limits:
            return None
        return all(LIMITS[relation](self.values[column], goal) for column, (relation, goal) in self.limits.items())

    @property
    def target(self) -> str:
        """The targets in words."""
        many = len(self.limits) > 1
        parts = []
        for column, (relation, goal) in self.limits.items():
            sign = {"<=": "≤ ", ">=": "≥ ", "==": ""}[relation]
            parts.append(f"{column + ' ' if many else ''}{sign}{shown(goal)}")
        return ", ".join(parts)


def shown(value: Value) -> str:
    """A figure with as many digits as it deserves."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    size = abs(value)
    return (
        f"{value:.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 20
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )


def markdown(figures: Sequence[Figure], notes: Sequence[str], columns: Mapping[str, str] = COLUMNS) -> str:
    """The table as Markdown. columns: name in the figures' values -> heading."""
    lines = [
        "| what | target | " + " | ".join(columns.values()) + " | met |",
        "|---|---|" + "---:|" * len(columns) + "---|",
    ]
    for figure in figures:
        what = f"{figure.what}{f' [{figure.unit}]' if figure.unit else ''}"
        cells = [shown(figure.values[column]) if column in figure.values else "" for column in columns]
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        lines.append(f"| {what} | {figure.target} | " + " | ".join(cells) + f" | {met} |")
    return "\n".join([*lines, "", *[f"- {note}" for note in notes], ""])


def as_json(figures: Sequence[Figure], notes: Sequence[str], details: Mapping[str, object]) -> str:
    """The same for machines, with the details that the table has no room for."""
    rows = [
        {
            "what": figure.what,
            "unit": figure.unit,
            "values": dict(figure.values),
            "targets": {column: list(limit) for column, limit in figure.limits.items()},
            "met": figure.met,
        }
        for figure in figures
    ]
    return json.dumps({"figures": rows, "notes": list(notes), "details": dict(details)}, indent=1) + "\n"


def write(
    folder: Path,
    figures: Sequence[Figure],
    notes: Sequence[str],
    details: Mapping[str, object],
    *,
    name: str = "evaluation",
    columns: Mapping[str, str] = COLUMNS,
) -> Path:
    """Write NAME.md and NAME.json into a folder, made if need be; returns the first's path."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"{name}.md"
    table.write_text(markdown(figures, notes, columns), encoding="utf-8")
    table.with_suffix(".json").write_text(as_json(figures, notes, details), encoding="utf-8")
    return table
