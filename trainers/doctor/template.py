"""Do base model and chat template fit: its dialect, what it cannot write, prefixes, lengths, and its vocabulary?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects.shortfall import shortfall
from samescore.harness.errors import UsageError
from samescore.harness.plan import spread
from samescore.harness.renderer import Renderer
from samescore.trainers.config import GrpoConfig
from samescore.trainers.doctor.inputs import Inputs, Template
from samescore.trainers.doctor.verdict import Level, Question, Remark, Verdict
from samescore.trainers.grpo.sizes import spans
from samescore.trainers.leakage import user_texts

TRIED = 300
"""Cases of a split whose turns are tried on the template, spread over branches."""

PIECES = 4.0
"""So many tokens a word on average: the vocabulary was made for another language."""


def ask(inputs: Inputs) -> Verdict:
    """Probe the base's template with the cases at hand."""
    inputs.config  # noqa: B018  # without one there is nothing to ask about
    try:
        template = inputs.read_template()
    except UsageError as error:
        todo = "Take another base, or give this one a template that can be used: see docs/dialects.md."
        return Verdict(inputs.config.base, (Remark(Level.STOP, str(error).rstrip("."), todo),))
    renderer = template.renderer
    pieces = {locale: _pieces(renderer, cases) for locale, cases in _by_locale(inputs).items()}
    remarks = [*_prefix(inputs, renderer), *_cannot(inputs, template), *_vocabulary(inputs, renderer, pieces)]
    evidence = [f"{inputs.config.base} writes {template.dialect.name}", _keeping(renderer)]
    figures: dict[str, Any] = {
        "dialect": template.dialect.name,
        "keeps_tool_prefix": renderer.keeps_tool_prefix,
        "keeps_user_prefix": renderer.keeps_user_prefix,
        "capability": template.capability.to_json(),
        "context": inputs.context,
        "max_tokens": inputs.config.max_tokens,
        "tokens_per_word": pieces,
    }
    # What is wrong with users' own files is no fault of the template.
    inputs.files, inputs.recorded  # noqa: B018
    try:
        longest = inputs.longest
    except UsageError as error:
        todo = "Change the turn, or take a base whose template writes it."
        remarks.append(Remark(Level.STOP, str(error).rstrip("."), todo))
    else:
        if longest is not None:
            length = len(longest.example.ids)
            figures |= {"longest": length, "longest_item": longest.source}
            evidence.append(f"longest conversation {length:,} tokens, of {_limits(inputs)}")
            remarks += _lengths(inputs, length, longest.source)
    evidence.append(", ".join(f"{locale} {count:.1f} tokens a word" for locale, count in sorted(pieces.items())))
    return Verdict(" · ".join(evidence), tuple(remarks), figures)


QUESTION = Question("template", "Do base model and chat template fit?", ask)


def _keeping(renderer: Renderer) -> str:
    kept = [
        name
        for name, keeps in (("tool results", renderer.keeps_tool_prefix), ("user turns", renderer.keeps_user_prefix))
        if keeps
    ]
    return f"keeps its prefix over {' and '.join(kept)}" if kept else "never keeps its prefix"


def _limits(inputs: Inputs) -> str:
    context = "" if inputs.context is None else f" and a context of {inputs.context:,}"
    return f"max_tokens {inputs.config.max_tokens:,}{context}"


def _prefix(inputs: Inputs, renderer: Renderer) -> Iterator[Remark]:
    if renderer.keeps_tool_prefix and renderer.keeps_user_prefix:
        return
    lost = "tool results" if not renderer.keeps_tool_prefix else "a user's turn"
    what = f"the template writes earlier turns otherwise once {lost} follow{'' if lost.endswith('s') else 's'}"
    if isinstance(inputs.config, GrpoConfig) and inputs.config.shape == "episode":
        yield Remark(Level.STOP, what, 'Train with shape = "decision", or take a template that keeps its prefix.')
    else:
        yield Remark(
            Level.LOOK,
            what,
            "Each turn is trained as a sample of its own, which costs more tokens; else take another template.",
        )


