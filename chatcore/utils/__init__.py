"""Small things around a chat model, under the reference's names: settings and secrets from the environment.

In its modules: `function_calling` and `json_schema` (tool specifications), `json` (what models write), `pydantic`.
"""

from __future__ import annotations

from chatcore.utils.env import env_var_is_set, from_env, get_from_dict_or_env, get_from_env, secret_from_env
from chatcore.utils.pydantic import get_pydantic_field_names
from chatcore.utils.utils import convert_to_secret_str

__all__ = [
    "convert_to_secret_str",
    "env_var_is_set",
    "from_env",
    "get_from_dict_or_env",
    "get_from_env",
    "get_pydantic_field_names",
    "secret_from_env",
]
