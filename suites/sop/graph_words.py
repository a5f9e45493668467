"""The words of a drawn procedure in English and Vietnamese; keywords of the SOP language stay as the file has them."""

from __future__ import annotations

from collections.abc import Mapping

from samescore.harness.lexicon import Locale

_WORDS: Mapping[str, tuple[str, str]] = {
    "one_of": ("one of {count}", "1 trong {count}"),
    "says": ("says: {text}", "nói: {text}"),
    "reveals": ("reveals: {names}", "cho biết: {names}"),
    "retry": ("tried again up to {count} times", "thử lại tối đa {count} lần"),
    "wait": ("each time after {tool}", "mỗi lần sau {tool}"),
    "states": ("states: {facts}", "nêu rõ: {facts}"),
    "terms": ("uses the words: {terms}", "dùng các từ: {terms}"),
    "unknown": ("the user does not know", "người dùng không biết"),
    "exhausted": ("failed {count} times", "hỏng {count} lần"),
    "ask": ("asks the user", "hỏi người dùng"),
    "call": ("calls a tool", "gọi tool"),
    "calls": ("calls several tools at once", "gọi nhiều tool cùng lúc"),
    "decide": ("decides", "quyết định"),
    "reply": ("replies, and ends", "trả lời và kết thúc"),
    "escalate": ("hands over, and ends", "chuyển tiếp và kết thúc"),
    "picture": (
        "{title}: {caption}. {nodes} steps, {edges} ways between them.",
        "{title}: {caption}. {nodes} bước, {edges} hướng đi giữa chúng.",
    ),
    "way": ("{source} to {target}", "từ {source} đến {target}"),
    "line": ("line {line}", "dòng {line}"),
    "branch": ("branch {branch}: {words}", "nhánh {branch}: {words}"),
    "no_case": ("no case", "không có case"),
    "none": ("no cases", "không có case nào"),
    "case": ("1 case", "1 case"),
    "cases": ("{count} cases", "{count} case"),
    "few": ("fewer than {count} cases", "ít hơn {count} case"),
    "many": ("{count} cases or more", "từ {count} case trở lên"),
    "unscored": ("no scored rollout", "chưa có lượt nào được chấm"),
    "low": ("less than half right", "đúng chưa đến một nửa"),
    "middle": ("some wrong", "có lượt sai"),
    "high": ("all right", "đúng hết"),
    "right": ("{right} of {count} rollouts right", "{right} trên {count} lượt đúng"),
    "without": (", {count} without a score", ", {count} lượt chưa có điểm"),
}


def say(locale: Locale, key: str, **values: object) -> str:
    """The words of that key in a language."""
    return _WORDS[key][0 if locale == "en" else 1].format(**values)
