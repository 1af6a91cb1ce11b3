"""`drawaudio doctor`: what this machine has and lacks."""

from __future__ import annotations

import argparse

NAME = "doctor"
HELP = "check this machine: weights, compute, video, sound output, MIDI"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from bridge.doctor import examine

    findings = examine()
    for finding in findings:
        mark = "ok  " if finding.good else "MISS" if finding.needed else "note"
        print(f"{mark}  {finding.what:<10} {finding.text}")
    return 0 if all(finding.good or not finding.needed for finding in findings) else 3
