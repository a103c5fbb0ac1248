"""A plain script: no event loop in sight.

    python examples/script.py

The key is in OPENAI_API_KEY, the address of another provider in OPENAI_BASE_URL.
"""

from __future__ import annotations

from chatcore import AIMessage, ChatOpenAI, HumanMessage, SystemMessage


def shouted(message: AIMessage) -> str:
    """Say it louder."""
    return message.text.upper()


model = ChatOpenAI(model="gpt-5-mini", temperature=0)

print(model.invoke("Name a colour.").text)

for chunk in model.stream([SystemMessage("You are a poet."), HumanMessage("Two lines about that colour.")]):
    print(chunk.text, end="", flush=True)
print()

for answer in model.batch(["Name a fruit.", "Name a tree.", "Name a bird."]):
    print(answer.text)

print((model | shouted).invoke("Say something quiet."))
