"""chatcore's models where LangChain's are wanted, and LangChain's where chatcore's are.

::

    from chatcore.interop.langchain import as_langchain, from_langchain

    theirs = as_langchain(model)  # a real langchain_core BaseChatModel: for LangGraph, agents, chains
    ours = from_langchain(theirs)  # any LangChain chat model, with chatcore's verbs and policies

Needs the extra `langchain`.
"""

from __future__ import annotations

from chatcore.errors import MissingExtraError

try:
    from chatcore.interop.langchain._as_langchain import as_langchain
    from chatcore.interop.langchain._from_langchain import from_langchain
    from chatcore.interop.langchain._messages import from_langchain_messages, to_langchain_messages
except ImportError as error:
    if not (error.name or "").startswith("langchain_core"):
        raise
    msg = f'LangChain is not installed, or too old ({error}): pip install "chatcore[langchain]"'
    raise MissingExtraError(msg) from error

__all__ = ["as_langchain", "from_langchain", "from_langchain_messages", "to_langchain_messages"]
