"""`drawaudio models`: the weights that are there, and whether they are whole."""

from __future__ import annotations

import argparse

NAME = "models"
HELP = "list the weights, their sizes and whether they are whole"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from bridge.doctor import weights_found

    table = Table("file", "size", "sha256", "state", box=None)
    found = weights_found()
    for weights in found:
        table.add_row(weights.name, weights.size, weights.sha256[:16], weights.state)
    Console().print(table)
    return 0 if all(weights.whole for weights in found) else 3
