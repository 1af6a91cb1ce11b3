"""The OSCQuery JSON, built from the OSC spec table (Vidvox proposal; the core, without WebSocket)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from bridge.osc.spec import COLUMNS, INCOMING, PREFIX, Argument, Verb
from bridge.service import Service

Node = dict[str, Any]

EXTENSIONS = {"ACCESS": True, "VALUE": True, "RANGE": True, "DESCRIPTION": True, "UNIT": True, "CRITICAL": True}
WRITE_ONLY, READ_ONLY, NO_VALUE = 2, 1, 0
ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CRITICAL")


def host_info(host: str, port: int) -> Node:
    """What `?HOST_INFO` answers. OSC_TRANSPORT names UDP; TCP is on the same port."""
    return {"NAME": "Draw an Audio", "OSC_IP": host, "OSC_PORT": port, "OSC_TRANSPORT": "UDP", "EXTENSIONS": EXTENSIONS}


def tree() -> Node:
    """The whole address space."""
    root: Node = {"FULL_PATH": "/", "ACCESS": NO_VALUE, "DESCRIPTION": "Draw an Audio", "CONTENTS": {}}
    for verb in INCOMING:
        node, path = root, ""
        for part in verb.full.strip("/").split("/"):
            path += f"/{part}"
            node = node.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": path, "ACCESS": NO_VALUE})
        node.update(_method(verb))
    return root


def _method(verb: Verb) -> Node:
    """A verb's own attributes. Repeated groups are shown once, in the narrowest layout."""
    arguments = verb.arguments
    types = "".join(a.type for a in arguments) + ("".join(next(iter(COLUMNS.values()))) if verb.repeats else "")
    node: Node = {
        "TYPE": types,
        "ACCESS": READ_ONLY if verb.address == "status" else WRITE_ONLY,
        "DESCRIPTION": f"{verb.doc} Arguments: {', '.join(a.name for a in arguments)}.",
        "RANGE": [_range(a) for a in arguments],
        # A verb that changes something should go over TCP where the client has the choice.
        "CRITICAL": verb.needs_token,
    }
    if any(a.unit for a in arguments):
        node["UNIT"] = [a.unit or None for a in arguments]
    return node


def _range(argument: Argument) -> Node | None:
    if argument.choices:
        return {"VALS": list(argument.choices)}
    limits = {"MIN": argument.minimum, "MAX": argument.maximum}
    return {key: value for key, value in limits.items() if value is not None} or None


def query(path: str, attribute: str, service: Service, host: str, port: int) -> tuple[HTTPStatus, Node | None]:
    """Status and JSON for a GET of `path` with the query string `attribute`."""
    if attribute == "HOST_INFO":
        return HTTPStatus.OK, host_info(host, port)
    node: Node | None = tree()
    for part in path.strip("/").split("/") if path.strip("/") else []:
        node = (node or {}).get("CONTENTS", {}).get(part)
    if node is None:
        return HTTPStatus.NOT_FOUND, None
    if path == f"{PREFIX}/status":
        node["VALUE"] = [json.dumps(service.public_status())]
    if not attribute:
        return HTTPStatus.OK, node
    if attribute not in ATTRIBUTES:
        return HTTPStatus.BAD_REQUEST, None
    # OSCQuery: an attribute that a node has not, or a value that cannot be read, is "no content".
    return (HTTPStatus.OK, {attribute: node[attribute]}) if attribute in node else (HTTPStatus.NO_CONTENT, None)
