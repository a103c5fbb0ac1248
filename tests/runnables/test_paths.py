"""The reference's module paths: the names that its users import, and that they are the same things everywhere."""

from __future__ import annotations

import importlib

import pytest

import chatcore.runnables

PATHS = {
    "base": "Runnable RunnableBinding RunnableEach RunnableGenerator RunnableLambda RunnableMap RunnableParallel"
    " RunnableSequence RunnableSerializable chain coerce_to_runnable",
    "branch": "RunnableBranch",
    "config": "RunnableConfig ensure_config get_config_list merge_configs patch_config run_in_executor",
    "configurable": "DynamicRunnable RunnableConfigurableAlternatives RunnableConfigurableFields",
    "fallbacks": "RunnableWithFallbacks",
    "passthrough": "RunnableAssign RunnablePassthrough RunnablePick",
    "retry": "ExponentialJitterParams RunnableRetry",
    "router": "RouterInput RouterRunnable",
    "schema": "EventData StreamEvent",
    "utils": "AddableDict ConfigurableField ConfigurableFieldMultiOption ConfigurableFieldSingleOption"
    " ConfigurableFieldSpec Input Output aadd add get_unique_config_specs",
}


@pytest.mark.parametrize("path", PATHS)
def test_names(path: str) -> None:
    module = importlib.import_module(f"chatcore.runnables.{path}")
    for name in PATHS[path].split():
        assert name in module.__all__
        assert getattr(module, name) is getattr(chatcore.runnables, name, getattr(module, name))
