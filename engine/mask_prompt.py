"""Mask prompts: what in the picture makes the sound, as a designer asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.strict import CueError, as_items, as_number, as_numbers, as_text, in_range, members, one_of

MAX_POLYGON = 10_000
#: Seconds from the cue's start; no cue is longer.
LATEST_S = 1800.0

#: Kind of mask prompt -> the one field that it carries besides `time_s`.
MASK_KINDS = {"text": "query", "box": "box", "polygon": "points", "point": "points", "paint": "path"}


@dataclass(frozen=True)
class MaskPrompt:
    """A wish for what in the picture makes the sound; x and y are fractions of the frame, from its left top."""

    kind: str
    #: What to look for, kind "text".
    query: str | None = None
    #: Left, top, width, height, kind "box".
    box: tuple[float, float, float, float] | None = None
    #: Corners of the kind "polygon", or the one spot of the kind "point".
    points: tuple[tuple[float, float], ...] = ()
    #: A painted picture, kind "paint".
    path: str | None = None
    #: From when on it holds, seconds from the cue's start.
    time_s: float = 0.0

    def __post_init__(self) -> None:
        one_of(self.kind, MASK_KINDS, "kind")
        in_range(self.time_s, (0.0, LATEST_S), "time_s", "s")
        for field in dict.fromkeys(MASK_KINDS.values()):
            wanted = field == MASK_KINDS[self.kind]
            if wanted and not getattr(self, field):
                raise CueError(field, "is missing", f"a mask of the kind {self.kind} needs it")
            if not wanted and getattr(self, field):
                raise CueError(field, f"does not belong to a mask of the kind {self.kind}", "leave it out")
        if self.query is not None and not self.query.strip():
            raise CueError("query", "is empty", "say what to look for")
        if self.box is not None:
            left, top, width, height = self.box
            inside_frame = left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
            if not (inside_frame and width > 0 and height > 0):
                mend = "left, top, width and height are fractions of the frame and must stay within 0 and 1"
                raise CueError("box", f"lies outside the frame or is empty ({list(self.box)})", mend)
        for index, corner in enumerate(self.points):
            in_range(corner[0], (0.0, 1.0), f"points[{index}][0]")
            in_range(corner[1], (0.0, 1.0), f"points[{index}][1]")
        if self.kind == "point" and len(self.points) != 1:
            raise CueError("points", f"holds {len(self.points)} points", "a mask of the kind point has one")
        if self.kind == "polygon" and not 3 <= len(self.points) <= MAX_POLYGON:
            raise CueError("points", f"holds {len(self.points)} points", f"a polygon has 3 to {MAX_POLYGON}")

    @classmethod
    def from_json(cls, obj: object) -> MaskPrompt:
        known = {"kind": True, "query": False, "box": False, "points": False, "path": False, "time_s": False}
        given = members(obj, known)
        box = None
        if given.get("box") is not None:
            left, top, width, height = as_numbers(given["box"], "box", 4)
            box = (left, top, width, height)

        def read_corner(item: object) -> tuple[float, float]:
            x, y = as_numbers(item, "", 2)
            return (x, y)

        return cls(
            kind=as_text(given["kind"], "kind"),
            query=None if given.get("query") is None else as_text(given["query"], "query"),
            box=box,
            points=as_items(given.get("points") or [], "points", read_corner, most=MAX_POLYGON),
            path=None if given.get("path") is None else as_text(given["path"], "path"),
            time_s=as_number(given.get("time_s", 0.0), "time_s"),
        )

    def to_json(self) -> dict[str, object]:
        field = MASK_KINDS[self.kind]
        value = getattr(self, field)
        if field == "points":
            value = [list(corner) for corner in self.points]
        elif field == "box":
            value = list(value)
        return {"kind": self.kind, field: value, "time_s": self.time_s}
