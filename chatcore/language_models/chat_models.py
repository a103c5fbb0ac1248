"""Chat models' base classes, by the reference's module path."""

from __future__ import annotations

from chatcore.language_models._simple import SimpleChatModel
from chatcore.language_models._streams import agenerate_from_stream, generate_from_stream
from chatcore.model import BaseChatModel

__all__ = ["BaseChatModel", "SimpleChatModel", "agenerate_from_stream", "generate_from_stream"]
