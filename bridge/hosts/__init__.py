"""Hosts: what is read from a DAW's files and written into copies of them.

`read_project` reads any of them into a `Project`; nothing above it knows formats.
"""

from bridge.hosts.formats import FORMATS, read_project
from bridge.hosts.model import Lane, LanePoint, Marker, Project, ProjectError, TempoPoint, Track, VideoItem

__all__ = [
    "FORMATS",
    "Lane",
    "LanePoint",
    "Marker",
    "Project",
    "ProjectError",
    "TempoPoint",
    "Track",
    "VideoItem",
    "read_project",
]
