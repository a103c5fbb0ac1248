"""The reference's wrappers, by name. Here a decorated runnable is one of the same class with more layers.

So these names construct a decorated runnable, and `isinstance` asks for the layers::

    isinstance(model.bind(stop=["."]), RunnableBinding)  # True; it is a chat model as well
    RunnableBinding(bound=model, kwargs={"stop": ["."]})  # the same as model.bind(stop=["."])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NoReturn, cast

from chatcore.errors import WrongTypeError
from chatcore.runnables._config import RunnableConfig
from chatcore.runnables._described import wraps_as
from chatcore.runnables._runnable import ExponentialJitterParams, Runnable
from chatcore.runnables.utils import AnyConfigurableField, ConfigurableField, Input, Output

__all__ = [
    "DynamicRunnable",
    "RunnableBinding",
    "RunnableBindingBase",
    "RunnableConfigurableAlternatives",
    "RunnableConfigurableFields",
    "RunnableRetry",
    "RunnableWithFallbacks",
]


class _ByLayers(type):
    """Makes `isinstance` ask for a runnable's layers."""

    _layer: str

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Runnable) and wraps_as(instance, cls._layer)


class _Wrapper(Generic[Input, Output], metaclass=_ByLayers):
    _layer: ClassVar[str] = "edit"
    _open_to_subclasses: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("chatcore."):
            msg = (
                f"{cls.__name__} cannot derive from a wrapper: here a decorated runnable is of the class of what it"
                " decorates. Derive from Runnable or RunnableSerializable."
            )
            raise WrongTypeError(msg)


class RunnableBindingBase(_Wrapper[Input, Output]):
    """What `bind`, `with_config` and `with_types` give: a runnable with settings, a config and types bound to it.

    Constructing it decorates `bound`. Of any runnable so decorated, `bound`, `kwargs` and `config` are attributes.

    Args:
        bound: the runnable.
        kwargs: settings, as `bind` takes them.
        config: a config, as `with_config` takes it.
        custom_input_type, custom_output_type: as `with_types` takes them.
    """

    bound: Any
    kwargs: dict[str, Any]
    config: RunnableConfig

    def __new__(
        cls,
        *,
        bound: Runnable[Any, Any],
        kwargs: Mapping[str, Any] | None = None,
        config: RunnableConfig | None = None,
        custom_input_type: Any = None,
        custom_output_type: Any = None,
    ) -> Any:
        decorated = bound.bind(**(kwargs or {}))
        if config:
            decorated = decorated.with_config(config)
        if custom_input_type is not None or custom_output_type is not None:
            decorated = decorated.with_types(input_type=custom_input_type, output_type=custom_output_type)
        return decorated


class RunnableBinding(RunnableBindingBase[Input, Output]):
    """See `RunnableBindingBase`."""


class RunnableRetry(_Wrapper[Input, Output]):
    """What `with_retry` gives.

    Constructing it decorates `bound`. Of any runnable so decorated, `bound` and `max_attempt_number` are attributes.

    Args:
        bound: the runnable.
        retry_exception_types, wait_exponential_jitter, exponential_jitter_params, max_attempt_number: as
            `with_retry` takes them, but for the names.
        kwargs: settings, as `bind` takes them.
        config: a config, as `with_config` takes it.
    """

    _layer = "retry"

    bound: Any
    kwargs: dict[str, Any]
    config: RunnableConfig
    max_attempt_number: int

    def __new__(
        cls,
        *,
        bound: Runnable[Any, Any],
        retry_exception_types: tuple[type[BaseException], ...] | Callable[[BaseException], bool] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: ExponentialJitterParams | None = None,
        max_attempt_number: int = 3,
        kwargs: Mapping[str, Any] | None = None,
        config: RunnableConfig | None = None,
    ) -> Any:
        inner = bound.bind(**kwargs) if kwargs else bound
        if config:
            inner = inner.with_config(config)
        return inner.with_retry(
            retry_if_exception_type=retry_exception_types,
            wait_exponential_jitter=wait_exponential_jitter,
            exponential_jitter_params=exponential_jitter_params,
            stop_after_attempt=max_attempt_number,
        )


class RunnableWithFallbacks(_Wrapper[Input, Output]):
    """What `with_fallbacks` gives.

    Constructing it decorates `runnable`. Of any runnable so decorated, `runnable`, `fallbacks`,
    `exceptions_to_handle` and `exception_key` are attributes; settings bound later are in each of the runnables.

    Args:
        runnable: the runnable.
        fallbacks, exceptions_to_handle, exception_key: as `with_fallbacks` takes them.
    """

    _layer = "fallbacks"

    runnable: Any
    fallbacks: Sequence[Any]
    exceptions_to_handle: tuple[type[BaseException], ...]
    exception_key: str | None

    def __new__(
        cls,
        *,
        runnable: Runnable[Any, Any],
        fallbacks: Sequence[Runnable[Any, Any]],
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> Any:
        return runnable.with_fallbacks(
            fallbacks, exceptions_to_handle=exceptions_to_handle, exception_key=exception_key
        )


class DynamicRunnable(_Wrapper[Input, Output]):
    """What `configurable_fields` and `configurable_alternatives` give. It cannot be constructed by itself."""

    _layer = "configurable"

    def __new__(cls, *_: Any, **__: Any) -> NoReturn:
        msg = "Use configurable_fields(...) or configurable_alternatives(...) of the runnable."
        raise WrongTypeError(msg)


class RunnableConfigurableFields(DynamicRunnable[Input, Output]):
    """What `configurable_fields` gives.

    Constructing it decorates `default`. Of any runnable so decorated, `default` and `fields` are attributes.

    Args:
        default: the runnable.
        fields: for the names of fields, how calls set them.
    """

    _layer = "fields"

    default: Any
    fields: Mapping[str, AnyConfigurableField]

    def __new__(cls, *, default: Runnable[Any, Any], fields: Mapping[str, AnyConfigurableField]) -> Any:
        return default.configurable_fields(**fields)


class RunnableConfigurableAlternatives(DynamicRunnable[Input, Output]):
    """What `configurable_alternatives` gives.

    Constructing it decorates `default`. Of any runnable so decorated, `default`, `which`, `alternatives`,
    `default_key` and `prefix_keys` are attributes.

    Args:
        which, default_key, prefix_keys: as `configurable_alternatives` takes them.
        default: the runnable.
        alternatives: the others, by name: runnables, or functions that make them.
    """

    _layer = "alternatives"

    default: Any
    which: ConfigurableField
    alternatives: Mapping[str, Any]
    default_key: str
    prefix_keys: bool

    def __new__(
        cls,
        *,
        which: ConfigurableField,
        default: Runnable[Any, Any],
        alternatives: Mapping[str, Any],
        default_key: str = "default",
        prefix_keys: bool = False,
    ) -> Any:
        return default.configurable_alternatives(
            which, default_key=default_key, prefix_keys=prefix_keys, **cast("dict[str, Any]", alternatives)
        )
