from __future__ import annotations

import subprocess
import sys

import chatcore.messages


def test_every_public_name_is_there_and_described() -> None:
    names = chatcore.messages.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(chatcore.messages, name) is not None
        if isinstance(getattr(chatcore.messages, name), type):
            assert getattr(chatcore.messages, name).__doc__, name


def test_messages_need_pydantic_and_nothing_else() -> None:
    program = """
import sys, pydantic, pydantic_core, typing_extensions
pydantic.BaseModel
before = set(sys.modules)
import importlib.util
spec = importlib.util.find_spec("chatcore")
import types
package = types.ModuleType("chatcore"); package.__path__ = list(spec.submodule_search_locations)
sys.modules["chatcore"] = package  # without what the package's own __init__ imports
before |= set(sys.modules)
import chatcore.messages, chatcore.outputs, chatcore.prompt_values
foreign = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign -= {"chatcore", "pydantic", "pydantic_core", "typing_inspection", "annotated_types", *sys.stdlib_module_names}
print(sorted(foreign))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
