"""Likeness to gold replies: a reward of the trainers alone, from any encoder or decoder, the same every time."""

import json
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
import toy_world
from grpo_training import assembled, renderer
from hypothesis import given, strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.policies.model_files import weights_digest
from samescore.harness.scorers import SCORERS
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.trainer import data_of, outcome
from samescore.trainers.passport import passport_of
from samescore.trainers.similarity import Similarity, exemplar, similarity_reward
from samescore.trainers.training import carry_out

WORDS = ["[PAD]", "[UNK]", "we", "waived", "sorry", "book", "the", "fee", "refused", "cannot", "done", "you"]
CALL = '<tool_call>\n{"name": "get_loan", "arguments": {"book_id": "B-1000"}}\n</tool_call>'


def tokenizer(folder: Path) -> None:
    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(folder)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An encoder of two layers with random weights, and without a pooler."""
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer(folder)
    return f"hf/{folder}"


@pytest.fixture(scope="module")
def similarity(bert: str) -> Similarity:
    return Similarity.load(bert)


texts = st.lists(st.sampled_from(WORDS[2:]), max_size=24).map(" ".join)


@given(texts, texts)
def test_it_lies_in_0_to_1_and_is_the_same_both_ways(similarity: Similarity, one: str, other: str) -> None:
    value = similarity.of(one, other)
    assert 0.0 <= value <= 1.0
    assert value == pytest.approx(similarity.of(other, one), abs=1e-6)


@given(texts.filter(bool))
def test_a_text_is_like_itself(similarity: Similarity, text: str) -> None:
    assert similarity.of(text, text) == pytest.approx(1.0, abs=1e-6)


def test_it_is_the_cosine_of_mean_pooled_states(similarity: Similarity, bert: str) -> None:
    model = BertForMaskedLM.from_pretrained(bert.removeprefix("hf/")).bert.eval()

    def mean(ids: list[int]) -> torch.Tensor:
        with torch.no_grad():
            return model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)

    expected = torch.nn.functional.cosine_similarity(mean([2, 3, 6, 7]), mean([4, 9]), dim=0)
    assert similarity.of("we waived the fee", "sorry cannot") == pytest.approx(max(0.0, float(expected)), abs=1e-6)
    assert similarity.of("we waived the fee", "sorry cannot") < 0.999


def test_it_does_not_depend_on_what_was_asked_before(bert: str) -> None:
    first, second = Similarity.load(bert), Similarity.load(bert)
    second.of("you", "done " * 30)
    assert [first.of("we waived", "the fee") for _ in range(2)] == [second.of("we waived", "the fee")] * 2


def test_no_text_is_like_nothing(similarity: Similarity) -> None:
    assert similarity.of("", "done") == similarity.of(" \n", "done") == similarity.of("done", "") == 0.0


def test_a_text_that_is_longer_than_the_model_reads_is_cut(similarity: Similarity) -> None:
    assert similarity.of("we " * 16, "we " * 16 + "cannot " * 40) == pytest.approx(1.0, abs=1e-6)


def test_loading_it_draws_no_random_number(bert: str) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    Similarity.load(bert)
    assert torch.equal(before, torch.get_rng_state()), "the pooler that it lacks was filled at random"


def test_a_decoder_does_as_well() -> None:
    tiny = Similarity.load("tiny")
    gold = "Done: we waived $3 for book B-1000."
    assert tiny.of(gold, gold) == pytest.approx(1.0, abs=1e-6)
    assert tiny.of("Done: we waived $4 for book B-1000.", gold) > tiny.of("Hello", gold)


def test_what_is_no_embedding_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="nowhere"):
        Similarity.load(f"hf/{tmp_path}/nowhere")
    with pytest.raises(UsageError, match="expected 'tiny' or 'hf/PATH_OR_ID'"):
        Similarity.load("bge")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken cannot be loaded as an embedding model: .* Give an encoder or"):
        Similarity.load(f"hf/{tmp_path}/broken")
    both = tmp_path / "t5"
    shape = T5Config(vocab_size=12, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
    T5ForConditionalGeneration(shape).save_pretrained(both)
    tokenizer(both)
    with pytest.raises(UsageError, match="is an encoder and a decoder"):
        Similarity.load(f"hf/{both}")


# As a reward.


def rewarded(similarity: Similarity, key: str, *turns: str | None, failed: bool = False) -> float | None:
    """The reward of a completion of these turns, the last one not ended where it is None after it."""
    prompts = {**Prompts([toy_world.case(0)], "decision"), **Prompts([toy_world.case(0)], "episode")}
    reward = similarity_reward(similarity, prompts, renderer(), detect(renderer()))
    ids: list[int] = []
    spans = []
    for turn in turns:
        if turn is None:
            ids.pop()
            spans[-1] = (spans[-1][0], len(ids))
            continue
        written = [*renderer().encode(turn), renderer().end_id]
        spans.append((len(ids), len(ids) + len(written)))
        ids += written
    assert reward.__name__ == "similarity"
    (value,) = reward(prompts=[key], completion_ids=[ids], spans=[spans], failed=[failed], trainer_state=None)
    return value


def test_a_reply_is_compared_with_the_gold_reply(similarity: Similarity) -> None:
    case = toy_world.case(0)
    assert exemplar(case) == case.gold[-1].content and exemplar(case.at(2)) == case.gold[-1].content
    assert exemplar(case.at(0)) is None, "a look-up"
    asking = toy_world.case(1)
    assert exemplar(asking.at(0)) == asking.gold[0].content, "the question that is due"
    gold = case.gold[-1].content
    for key, before in (("toy/0000@2", ()), ("toy/0000", (CALL,))):
        assert rewarded(similarity, key, *before, gold) == pytest.approx(1.0, abs=1e-6)
        assert rewarded(similarity, key, *before, "sorry cannot") == similarity.of("sorry cannot", gold) < 0.999
        assert rewarded(similarity, key, *before, "") == 0.0


def test_thinking_is_not_seen(similarity: Similarity) -> None:
    gold = toy_world.case(0).gold[-1].content
    thought = "<think>\nsorry sorry cannot\n</think>\n\n" + gold
    assert rewarded(similarity, "toy/0000", thought) == pytest.approx(1.0, abs=1e-6)


def test_no_reply_is_0_and_where_none_is_due_it_does_not_apply(similarity: Similarity) -> None:
    gold = toy_world.case(0).gold[-1].content
    assert rewarded(similarity, "toy/0000@0", CALL) is None and rewarded(similarity, "toy/0000@0", gold) is None
    assert rewarded(similarity, "toy/0000", CALL) == 0.0, "it called where it should reply"
    assert rewarded(similarity, "toy/0000", gold, None) == 0.0, "truncated"
    assert rewarded(similarity, "toy/0000", gold + CALL.replace("}}", "}")) == 0.0, "malformed"
    assert rewarded(similarity, "toy/0000", gold, failed=True) is None


def test_it_rewards_beside_the_scorers_and_the_passport_says_so(tmp_path: Path, bert: str) -> None:
    gold = toy_world.case(0).gold[-1].content
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(2)],
        lambda turn: gold if turn % 2 else "sorry cannot",
        shape="episode",
        steps=1,
        group=2,
        prompts=1,
        batch_size=2,
        weights={scorer.name: 1.0 for scorer in SCORERS},
        similarity=bert,
        similarity_weight=0.25,
        log={"every": 1},
    )
    carry_out(grpo.training, grpo.trainer, data_of(grpo.prompts), more=lambda: outcome(grpo))
    logged = {name: list(values) for name, values in grpo.trainer._logs["rewards"].items()}
    assert grpo.similarity is not None
    assert logged["similarity"] == pytest.approx([grpo.similarity.of("sorry cannot", gold), 1.0], abs=1e-6)
    lines = (tmp_path / "adapter" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines if '"event": "step"' in line]
    assert steps[0]["rewards/similarity/mean"] == pytest.approx(sum(logged["similarity"]) / 2, abs=1e-6)
    passport = passport_of(grpo.training, {}, outcome(grpo))
    (impurity,) = passport.impurities
    assert "similarity" in impurity and "0.25" in impurity and bert in impurity
    assert passport.training["similarity"] == {"model": bert, "weights": weights_digest(Path(bert.removeprefix("hf/")))}
    assert "similarity" not in passport.rewards, "it is no scorer"
