"""Where the classes live that may be made from JSON: ours, under the ids that the reference gives to its own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HOMES", "MESSAGES", "Home", "home_of"]


@dataclass(frozen=True, slots=True)
class Home:
    """The home of some classes.

    module: where they are imported from.
    namespaces: what stands before their names in ids; the first is what is written.
    names: the classes.
    is_core: whether they belong to the core: a provider's models do not, for they carry addresses and headers.
    """

    module: str
    namespaces: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    is_core: bool = True


HOMES = (
    Home(
        "chatcore.messages",
        (("langchain", "schema", "messages"), ("langchain", "schema")),
        (
            "AIMessage",
            "AIMessageChunk",
            "ChatMessage",
            "ChatMessageChunk",
            "FunctionMessage",
            "FunctionMessageChunk",
            "HumanMessage",
            "HumanMessageChunk",
            "RemoveMessage",
            "SystemMessage",
            "SystemMessageChunk",
            "ToolMessage",
            "ToolMessageChunk",
        ),
    ),
    Home(
        "chatcore.outputs",
        (("langchain", "schema", "output"),),
        ("ChatGeneration", "ChatGenerationChunk", "Generation", "GenerationChunk"),
    ),
    Home(
        "chatcore.prompt_values",
        (("langchain", "prompts", "chat"),),
        ("ChatPromptValue", "ChatPromptValueConcrete"),
    ),
    Home("chatcore.prompt_values", (("langchain", "prompts", "base"),), ("StringPromptValue",)),
    Home(
        "chatcore.prompts.chat",
        (("langchain", "prompts", "chat"),),
        (
            "AIMessagePromptTemplate",
            "ChatMessagePromptTemplate",
            "ChatPromptTemplate",
            "HumanMessagePromptTemplate",
            "MessagesPlaceholder",
            "SystemMessagePromptTemplate",
        ),
    ),
    Home("chatcore.prompts.dict", (("langchain_core", "prompts", "dict"),), ("DictPromptTemplate",)),
    Home("chatcore.prompts.image", (("langchain", "prompts", "image"),), ("ImagePromptTemplate",)),
    Home("chatcore.prompts.prompt", (("langchain", "prompts", "prompt"),), ("PromptTemplate",)),
    Home("chatcore.output_parsers.string", (("langchain", "schema", "output_parser"),), ("StrOutputParser",)),
    Home(
        "chatcore.output_parsers.list", (("langchain", "output_parsers", "list"),), ("CommaSeparatedListOutputParser",)
    ),
    Home(
        "chatcore.providers",
        (("langchain", "chat_models", "openai"), ("langchain_openai", "chat_models", "base")),
        ("ChatOpenAI",),
        is_core=False,
    ),
    Home(
        "chatcore.providers.azure",
        (("langchain", "chat_models", "azure_openai"), ("langchain_openai", "chat_models", "azure")),
        ("AzureChatOpenAI",),
        is_core=False,
    ),
    Home(
        "chatcore.providers.bedrock",
        (("langchain_aws", "chat_models"), ("langchain_aws", "chat_models", "bedrock_converse")),
        ("ChatBedrockConverse",),
        is_core=False,
    ),
    Home(
        "chatcore.providers.anthropic",
        (("langchain", "chat_models", "anthropic"), ("langchain_anthropic", "chat_models")),
        ("ChatAnthropic",),
        is_core=False,
    ),
    Home(
        "chatcore.providers.google_genai",
        (("langchain_google_genai", "chat_models"),),
        ("ChatGoogleGenerativeAI",),
        is_core=False,
    ),
    Home("chatcore.providers.ollama", (("langchain_ollama", "chat_models"),), ("ChatOllama",), is_core=False),
)

MESSAGES = frozenset(
    {
        "AIMessage",
        "AIMessageChunk",
        "HumanMessage",
        "HumanMessageChunk",
        "RemoveMessage",
        "SystemMessage",
        "SystemMessageChunk",
        "ToolMessage",
        "ToolMessageChunk",
    }
)
"""The messages of today's conversations, which `allowed_objects="messages"` allows, and nothing else."""

_BY_NAME = {name: home for home in HOMES for name in home.names}


def home_of(path: tuple[str, ...]) -> Home | None:
    """The home of the class with this id, as it is written here, in the reference, or in its older versions."""
    *namespace, name = path
    home = _BY_NAME.get(name)
    if home is None or tuple(namespace) in home.namespaces:
        return home
    # A path of modules: the reference's, or ours, which are the same; which file of the package it is does not matter.
    package = home.module.split(".")[1]
    return home if namespace[:2] in (["chatcore", package], ["langchain_core", package]) else None
