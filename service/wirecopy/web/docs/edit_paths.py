"""What editors do by hand, in OpenAPI: merge, split, choose, pin, and take back."""

from typing import Any

import msgspec

from wirecopy.schema import wire
from wirecopy.schema.answers import Pin
from wirecopy.web.docs.pieces import ANYWHERE, ID, REFERENCE, WITH_BODY, json_answer, name_of, operation, query
from wirecopy.web.handlers import stories

_LIMIT = {"type": "integer", "minimum": 1, "maximum": stories.MAX_LIMIT, "default": stories.DEFAULT_LIMIT}


def _body(of: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(name=name_of(of))}}}


def editing_paths() -> dict[str, Any]:
    return {
        "/v1/stories/{id}/merge": {
            "parameters": [ID],
            "post": operation(
                "merge_stories",
                "stories",
                "Make two stories one by hand",
                "The older id stays, the other leads to it for good. All members are pinned together.",
                {200: json_answer("The story.", wire.Story)},
                (*WITH_BODY, 404, 409),
                body=_body(wire.MergeInput),
            ),
        },
        "/v1/stories/{id}/split": {
            "parameters": [ID],
            "post": operation(
                "split_story",
                "stories",
                "Part some of a story's articles from the others by hand",
                "The smaller part gets a new id. The parts are pinned apart.",
                {200: json_answer("Both stories.", wire.Split)},
                (*WITH_BODY, 404, 409),
                body=_body(wire.SplitInput),
            ),
        },
        "/v1/stories/{id}/canonical": {
            "parameters": [ID],
            "post": operation(
                "correct_canonical",
                "stories",
                "Choose by hand who stands for a story",
                "Whatever the policy says, until another is chosen or this is undone; not an article that is canceled.",
                {200: json_answer("The story.", wire.Story)},
                (*WITH_BODY, 404),
                body=_body(wire.CorrectionInput),
            ),
        },
        **_edit_paths(),
        **_pin_paths(),
    }


def _edit_paths() -> dict[str, Any]:
    return {
        "/v1/edits": {
            "get": operation(
                "list_edits",
                "stories",
                "What was done by hand: who, when, why",
                "The newest first.",
                {200: json_answer("A page of edits.", wire.ActionPage)},
                (*ANYWHERE, 422),
                parameters=[
                    query("cursor", {"type": "string"}, "The cursor of the page before."),
                    query("limit", _LIMIT, "Edits per page."),
                ],
            ),
        },
        "/v1/edits/{id}/undo": {
            "parameters": [ID],
            "post": operation(
                "undo_edit",
                "stories",
                "Take an edit back",
                "Whoever it moved goes back; a story that was merged has its id again, which leads nowhere else. 422: "
                "it was undone, or nothing is left of it. 409: a pin that was made since is against it.",
                {200: json_answer("The edit that did it.", wire.Action)},
                (*WITH_BODY, 404, 409),
                body=_body(wire.ReasonInput),
            ),
        },
    }


def _pin_paths() -> dict[str, Any]:
    gone = {204: {"description": "It is gone, on disk too."}}
    return {
        "/v1/pins": {
            "post": operation(
                "post_pin",
                "stories",
                "Pin articles together, or two of them apart",
                "Pins win over all evidence. One that contradicts others is refused with 409.",
                {201: json_answer("The pin.", Pin)},
                (*WITH_BODY, 404, 409),
                body=_body(wire.PinInput),
            ),
            "get": operation(
                "list_pins",
                "stories",
                "All pins",
                "The oldest first, a page at a time.",
                {200: json_answer("The pins.", wire.PinList)},
                (*ANYWHERE, 422),
                parameters=[
                    query("after", {"type": "integer", "minimum": 0, "maximum": 2**62}, "`next` of the page before."),
                    query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "Of a page."),
                ],
            ),
        },
        "/v1/pins/{id}": {
            "parameters": [ID],
            "delete": operation(
                "delete_pin",
                "stories",
                "Delete a pin",
                "The stories that it concerned are decided anew, by the evidence.",
                gone,
                (*ANYWHERE, 404, 422),
            ),
        },
    }
