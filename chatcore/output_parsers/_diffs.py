"""What has changed from one JSON value to the next, as a JSON patch (RFC 6902)."""

from __future__ import annotations

from typing import Any

from chatcore.messages._shapes import is_dict, is_list

__all__ = ["json_patch"]


def json_patch(old: Any, new: Any, path: str = "") -> list[dict[str, Any]]:
    """The operations that make `new` of `old`: `add`, `remove` and `replace`, in the order in which to apply them.

    Meant for values that grow: what was inserted in the middle of a list is told as changes of all that follow.
    """
    if is_dict(old) and is_dict(new):
        removed = [{"op": "remove", "path": _below(path, key)} for key in old if key not in new]
        changed = [change for key in old if key in new for change in json_patch(old[key], new[key], _below(path, key))]
        added = [{"op": "add", "path": _below(path, key), "value": new[key]} for key in new if key not in old]
        return [*removed, *changed, *added]
    if is_list(old) and is_list(new):
        both = min(len(old), len(new))
        changed = [change for at in range(both) for change in json_patch(old[at], new[at], _below(path, at))]
        # From the end, so that no removal moves what the next one means.
        removed = [{"op": "remove", "path": _below(path, at)} for at in range(len(old) - 1, both - 1, -1)]
        added = [{"op": "add", "path": _below(path, at), "value": new[at]} for at in range(both, len(new))]
        return [*changed, *removed, *added]
    # True equals 1 in Python, and is something else in JSON.
    same = old == new and isinstance(old, bool) is isinstance(new, bool)
    return [] if same else [{"op": "replace", "path": path, "value": new}]


def _below(path: str, key: str | int) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
