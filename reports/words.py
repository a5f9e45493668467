"""The texts of reports in English and Vietnamese, and how numbers are written in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from samescore.reports.contents import Language

TEXTS: Mapping[str, tuple[str, str]] = {
    # The decision. {run} and {baseline} are names of models.
    "title": ("Release report: {run}", "Báo cáo phát hành: {run}"),
    "title.several": ("Release report: {runs}", "Báo cáo phát hành: {runs}"),
    "outcome.pass": ("Pass", "Đạt"),
    "outcome.regression": ("Regression", "Thụt lùi"),
    "outcome.inconclusive": ("Inconclusive", "Chưa kết luận được"),
    "outcome.identical": ("Identical", "Giống hệt"),
    "outcome.incomparable": ("Not comparable", "Không so sánh được"),
    "outcome.incomplete": ("Incomplete", "Chưa hoàn tất"),
    "outcome.targets_met": ("Targets met", "Đạt chỉ tiêu"),
    "outcome.targets_missed": ("Targets missed", "Không đạt chỉ tiêu"),
    "outcome.targets_open": ("Inconclusive", "Chưa kết luận được"),
    "outcome.rule_broken": ("Rule broken", "Vi phạm quy tắc"),
    "outcome.measured": ("Measured", "Đã đo"),
    "decided.pass": (
        "{run} may take the place of {baseline}: a drop of {drops} is ruled out.",
        "{run} có thể thay thế {baseline}: đã loại trừ mức giảm {drops}.",
    ),
    "decided.regression": (
        "{run} should not ship: against {baseline}, {drops}.",
        "Không nên phát hành {run}: so với {baseline}, {drops}.",
    ),
    "decided.rule": (
        "{run} should not ship: {rule}, which must never happen.",
        "Không nên phát hành {run}: {rule}, điều không bao giờ được xảy ra.",
    ),
    "decided.inconclusive": (
        "Not decided: {cases} cannot rule out that {run} is worse than {baseline} by {drops}.",
        "Chưa kết luận được: {cases} không đủ để loại trừ khả năng {run} thua {baseline} {drops}.",
    ),
    "decided.drop": ("{points} in {metric}", "{points} ở {metric}"),
    "decided.dropped": ("{metric} dropped by {points}", "{metric} giảm {points}"),
    "decided.within": (
        "That is less than the margin of {margin}, but a drop of so much cannot be ruled out.",
        "Mức này nhỏ hơn biên {margin}, nhưng chưa loại trừ được mức giảm bằng biên đó.",
    ),
    "decided.also": ("It misses {count} all the same: {metrics}.", "Dù vậy vẫn không đạt {count}: {metrics}."),
    "decided.also.run": ("{run} {missed} of {all}", "{run} {missed} trên {all}"),
    "decided.also.several": (
        "Targets are missed all the same: {missed}.",
        "Dù vậy vẫn có chỉ tiêu không đạt: {missed}.",
    ),
    "decided.unforbidden": (
        "It has {rules}, which the policy does not forbid.",
        "Có {rules}, điều mà chính sách không cấm.",
    ),
    "decided.unforbidden.run": ("{run} ({rules})", "{run} ({rules})"),
    "decided.unforbidden.several": (
        "The policy does not forbid what happened here: {rules}.",
        "Chính sách không cấm những điều đã xảy ra: {rules}.",
    ),
    "rule.unauthorised_effect": ("unauthorised effects in {rollouts}", "tác động không được phép trong {rollouts}"),
    "rule.leaked_thinking": ("thinking shown to the user in {rollouts}", "lộ suy nghĩ cho người dùng trong {rollouts}"),
    "rule.other": ("{name} in {rollouts}", "{name} trong {rollouts}"),
    "decided.identical": (
        "{run} is the very adapter of {baseline}: there is nothing to compare.",
        "{run} chính là adapter của {baseline}: không có gì để so sánh.",
    ),
    "decided.incomparable": (
        "{run} and {baseline} cannot be compared: they were not asked the same.",
        "Không thể so sánh {run} với {baseline}: hai bên không được hỏi như nhau.",
    ),
    "decided.incomplete": (
        "Incomplete: {missing} of {rollouts} have no score, so nothing is decided about {run}.",
        "Chưa hoàn tất: {missing} trong {rollouts} chưa có điểm, nên chưa kết luận được gì về {run}.",
    ),
    "decided.incomplete_baseline": (
        "The baseline is incomplete, so nothing is decided about {run}.",
        "Baseline chưa hoàn tất, nên chưa kết luận được gì về {run}.",
    ),
    "decided.targets_met": (
        "{run} may ship by its targets: it meets all {count}.",
        "Xét theo chỉ tiêu, có thể phát hành {run}: đạt cả {count}.",
    ),
    "decided.target_met": (
        "{run} may ship by its target: it meets {metrics}.",
        "Xét theo chỉ tiêu, có thể phát hành {run}: đạt {metrics}.",
    ),
    "decided.targets_missed": (
        "{run} should not ship by its targets: it misses {metrics}.",
        "Xét theo chỉ tiêu, không nên phát hành {run}: không đạt {metrics}.",
    ),
    "decided.targets_open": (
        "Not decided: {cases} cannot tell whether {run} meets {metrics}.",
        "Chưa kết luận được: {cases} không đủ để biết {run} có đạt {metrics} hay không.",
    ),
    "decided.measured": (
        "{run} does everything right in {success} of cases; no targets and no baseline say whether that is enough.",
        "{run} làm đúng hoàn toàn {success} số case; chưa có chỉ tiêu hay baseline để biết thế đã đủ chưa.",
    ),
    "decided.several": (
        "{good} of {runs} may take the place of {baseline}: {names}.",
        "{good} trong {runs} có thể thay thế {baseline}: {names}.",
    ),
    "decided.none": (
        "None of {runs} may take the place of {baseline}.",
        "Không lượt nào trong {runs} có thể thay thế {baseline}.",
    ),
    "decided.several.alone": (
        "{good} of {runs} may ship by their targets: {names}.",
        "Xét theo chỉ tiêu, {good} trong {runs} có thể phát hành: {names}.",
    ),
    "decided.none.alone": (
        "None of {runs} may ship by its targets.",
        "Xét theo chỉ tiêu, không lượt nào trong {runs} có thể phát hành.",
    ),
    "decided.several.measured": (
        "{runs} side by side; no targets and no baseline say whether any is good enough.",
        "{runs} cạnh nhau; chưa có chỉ tiêu hay baseline để biết lượt nào đủ tốt.",
    ),
    # Its evidence.
    "fact.success": ("Success", "Thành công"),
    "fact.change": ("Change in {metric}", "Thay đổi của {metric}"),
    "fact.margin": ("Margin", "Biên cho phép"),
    "fact.detectable": ("Reliably detects", "Phát hiện chắc chắn"),
    "fact.precision": ("Precision", "Độ chính xác"),
    "fact.cases": ("Cases", "Case"),
    "fact.flips": ("Cases that changed", "Case đổi kết quả"),
    "fact.targets": ("Targets", "Chỉ tiêu"),
    "fact.floor": ("Without a model", "Khi không có mô hình"),
    "fact.missing": ("Without a score", "Chưa có điểm"),
    "fact.differs": ("What differs", "Khác biệt"),
    "fact.next": ("What to do", "Việc cần làm"),
    "fact.rule": ("Rule broken", "Quy tắc bị vi phạm"),
    "fact.rule.note": ("first in {case}: {what}", "đầu tiên ở {case}: {what}"),
    "fact.rule.unauthorised_effect": ("Unauthorised effects", "Tác động không được phép"),
    "fact.rule.leaked_thinking": ("Leaked thinking", "Lộ suy nghĩ"),
    "fact.rule.value": ("{count} of {rollouts}", "{count} trên {rollouts}"),
    "fact.rule.allowed": ("the policy does not forbid them", "chính sách không cấm"),
    "fact.rule.allowed.before": (
        "baseline {before}; the policy does not forbid them",
        "baseline {before}; chính sách không cấm",
    ),
    "fact.digest": ("Adapter", "Adapter"),
    "fact.digest.note": ("the same weights on both sides", "cùng trọng số ở cả hai bên"),
    "fact.change.note": (
        "from {before} to {after}; {interval}: {low} to {high}",
        "từ {before} thành {after}; {interval}: {low} đến {high}",
    ),
    "interval": ("{level} interval", "khoảng tin cậy {level}"),
    "interval.wide": (
        "{plain} interval, widened to {level} for {reasons}",
        "khoảng tin cậy {plain}, nới rộng thành {level} vì {reasons}",
    ),
    "interval.tries": ("the {tries} that the policy allows", "{tries} mà chính sách cho phép"),
    "interval.looks": ("the {looks} at this run", "{looks} vào lượt chạy này"),
    "fact.look": ("Judged while it went on", "Xét trong khi chạy"),
    "fact.look.value": ("look {number} of {of}", "lần xét {number} trên {of}"),
    "fact.look.note": (
        "after {cases} of {planned}, in random order; judged at {level} so that {alpha} holds over all looks",
        "sau {cases} trên {planned}, theo thứ tự ngẫu nhiên; xét ở mức {level} để cả các lần xét giữ mức {alpha}",
    ),
    "fact.margin.note": (
        "the drop that must be ruled out",
        "mức giảm phải loại trừ được",
    ),
    "fact.detectable.note": (
        "a drop this large is found in 8 of 10 evaluations like this one, a smaller one less often; even where no case "
        "differs, so many cases leave a drop of {floor} possible",
        "mức giảm chừng này được phát hiện trong 8 trên 10 lần đánh giá như vậy, mức nhỏ hơn thì ít khi hơn; dù không "
        "case nào khác đi, từng này case vẫn chưa loại trừ được mức giảm {floor}",
    ),
    "fact.detectable.nothing": ("no drop at all", "không mức giảm nào"),
    "fact.bounds.note": ("can still become {low} to {high}", "còn có thể từ {low} đến {high}"),
    "fact.interval.note": ("95% interval {low} to {high}", "khoảng tin cậy 95%: {low} đến {high}"),
    "fact.precision.note": (
        "half the width of the interval: a target closer than that cannot be judged",
        "một nửa bề rộng khoảng tin cậy: chỉ tiêu gần hơn mức đó thì không xét được",
    ),
    "fact.cases.note": (
        "of {total}, on {branches}, judged on both sides",
        "trong {total}, trên {branches}, xét ở cả hai bên",
    ),
    "fact.cases.alone": ("on {branches}, {epochs}", "trên {branches}, {epochs}"),
    "fact.flips.value": ("{fixed} fixed, {broken} broken", "{fixed} được sửa, {broken} bị hỏng"),
    "fact.floor.note": (
        "the best that {policy} gets on the same cases",
        "mức cao nhất mà {policy} đạt trên cùng các case",
    ),
    "fact.targets.value": ("{met} of {total} met", "đạt {met} trên {total}"),
    # What the gate advises where runs cannot be compared; the English is the gate's own.
    "advice.early": (
        "Evaluate what ended early again without --sequential; or judge it by the comparison that it was planned for.",
        "Đánh giá lại lượt đã dừng sớm mà không dùng --sequential; hoặc xét theo phép so sánh đã định cho nó.",
    ),
    "advice.suites": (
        "Evaluate the candidate on the suites that the baseline was run on, with the same --limit.",
        "Đánh giá ứng viên trên các bộ kiểm thử mà baseline đã chạy, với cùng --limit.",
    ),
    "advice.again": (
        "Evaluate one of them again as the other was run.",
        "Đánh giá lại một trong hai theo đúng cách bên kia đã chạy.",
    ),
    "verdict.cleared": ("cleared", "đạt"),
    "verdict.dropped": ("dropped", "giảm"),
    "verdict.open": ("open", "chưa rõ"),
    "target.met": ("met", "đạt"),
    "target.missed": ("missed", "không đạt"),
    "target.inconclusive": ("inconclusive", "chưa rõ"),
    # What the suite does not cover.
    "limit.sample": (
        "The verdict is about branches like these {branches}, and cases like these {cases}: others may go otherwise.",
        "Kết luận nói về các nhánh giống {branches} nhánh này, các case giống {cases} case này: nơi khác có thể khác.",
    ),
    "limit.population": (
        "The verdict is about these {branches} branches and no others, and cases like these {cases} of them.",
        "Kết luận chỉ nói về {branches} nhánh này, không về nhánh khác, và các case giống {cases} case này của chúng.",
    ),
    "limit.unclustered": (
        "The verdict is about cases like these {cases}: others may go otherwise.",
        "Kết luận nói về các case giống {cases} case này: case khác có thể khác.",
    ),
    "limit.common": (
        "{common} of {total} are on both sides; the others are in no verdict.",
        "{common} trong {total} có ở cả hai bên; các case còn lại không được xét.",
    ),
    "limit.early": (
        "It ended after {cases} of {planned}, when the verdict was certain: its scores lean to what ended it, and say "
        "nothing of targets.",
        "Lượt chạy dừng sau {cases} trên {planned}, khi kết luận đã chắc chắn: điểm nghiêng về phía khiến nó dừng, và "
        "không nói gì về chỉ tiêu.",
    ),
    "limit.untried": ("{count} never tried ({names}).", "{count} chưa được thử ({names})."),
    "limit.uncovered": (
        "{count} of procedures (MC/DC) shown by no case that was scored.",
        "{count} (MC/DC) của quy trình chưa có case đã chấm nào thể hiện.",
    ),
    "limit.plan": (
        "Only part of the suite was run: {cases} (--limit {limit}).",
        "Chỉ chạy một phần bộ kiểm thử: {cases} (--limit {limit}).",
    ),
    "limit.greedy": (
        "Decoding was greedy, once a case: nothing is known about sampled replies.",
        "Giải mã greedy, mỗi case một lần: không biết gì về câu trả lời khi lấy mẫu.",
    ),
    "limit.once": (
        "Each case was tried once: how often the same case passes again is not known.",
        "Mỗi case chỉ thử một lần: không biết cùng case đó lần sau có đạt nữa không.",
    ),
    "limit.harder": (
        "No perturbed cases: typing errors, renamed tools and the like were not tried.",
        "Không có case gây nhiễu: chưa thử lỗi gõ, đổi tên tool và những thứ tương tự.",
    ),
    "limit.locales": ("Only in {locales}.", "Chỉ bằng {locales}."),
    "limit.redacted": (
        "Personal data is masked in what is shown here.",
        "Dữ liệu cá nhân trong nội dung hiển thị ở đây đã được che.",
    ),
    "limit.lenient": (
        "Calls were not read strictly, so malformed ones may have passed.",
        "Lời gọi không được đọc nghiêm ngặt, nên lời gọi sai định dạng có thể đã lọt qua.",
    ),
    "limit.moved": (
        "Targets moved after training began: {count}.",
        "Chỉ tiêu đã thay đổi sau khi bắt đầu huấn luyện: {count}.",
    ),
    "limit.warned": ("May have moved scores too: {what}.", "Cũng có thể làm điểm thay đổi: {what}."),
    "limit.scripted": (
        "Users follow a script and tools are simulated: real traffic was not measured.",
        "Người dùng theo kịch bản và tool là mô phỏng: chưa đo trên lưu lượng thật.",
    ),
    # What metrics mean, in the order of tables.
    "metric.success": ("everything below is right", "mọi chỉ số bên dưới đều đúng"),
    "metric.tool_name": ("the right tools, as often as needed", "gọi đúng tool, đúng số lần"),
    "metric.arguments": ("exactly the right arguments", "tham số đúng chính xác"),
    "metric.schema": ("calls valid under the schema", "lời gọi hợp lệ theo schema"),
    "metric.execution": ("the right end state, effects and facts", "trạng thái cuối, tác động và thông tin đúng"),
    "metric.path": ("every check before its action", "kiểm tra trước khi hành động"),
    "metric.restraint": ("nothing forbidden, twice or told in confidence", "không làm điều cấm, thừa hay lộ bí mật"),
    "metric.outcome": ("answered, asked or refused as demanded", "trả lời, hỏi lại hay từ chối đúng lúc"),
    "metric.format": ("well formed, house words used", "đúng định dạng, đúng từ quy ước"),
    "metric.style": ("keeps to the house's style guide", "theo đúng cẩm nang văn phong"),
    # Counted things: singular and plural are told apart in English alone, see `counted`.
    "noun.case": ("case|cases", "case"),
    "noun.rollout": ("rollout|rollouts", "lượt hội thoại"),
    "noun.branch": ("branch|branches", "nhánh"),
    "noun.epoch": ("epoch|epochs", "epoch"),
    "noun.target": ("target|targets", "chỉ tiêu"),
    "noun.obligation": ("coverage obligation|coverage obligations", "yêu cầu bao phủ"),
    "noun.try": ("try|tries", "lần thử"),
    "noun.look": ("look|looks", "lần xét"),
    "noun.run": ("run|runs", "lượt chạy"),
    "noun.more": ("more|more", "nữa"),
    "noun.cluster": ("group of similar cases|groups of similar cases", "nhóm case tương tự"),
    "point": ("{value} points", "{value} điểm %"),
    "point.one": ("{value} point", "{value} điểm %"),
    "locale.en": ("English", "tiếng Anh"),
    "locale.vi": ("Vietnamese", "tiếng Việt"),
    "and_more": ("{listed} and {count} more", "{listed} và {count} mục nữa"),
    "pending": ("not run yet", "chưa chạy"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language; `texts` are all that are known, by key."""

    language: Language
    texts: Mapping[str, tuple[str, str]] = field(default_factory=lambda: TEXTS, repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key, with these values in it.

        Raises:
            KeyError: there is no such text, or it wants another value.
        """
        return self.texts[key][self._at].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.texts

    def counted(self, number: int, noun: str) -> str:
        """So many of something: `1 case`, `1,204 cases`."""
        forms = self.texts[f"noun.{noun}"][self._at].split("|")
        return f"{self.number(number)} {forms[0] if number == 1 else forms[-1]}"

    def number(self, value: int) -> str:
        """A whole number with its thousands apart."""
        return f"{value:,}" if self.language == "en" else f"{value:,}".replace(",", ".")

    def decimal(self, value: float, digits: int) -> str:
        """A number with so many digits after the point."""
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def share(self, value: float) -> str:
        """A number in [0, 1] in percent; 100% is said of 1 alone, and 0% of 0."""
        if value in (0.0, 1.0):
            return f"{value:.0%}"
        return f"{self.decimal(100 * min(max(value, 0.001), 0.999), 1)}%"

    def level(self, value: float) -> str:
        """A level of confidence or a target in percent, with no more digits than it has: `95%`, `97.5%`."""
        shown = f"{100 * value:.4g}"
        return f"{shown if self.language == 'en' else shown.replace('.', ',')}%"

    def points(self, value: float) -> str:
        """A difference in [-1, 1] in percentage points, without its sign: `3.4 points`."""
        shown = self.decimal(100 * abs(value), 1).removesuffix(self.decimal(0.0, 1)[1:])
        return self("point.one" if shown == "1" else "point", value=shown)

    def signed(self, value: float) -> str:
        """A difference in percentage points with its sign: `+1.2`, `−0.4`, `0`."""
        shown = self.decimal(100 * abs(value), 1)
        if not shown.strip("0.,"):
            return "0"
        return f"{'+' if value > 0 else '−'}{shown}"

    def tick(self, value: float) -> str:
        """A difference in percentage points as it stands at an axis: `+2.5`, `−10`, `0`."""
        return self.signed(value).removesuffix(self.decimal(0.0, 1)[1:])

    def day(self, moment: str) -> str:
        """The day of a moment in ISO 8601: `2026-03-01`, `01/03/2026`."""
        year, month, day = moment[:10].split("-")
        return moment[:10] if self.language == "en" else f"{day}/{month}/{year}"

    def listed(self, names: list[str], most: int = 4) -> str:
        """Names with commas, the first few of them."""
        shown = ", ".join(names[:most])
        return shown if len(names) <= most else self("and_more", listed=shown, count=self.number(len(names) - most))

    def metric(self, name: str) -> str:
        """What a metric means; of one that came with a plug-in its own name says it."""
        return self(f"metric.{name}") if self.has(f"metric.{name}") else ""

    @property
    def _at(self) -> int:
        return 0 if self.language == "en" else 1