def _cannot(inputs: Inputs, template: Template) -> Iterator[Remark]:
    """What cases expect of the template that it cannot do."""
    cases = [
        case for material in (inputs.train, inputs.dev, inputs.eval) for case in islice(spread(material.cases), TRIED)
    ]
    for lacking in shortfall(template, cases):
        yield Remark(
            Level.STOP,
            f"the template {lacking}",
            "Take a template that can, or the training variant of it; such cases cannot be solved.",
        )


def _lengths(inputs: Inputs, length: int, source: str) -> Iterator[Remark]:
    config = inputs.config
    leave_out = "" if isinstance(config, GrpoConfig) else 'leave longer ones out: data.longer = "leave_out"'
    if isinstance(config, GrpoConfig):
        yield from _room(config, inputs)
    elif length > config.max_tokens and config.data.longer == "error":
        yield Remark(
            Level.STOP,
            f"{source} is longer than max_tokens = {config.max_tokens:,}",
            f"Set max_tokens = {length} or more, or {leave_out}. Training refuses to cut.",
        )
    if inputs.context is not None and length > inputs.context:
        shortened = f", or set max_tokens = {inputs.context} and {leave_out}" if leave_out else ""
        yield Remark(
            Level.STOP,
            f"{source} is longer than the base's context of {inputs.context:,}",
            f"Take a base of a longer context, shorten the prompt{shortened}.",
        )


def _room(config: GrpoConfig, inputs: Inputs) -> Iterator[Remark]:
    """Whether what GRPO asks for can be written within its limits."""
    size = inputs.size_of(config)
    if size.prompt >= config.max_tokens:
        yield Remark(
            Level.STOP,
            f"the prompt of {size.source} has {size.prompt:,} tokens, and max_tokens = {config.max_tokens:,} leaves no "
            "room for a turn",
            f"Set max_tokens = {size.prompt + size.completion} or more.",
        )
    turn = max(end - start for sample in inputs.tried for start, end in spans(sample.example))
    if turn > config.turn_tokens:
        yield Remark(
            Level.STOP,
            f"the longest right turn has {turn:,} tokens, and turn_tokens = {config.turn_tokens:,} cuts it off",
            f"Set turn_tokens = {turn} or more: what is cut off scores 0.",
        )


def _vocabulary(inputs: Inputs, renderer: Renderer, pieces: dict[str, float]) -> Iterator[Remark]:
    rows, tokens = inputs.architecture.get("vocab_size"), len(renderer.tokenizer)
    if rows is not None and tokens > rows:
        yield Remark(
            Level.STOP,
            f"the tokenizer has {tokens:,} tokens and the model rows for {rows:,}: its template's own may be missing",
            "Take the tokenizer that belongs to the model.",
        )
    lost = _lost(renderer, [case for cases in _by_locale(inputs).values() for case in cases])
    if lost:
        shown = ", ".join(f"{character!r}" for character, _ in lost.most_common(5))
        yield Remark(
            Level.LOOK, f"the tokenizer does not give these characters back: {shown}", "Take another base, or reword."
        )
    for locale, count in sorted(pieces.items()):
        if count > PIECES:
            yield Remark(
                Level.LOOK,
                f"{locale} takes {count:.1f} tokens a word: the vocabulary was made for another language",
                "Expect long sequences and slow answers in it, or take a base that was trained on it.",
            )


def _by_locale(inputs: Inputs) -> dict[str, list[Case]]:
    """Cases whose users' words are tried on the vocabulary."""
    found: defaultdict[str, list[Case]] = defaultdict(list)
    for case in islice(spread(inputs.train.cases), TRIED):
        found[case.locale].append(case)
    return dict(found)


def _pieces(renderer: Renderer, cases: list[Case]) -> float:
    """Tokens a word of what users say."""
    texts = [text for case in cases for text in user_texts(case)]
    return sum(len(renderer.encode(text)) for text in texts) / max(1, sum(len(text.split()) for text in texts))


def _lost(renderer: Renderer, cases: list[Case]) -> Counter[str]:
    """The characters that do not survive being encoded and decoded."""
    lost: Counter[str] = Counter()
    for case in cases:
        for text in user_texts(case):
            back = renderer.tokenizer.decode(renderer.encode(text), clean_up_tokenization_spaces=False)
            if back != text:
                lost.update(set(text) - set(back))
    return lost
