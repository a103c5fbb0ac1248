"""Whatever can be called, and how it is joined: `Runnable`, its kinds, and `RunnableConfig`."""

from __future__ import annotations

from chatcore.runnables._runnable import (
    ExponentialJitterParams,
    Runnable,
    RunnableAssign,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableMap,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSequence,
    chain,
    coerce_to_runnable,
)
from chatcore.runnables._serializable import (
    RunnableSerializable,
)
from chatcore.runnables._wrappers import (
    RunnableBinding,
    RunnableRetry,
    RunnableWithFallbacks,
)
from chatcore.runnables.branch import (
    RunnableBranch,
)
from chatcore.runnables.config import (
    RunnableConfig,
    ensure_config,
    get_config_list,
    patch_config,
    run_in_executor,
)
from chatcore.runnables.router import (
    RouterInput,
    RouterRunnable,
)
from chatcore.runnables.utils import (
    AddableDict,
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    ConfigurableFieldSpec,
    aadd,
    add,
)

__all__ = [
    "AddableDict",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "ExponentialJitterParams",
    "RouterInput",
    "RouterRunnable",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableRetry",
    "RunnableSequence",
    "RunnableSerializable",
    "RunnableWithFallbacks",
    "aadd",
    "add",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "get_config_list",
    "patch_config",
    "run_in_executor",
]
