"""The sentences in which an SOP is told, in either language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from samescore.harness.case import Ending
from samescore.harness.lexicon import Locale
from samescore.suites.sop.expression import Operator


@dataclass(frozen=True, slots=True)
class ProseWords:
    """One language. Braces name what is filled in."""

    heading: str
    how: str
    ask: str
    slot: str
    slot_of_values: str
    unknown: str
    call: str
    with_arguments: str
    argument: str
    optional: str
    retry: str
    wait: str
    exhausted: str
    failed: str
    together: str
    decide: str
    arm: str
    otherwise: str
    then: str
    endings: Mapping[Ending, str]
    states: str
    stated: str
    in_words: str
    unwanted: str
    terms: str
    example: str
    throughout: str
    never: str
    may: str
    confidential: str
    only: str
    # values
    told: str
    of_error: str
    of_step: str
    of_call: str
    of_tool: str
    object: str
    array: str
    today: str
    # conditions
    both: str
    one_of: str
    neither: str
    numbers: Mapping[Operator, str]
    days: Mapping[Operator, str]
    later: str
    earlier: str
    plus: str
    minus: str
    yes: str
    no: str
    # numbers of times
    once: Mapping[int, str]
    times_over: str

    def list(self, items: Iterable[str]) -> str:
        """`a, b and c`."""
        return self._joined(items, self.both)

    def either(self, items: Iterable[str]) -> str:
        """`a, b or c`."""
        return self._joined(items, self.one_of)

    def times(self, number: int) -> str:
        """How often: `once`, `twice`, `3 times`."""
        return self.once.get(number) or self.times_over.format(number=number)

    @staticmethod
    def _joined(items: Iterable[str], word: str) -> str:
        *before, last = items
        return f"{', '.join(before)} {word} {last}" if before else last


_EN = ProseWords(
    heading="Procedure: {title}",
    how=(
        "Follow the steps in this order, starting at step 1. After a step go on to the next one, unless it sends you "
        "to another. Write to the user only where a step says so."
    ),
    ask=(
        "You need to know {slots}. If the user has not told you all of it, ask for what is missing, in one message, "
        "and for nothing else."
    ),
    slot="{name} (“{phrase}”)",
    slot_of_values="{name} (“{phrase}”, which is {values})",
    unknown="If the user does not know what you asked for, go to step {step}.",
    call="Call {tool}{arguments}.",
    with_arguments=" with {arguments}",
    argument="{name} set to {value}",
    optional="You may add {arguments}.",
    retry="If it fails with {error}, try again, at most {times}.",
    wait="Before each new attempt, call {tool}{arguments}.",
    exhausted="If it still fails, go to step {step}.",
    failed="If it fails with {error}, go to step {step}.",
    together="Make these calls together, in one turn:",
    decide="Decide how to go on:",
    arm="If {condition}, go to step {step}.",
    otherwise="Otherwise, go to step {step}.",
    then="Then go to step {step}.",
    endings={
        Ending.ANSWER: "Tell the user what was done. This ends the conversation.",
        Ending.REFUSE: "Decline the request politely. This ends the conversation.",
        Ending.ASK: "Tell the user what is missing and ask for it. This ends the conversation.",
    },
    states="State {facts}.",
    stated="the {slot} ({value})",
    in_words=", in words",
    unwanted="Do not state {slots}.",
    terms="Use the word {terms}, with a capital letter.",
    example="For example: “{text}”",
    throughout="At all times:",
    never="Never call {tools}.",
    may="You may call {tools} at any time to look something up.",
    confidential="Never tell the user {fields}: these values are confidential.",
    only="Change nothing that no step tells you to change.",
    told="the user's {name}",
    of_error="{field} from the error",
    of_step="{field} from step {step}",
    of_call="{field} from {tool} in step {step}",
    of_tool="{field} from {tool}",
    object="an object ({entries})",
    array="a list ({entries})",
    today="today",
    both="and",
    one_of="or",
    neither="it is not true that {condition}",
    numbers={
        "<": "is less than",
        "<=": "is at most",
        ">": "is more than",
        ">=": "is at least",
        "==": "is",
        "!=": "is not",
    },
    days={
        "<": "is before",
        "<=": "is no later than",
        ">": "is after",
        ">=": "is no earlier than",
        "==": "is",
        "!=": "is not",
    },
    later="{days} days after {day}",
    earlier="{days} days before {day}",
    plus="{value} plus {number}",
    minus="{value} minus {number}",
    yes="{name} is `true`",
    no="{name} is `false`",
    once={1: "once", 2: "twice"},
    times_over="{number} times",
)

_VI = ProseWords(
    heading="Quy trình: {title}",
    how=(
        "Thực hiện các bước theo thứ tự, bắt đầu từ bước 1. Xong mỗi bước thì sang bước kế tiếp, trừ khi bước đó yêu "
        "cầu chuyển đến bước khác. Chỉ nhắn cho người dùng khi có bước yêu cầu."
    ),
    ask=(
        "Cần biết {slots}. Nếu người dùng chưa cho biết đủ, hãy hỏi những thông tin còn thiếu trong một tin nhắn và "
        "không hỏi gì thêm."
    ),
    slot="{name} (“{phrase}”)",
    slot_of_values="{name} (“{phrase}”, có giá trị {values})",
    unknown="Nếu người dùng không biết thông tin được hỏi, chuyển đến bước {step}.",
    call="Gọi {tool}{arguments}.",
    with_arguments=" với {arguments}",
    argument="{name} là {value}",
    optional="Có thể thêm {arguments}.",
    retry="Nếu gặp lỗi {error}, thử lại tối đa {times}.",
    wait="Trước mỗi lần thử lại, gọi {tool}{arguments}.",
    exhausted="Nếu vẫn lỗi, chuyển đến bước {step}.",
    failed="Nếu gặp lỗi {error}, chuyển đến bước {step}.",
    together="Gọi cùng lúc, trong một lượt:",
    decide="Quyết định hướng xử lý:",
    arm="Nếu {condition}, chuyển đến bước {step}.",
    otherwise="Trong các trường hợp còn lại, chuyển đến bước {step}.",
    then="Sau đó chuyển đến bước {step}.",
    endings={
        Ending.ANSWER: "Báo cho người dùng việc đã làm và kết thúc cuộc trò chuyện.",
        Ending.REFUSE: "Từ chối yêu cầu một cách lịch sự và kết thúc cuộc trò chuyện.",
        Ending.ASK: "Cho người dùng biết còn thiếu thông tin gì, đề nghị bổ sung và kết thúc cuộc trò chuyện.",
    },
    states="Nêu rõ {facts}.",
    stated="{slot} ({value})",
    in_words=", diễn đạt bằng lời",
    unwanted="Không nêu {slots}.",
    terms="Dùng từ {terms}, viết hoa chữ cái đầu.",
    example="Ví dụ: “{text}”",
    throughout="Trong mọi trường hợp:",
    never="Không bao giờ gọi {tools}.",
    may="Có thể gọi {tools} bất cứ lúc nào để tra cứu.",
    confidential="Không bao giờ cho người dùng biết {fields}: đây là thông tin bảo mật.",
    only="Không thay đổi bất cứ điều gì nếu không có bước nào yêu cầu.",
    told="{name} mà người dùng cung cấp",
    of_error="{field} trong thông báo lỗi",
    of_step="{field} ở bước {step}",
    of_call="{field} của {tool} ở bước {step}",
    of_tool="{field} của {tool}",
    object="một đối tượng ({entries})",
    array="một danh sách ({entries})",
    today="hôm nay",
    both="và",
    one_of="hoặc",
    neither="không phải là {condition}",
    numbers={
        "<": "nhỏ hơn",
        "<=": "không quá",
        ">": "lớn hơn",
        ">=": "không dưới",
        "==": "là",
        "!=": "không phải là",
    },
    days={
        "<": "trước",
        "<=": "không muộn hơn",
        ">": "sau",
        ">=": "không sớm hơn",
        "==": "là",
        "!=": "không phải là",
    },
    later="{days} ngày sau {day}",
    earlier="{days} ngày trước {day}",
    plus="{value} cộng {number}",
    minus="{value} trừ {number}",
    yes="{name} là `true`",
    no="{name} là `false`",
    once={},
    times_over="{number} lần",
)

WORDS: Mapping[Locale, ProseWords] = {"en": _EN, "vi": _VI}
