"""The same calls on the reference's prompts and on ours: the same messages, variables and words; ours on both loops."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

PNG = "data:image/png;base64,"


class Library:
    """One of the two, by the names that they share."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        for module in ("prompts", "prompts.image", "prompts.string", "messages"):
            value = getattr(importlib.import_module(f"{self.name}.{module}"), name, None)
            if value is not None:
                return value
        raise AttributeError(name)

    def built(self, given: Any) -> Any:
        """What a description says: `("ClassName", arguments)` with a class of this library's, however deep."""
        if isinstance(given, Of):
            make = getattr(self, given.name)
            if given.by is not None:
                make = getattr(make, given.by)
            return make(*map(self.built, given.args), **{key: self.built(value) for key, value in given.kwargs.items()})
        if isinstance(given, list | tuple):
            return type(given)(map(self.built, given))
        if isinstance(given, dict):
            return {key: self.built(value) for key, value in given.items()}
        return given


class Of:
    """An object of either library: `Of("HumanMessage", "hi")`; `by` is a class method to make it."""

    def __init__(self, name: str, *args: Any, by: str | None = None, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs, self.by = name, args, kwargs, by

    def __repr__(self) -> str:
        return f"{self.name}{'.' + self.by if self.by else ''}{self.args}{self.kwargs}"


OURS, THEIRS = Library("chatcore"), Library("langchain_core")


def chat(*messages: Any, **kwargs: Any) -> Of:
    return Of("ChatPromptTemplate", list(messages), **kwargs)


def text(template: str, **kwargs: Any) -> Of:
    return Of("PromptTemplate", template, by="from_template", **kwargs)


def mustache(template: str) -> Of:
    return text(template, template_format="mustache")


HISTORY = [("human", "a"), ("ai", "b"), ("human", "c")]

CASES: list[tuple[Of, Any]] = [
    (text("hi"), {}),
    (text("hi {name}"), {"name": "Ann"}),
    (text("hi {name}"), "Ann"),
    (text("hi {name}"), {"name": None, "more": 1}),
    (text("{a} {{b}} {c!r:>6} {d:.2f} {e:,}"), {"a": 1, "c": "x", "d": 1.239, "e": 12345}),
    (text("{my var} {user-name} {2fast}"), {"my var": 1, "user-name": 2, "2fast": 3}),
    (text("hi {a} {b}"), {"a": 1}),
    (text("hi {a} {b}"), "x"),
    (text("hi {a}", partial_variables={"a": "x"}), {}),
    (text("hi {a} {b}", partial_variables={"a": lambda: "called"}), {"b": 1}),
    (text("hi {a}", partial_variables={"a": "x"}), {"a": "given"}),
    (text("hi {a.b}"), {"a": 1}),
    (text("hi {a[0]}"), {"a": [1]}),
    (text("hi {0}"), {"0": 1}),
    (text("hi {a:{b}}"), {"a": 1, "b": 2}),
    (text("hi {stop}"), {"stop": 1}),
    (text("hi {"), {}),
    (text("hi {a}", template_format="other"), {"a": 1}),
    (Of("PromptTemplate", template="hi {a}", input_variables=["b"]), {"a": 1}),
    (Of("PromptTemplate", template="hi {a}", input_variables=["b"], validate_template=True), {"a": 1}),
    (Of("PromptTemplate", template="hi {a}", input_variables=["a"], validate_template=True), {"a": 1}),
    (Of("PromptTemplate", ["x: {a}"], "last: {a}", ["a"], by="from_examples", prefix="first"), {"a": 1}),
    (mustache("hi {{name}}, {{{raw}}} {{&raw}} {{esc}}"), {"name": "Ann", "raw": "<b>", "esc": '<b> "&" \''}),
    (mustache("{{a.b.0}}{{a.none}}{{none}}"), {"a": {"b": [1]}}),
    (mustache("{{#items}}-{{.}}{{/items}}{{^items}}none{{/items}}"), {"items": ["a", "b"]}),
    (mustache("{{#items}}-{{.}}{{/items}}{{^items}}none{{/items}}"), {"items": []}),
    (mustache("{{#people}}{{name}} of {{town}};{{/people}}"), {"people": [{"name": "A"}, {"name": "B"}], "town": "C"}),
    (mustache("a\n{{! nothing }}\nb\n  {{#x}}\n  in\n  {{/x}}\nc {{#x}}yes{{/x}}\n"), {"x": True}),
    (mustache("{{#a}}{{#b}}{{c}}{{/b}}{{/a}}"), {"a": {"b": {"c": 1}}}),
    (mustache("{{question.__class__.__name__}}"), {"question": Of("HumanMessage", "hi")}),
    (mustache("{{zero}} {{false}} {{none}} {{empty}}"), {"zero": 0, "false": False, "none": None, "empty": []}),
    (chat(), {}),
    (chat(("system", "You are {name}."), ("human", "{q}"), ("ai", "x"), "and {q}"), {"name": "Bob", "q": "?"}),
    (chat(("user", "{q}"), ("assistant", "ok")), {"q": "?"}),
    (chat(("human", "{q}")), "alone"),
    (chat(("human", "{q}"), ("ai", "{r}")), "alone"),
    (chat(("human", "{q}"), ("ai", "{r}")), {"q": 1}),
    (chat(Of("SystemMessage", "as {it} is"), Of("HumanMessage", "hi")), {}),
    (chat({"role": "system", "content": "a {b}"}, {"role": "user", "content": "c"}), {"b": 1}),
    (chat({"role": "system", "content": "a", "name": "n"}), {}),
    (chat(("meow", "x")), {}),
    (chat(("human", "x", "y")), {}),
    (chat(7), {}),
    (chat({"role": "system", "content": False}), {}),
    (chat(("placeholder", "{history}"), ("human", "x")), {"history": HISTORY}),
    (chat(("placeholder", "{history}"), ("human", "x")), {}),
    (chat(("placeholder", ["{history}", False])), {}),
    (chat(("placeholder", ["{history}", False])), {"history": HISTORY}),
    (chat(("placeholder", "history")), {}),
    (chat(("placeholder", ["{history}"])), {}),
    (chat(("placeholder", ["{history}", "no"])), {}),
    (chat(Of("MessagesPlaceholder", "history")), HISTORY),
    (chat(Of("MessagesPlaceholder", "history")), {"history": "no list"}),
    (chat(Of("MessagesPlaceholder", "history", n_messages=2)), {"history": HISTORY}),
    (chat(Of("MessagesPlaceholder", "history", optional=True), ("human", "{q}")), {"q": "x"}),
    (
        chat(("human", [{"type": "text", "text": "see {what}"}, {"type": "image_url", "image_url": PNG + "{data}"}])),
        {"what": "this", "data": "abc"},
    ),
    (
        chat(("human", [{"type": "image_url", "image_url": {"url": "{u}", "detail": "{d}"}}])),
        {"u": "http://x", "d": "low"},
    ),
    (chat(("human", [{"type": "image_url", "image_url": "{a}{b}"}])), {"a": 1, "b": 2}),
    (chat(("human", [{"type": "image_url", "image_url": {"path": "{p}"}}])), {"p": "/etc/passwd"}),
    (chat(("human", [{"type": "image_url", "image_url": 7}])), {}),
    (chat(("human", ["a {x}", {"text": "b"}, {"text": "{empty}"}])), {"x": 1, "empty": ""}),
    (chat(("system", [{"type": "image", "base64": "{d}", "extra": {"deep": ["{d}", 1, None]}}])), {"d": "abc"}),
    (chat(("system", [{"type": "text", "text": "{t}", "cache_control": {"type": "ephemeral"}}])), {"t": "abc"}),
    (chat(("human", [7])), {}),
    (chat(("human", "{{q}}"), template_format="mustache"), {"q": "x"}),
    (chat(("human", [{"type": "image", "data": "{{d}}"}]), template_format="mustache"), {"d": "x"}),
    (chat(("human", "{a.b}")), {"a": 1}),
    (chat(Of("ChatMessagePromptTemplate", "hi {x}", role="robot", by="from_template")), {"x": 1}),
    (chat(Of("AIMessagePromptTemplate", "hi {x}", by="from_template", additional_kwargs={"k": 1})), {"x": 1}),
    (chat(chat(("human", "{q}")), ("ai", "ok")), {"q": 1}),
    (Of("ChatPromptTemplate", "hi {x}", by="from_template"), {"x": 1}),
    (chat(("human", "{a}"), input_variables=["b"], validate_template=True), {"a": 1}),
    (chat(("human", "{a}"), partial_variables={"a": "x"}), {}),
    (
        Of("DictPromptTemplate", template={"a": "{x}", "b": ["{y}", 1, {"c": "{x}"}]}, template_format="f-string"),
        {"x": 1, "y": 2},
    ),
    (Of("ImagePromptTemplate", template={"url": "http://{x}"}, input_variables=["x"]), {"x": "y"}),
    (Of("ImagePromptTemplate", input_variables=["url"]), {"url": "y"}),
    (Of("ImagePromptTemplate"), {}),
]
"""A prompt, and what it is given."""


def said(value: Any) -> Any:
    """What a prompt has made, in words that both libraries share."""
    if hasattr(value, "to_messages"):
        return (
            type(value).__name__,
            value.to_string(),
            [message.model_dump(exclude={"id"}) for message in value.to_messages()],
        )
    return value


KINDS = (KeyError, TypeError, NotImplementedError, ValueError)


def kind_of(error: BaseException) -> type[BaseException]:
    return next(kind for kind in KINDS if isinstance(error, kind))


def outcome(do: Any) -> Any:
    try:
        return said(do())
    except KINDS as error:
        return kind_of(error)


@pytest.mark.parametrize("case", CASES, ids=[f"{number:02}" for number in range(len(CASES))])
async def test_call(case: tuple[Of, Any]) -> None:
    prompt, given = case
    expected = outcome(lambda: THEIRS.built(prompt).invoke(THEIRS.built(given)))
    assert outcome(lambda: OURS.built(prompt).invoke(OURS.built(given))) == expected
    try:
        found = said(await OURS.built(prompt).ainvoke(OURS.built(given)))
    except KINDS as error:
        found = kind_of(error)
    assert found == expected
    if isinstance(expected, tuple):
        ours, theirs = OURS.built(prompt), THEIRS.built(prompt)
        assert ours.input_variables == theirs.input_variables
        assert getattr(ours, "optional_variables", []) == getattr(theirs, "optional_variables", [])
        if hasattr(theirs, "get_input_schema") and "Dict" not in prompt.name:
            assert set(ours.get_input_schema().model_fields) == set(theirs.get_input_schema().model_fields)


async def test_chunks_are_the_whole() -> None:
    prompt = OURS.built(chat(("human", "{q}")))
    assert [said(one) for one in prompt.stream({"q": 1})] == [said(prompt.invoke({"q": 1}))]
    assert [said(one) async for one in prompt.astream({"q": 1})] == [said(await prompt.ainvoke({"q": 1}))]


def partial_of(library: Library) -> Any:
    prompt = library.built(chat(("system", "{a} {b}"), ("placeholder", "{h}"), ("human", "{c}")))
    changed = prompt.partial(a="1", h=[("human", "x")]).partial(b=lambda: "2")
    return said(changed.invoke("3")), changed.input_variables, prompt.input_variables, len(changed)


def sums_of(library: Library) -> Any:
    prompt = library.built(chat(("system", "{a}"))).partial(a="1")
    parts = [
        library.built(chat(("human", "{b}"))).partial(b="2"),
        library.built(Of("HumanMessage", "m")),
        library.built(Of("MessagesPlaceholder", "h")),
        "text {t}",
        [("ai", "{l}"), "more"],
    ]
    total = prompt
    for part in parts:
        total = total + part
    return said(total.invoke({"h": HISTORY, "t": 3, "l": 4})), total.input_variables


def sum_of_templates(library: Library) -> Any:
    human = library.built(Of("HumanMessagePromptTemplate", "{a}", by="from_template"))
    return said((human + library.built(Of("AIMessage", "b")) + "c").invoke("x"))


def sum_of_texts(library: Library) -> Any:
    total = library.built(text("{a}", partial_variables={"a": 1})) + library.built(text(" {b}")) + " {c}"
    return total.template, total.input_variables, said(total.invoke({"b": 2, "c": 3}))


def wrong_sums(library: Library) -> Any:
    prompt, words = library.built(chat(("human", "x"))), library.built(text("{a}"))
    return [
        outcome(lambda: prompt + 7),
        outcome(lambda: words + 7),
        outcome(lambda: words + library.built(mustache("{{b}}"))),
        outcome(
            lambda: (
                library.built(text("{a}", partial_variables={"a": 1}))
                + library.built(text("{a}", partial_variables={"a": 2}))
            )
        ),
    ]


def parts_of(library: Library) -> Any:
    prompt = library.built(chat(("system", "s"), ("human", "{a}"), ("ai", "b"), Of("HumanMessage", "c")))
    return (
        len(prompt),
        said(prompt[1:3].invoke("x")),
        said(prompt[::2].invoke({})),
        prompt[-1].content,
        outcome(lambda: len(prompt[9:])),
    )


def grown(library: Library) -> Any:
    prompt = library.built(chat(("system", "s")))
    prompt.append(("human", "{a}"))
    prompt.extend(["{b}", library.built(Of("AIMessage", "c"))])
    return said(prompt.format_prompt(a=1, b=2)), outcome(lambda: prompt.append(("meow", "x")))


def formats_of(library: Library) -> Any:
    prompt = library.built(chat(("system", "{a}"), Of("MessagesPlaceholder", "h", optional=True)))
    words = library.built(text("hi {a}"))
    return (
        prompt.format(a=1),
        [message.content for message in prompt.format_messages(a=1, h=HISTORY)],
        outcome(prompt.format_messages),
        words.format(a=1),
        said(words.format_prompt(a=1)),
        outcome(words.format),
    )


def pretty(library: Library) -> Any:
    prompt = library.built(
        chat(
            ("system", "{a} b"),
            ("placeholder", "{h}"),
            Of("AIMessage", "x"),
            Of("ChatMessagePromptTemplate", "{r}", role="r", by="from_template"),
        )
    )
    words = library.built(text("hi {a}"))
    return [one.pretty_repr(html=html) for one in (prompt, words, prompt[1]) for html in (False, True)]


def fields_of(library: Library) -> Any:
    words = library.built(text("hi {a}", partial_variables={"b": 1}))
    return words.asdict(), library.built(chat(("human", "{a}"))).asdict(exclude={"messages"})


def schemas_of(library: Library) -> Any:
    prompts = [
        text("{a} {_b} {model_dump}"),
        mustache("{{x.y}} {{x}} {{#s}}{{t}}{{/s}} {{^n}}{{/n}}"),
        chat(("human", "{a}"), ("placeholder", "{h}")),
    ]
    schemas = [library.built(prompt).get_input_schema().model_json_schema() for prompt in prompts]
    # What a message is, is told in other words.
    return [{key: sorted(schema.get(key, {})) for key in ("properties", "required")} for schema in schemas]


def variables_of(library: Library) -> Any:
    return [
        outcome(lambda template=template, kind=kind: library.get_template_variables(template, kind))
        for template in ("{b} {a} {a}", "{{b}} {{#a}}{{c}}{{/a}} {{.}}", "{a.b}", "{a:{b}}", "{", "{{", "")
        for kind in ("f-string", "mustache", "other")
    ]


def checks_of(library: Library) -> Any:
    return [
        outcome(lambda template=template, kind=kind, names=names: library.check_valid_template(template, kind, names))
        for template in ("{a}", "{a} {b}", "{}", "{a.b}")
        for kind in ("f-string", "mustache", "other")
        for names in ([], ["a"], [""])
    ]


@pytest.mark.parametrize(
    "act",
    [
        partial_of,
        sums_of,
        sum_of_templates,
        sum_of_texts,
        wrong_sums,
        parts_of,
        grown,
        formats_of,
        pretty,
        fields_of,
        schemas_of,
        variables_of,
        checks_of,
    ],
    ids=lambda act: act.__name__,
)
def test_method(act: Any) -> None:
    assert act(OURS) == act(THEIRS)
