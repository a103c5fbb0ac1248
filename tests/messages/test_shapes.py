from __future__ import annotations

from collections import OrderedDict, UserDict, UserList

from chatcore.messages._shapes import is_dict, is_list, is_sequence


def test_dicts_and_lists_are_told_apart_from_what_is_like_them() -> None:
    assert is_dict({})
    assert is_dict(OrderedDict())
    assert not is_dict(UserDict())
    assert is_list([])
    assert not is_list(())
    assert not is_list(UserList())
    assert is_sequence([])
    assert is_sequence(())
    assert not is_sequence("")
