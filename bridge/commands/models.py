"""`drawaudio models`: the weights that are there, and whether they are whole; fetches the ones that are not shipped."""

from __future__ import annotations

import argparse

NAME = "models"
HELP = "list the weights and whether they are whole; fetch the ones that are not shipped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", dest="action")
    pull = actions.add_parser("pull", help="fetch a model that is not shipped")
    pull.add_argument("model", choices=("yolo-world",), help="yolo-world: finds what a mask names in words")


def run(args: argparse.Namespace) -> int:
    return _pull() if args.action == "pull" else _list()


def _pull() -> int:
    from engine.masks.text import fetch

    print(fetch())
    return 0


def _list() -> int:
    from rich.console import Console
    from rich.table import Table

    from bridge.doctor import weights_found

    table = Table("file", "size", "sha256", "state", box=None)
    found = weights_found()
    for weights in found:
        table.add_row(weights.name, weights.size, weights.sha256[:16], weights.state)
    console = Console()
    with console.capture() as drawn:  # rich would end the program itself, with 1, where the reader has left
        console.print(table)
    print(drawn.get(), end="")
    return 0 if all(weights.whole for weights in found) else 3
