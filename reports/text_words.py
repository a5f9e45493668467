"""The texts that only Markdown, the terminal, the history and the adapter card have, in English and Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping

from samescore.reports.contents import Language
from samescore.reports.words import TEXTS as COMMON, Words

TEXTS: Mapping[str, tuple[str, str]] = {
    # Tables.
    "col.metric": ("metric", "chỉ số"),
    "col.score": ("score", "điểm"),
    "col.interval": ("{confidence} interval", "khoảng tin cậy {confidence}"),
    "col.between": ("between", "khoảng"),
    "col.target": ("target", "chỉ tiêu"),
    "col.floor": ("floor", "mức sàn"),
    "col.cases": ("cases", "số case"),
    "col.baseline": ("baseline", "baseline"),
    "col.before": ("before", "trước"),
    "col.after": ("after", "sau"),
    "col.change": ("change", "thay đổi"),
    "col.margin": ("margin", "biên"),
    "col.verdict": ("verdict", "kết luận"),
    "col.run": ("run", "lượt chạy"),
    "col.decision": ("decision", "quyết định"),
    "col.success": ("success", "thành công"),
    "col.branch": ("branch", "nhánh"),
    "col.right": ("right", "đúng"),
    "col.procedure": ("procedure", "quy trình"),
    "col.rollouts": ("of rollouts", "trên số lượt"),
    "col.branches": ("branches tried", "nhánh đã thử"),
    "col.obligations": ("obligations shown (MC/DC)", "yêu cầu đã thể hiện (MC/DC)"),
    "col.operator": ("made harder by", "gây nhiễu bằng"),
    "col.as_they_were": ("as they were", "khi chưa gây nhiễu"),
    "col.drop": ("drop", "mức giảm"),
    "col.broken": ("broken", "bị hỏng"),
    "col.fixed": ("fixed", "được sửa"),
    "col.locale": ("language", "ngôn ngữ"),
    "col.k": ("k", "k"),
    "col.pass_k": ("pass^k", "pass^k"),
    "col.tool": ("tool", "tool"),
    "col.expected": ("calls expected", "lời gọi mong đợi"),
    "col.made": ("made", "đã gọi"),
    "col.outcomes": ("what became of them", "kết quả"),
    "col.rule": ("rule", "quy tắc"),
    "col.state": ("verdict", "kết luận"),
    "col.found": ("broken in", "vi phạm ở"),
    "col.proves": ("what none proves", "không vi phạm chứng tỏ"),
    "rule.name.unauthorised_effect": ("unauthorised effect", "tác động không được phép"),
    "rule.name.leaked_thinking": ("leaked thinking", "lộ suy nghĩ"),
    "rule.told": ("told only", "chỉ ghi nhận"),
    "rule.broken": ("broken", "bị vi phạm"),
    "rule.kept": ("kept", "được giữ"),
    "rule.excludes": ("a rate under {rate}, no lower one", "tỷ lệ dưới {rate}, không thấp hơn"),
    "col.defect": ("malformed turn", "lượt sai định dạng"),
    "col.turns": ("turns", "lượt"),
    "col.example": ("such as in", "ví dụ"),
    "col.number": ("#", "#"),
    "col.begun": ("begun", "bắt đầu"),
    # Headings.
    "head.metrics": ("Metrics", "Chỉ số"),
    "head.broken": ("Broken", "Bị hỏng"),
    "head.fixed": ("Fixed", "Được sửa"),
    "head.failing": ("Branches that fail", "Nhánh không đạt"),
    "head.changed": ("Branches that changed", "Nhánh thay đổi"),
    "head.limits": ("What this does not cover", "Những gì chưa được xét"),
    "head.moved": ("Targets that moved", "Chỉ tiêu đã thay đổi"),
    "head.coverage": ("Coverage of procedures", "Mức bao phủ quy trình"),
    "head.operators": ("Cases made harder", "Case gây nhiễu"),
    "head.rules": ("What must never happen", "Điều không bao giờ được xảy ra"),
    "head.tools": ("Tools", "Tool"),
    "head.defects": ("Malformed turns", "Lượt sai định dạng"),
    "head.locales": ("By language", "Theo ngôn ngữ"),
    "head.pass_k": ("pass^k: all of k epochs right", "pass^k: đúng cả k epoch"),
    "head.unscored": ("Without a score", "Chưa có điểm"),
    "head.effort": ("Cost and latency", "Chi phí và độ trễ"),
    "head.provenance": ("What made this result", "Kết quả này từ đâu ra"),
    "head.evidence": ("Evidence", "Bằng chứng"),
    "moved.training": ("since training", "từ khi huấn luyện"),
    "moved.run": ("since the run began", "từ khi bắt đầu chạy"),
    "too_long": (
        "The rest is too long for this place: see the report in HTML.",
        "Phần còn lại quá dài để hiển thị ở đây: hãy xem báo cáo HTML.",
    ),
    "more": ("and {count} more", "và {count} mục nữa"),
    "open": ("open", "chưa có"),
    "between": ("{low} to {high}", "{low} … {high}"),
    "served": (
        "As served by {server}: success {success} (strict {strict}); {differ} conversations parse differently",
        "Khi phục vụ qua {server}: thành công {success} (nghiêm ngặt {strict}); {differ} hội thoại được đọc khác đi",
    ),
    "of": ("{part} of {whole}", "{part} trên {whole}"),
    "told.baseline": ("as the baseline had it", "bản của baseline"),
    "told.candidate": ("as {run} has it", "bản của {run}"),
    "told.expected": ("as it should be", "bản đúng"),
    "effort.line": (
        "{rollouts} in {turns} turns; a rollout took {p50} s, 5% of them over {p95} s",
        "{rollouts} trong {turns} lượt; mỗi lượt hội thoại mất {p50} s, 5% trong số đó trên {p95} s",
    ),
    "effort.tokens": ("{read} tokens read, {written} written", "đọc {read} token, viết {written}"),
    "effort.cost": ("{total} USD, {each} a rollout", "{total} USD, mỗi lượt hội thoại {each}"),
    "footer": (
        "samescore {version} · {suites} · evidence in {run}",
        "samescore {version} · {suites} · bằng chứng ở {run}",
    ),
    "against": ("against {baseline}", "so với {baseline}"),
    # The adapter card.
    "card.what": (
        "A LoRA adapter for {base}, trained{kind} to follow standard operating procedures with tools, evaluated by "
        "samescore.",
        "Adapter LoRA cho {base}, được huấn luyện{kind} để làm theo quy trình vận hành chuẩn với tool, đánh giá bằng "
        "samescore.",
    ),
    "card.size": ("Size", "Kích thước"),
    "card.size.value": ("{count} parameters, rank {rank}, {size}", "{count} tham số, rank {rank}, {size}"),
    "card.base": ("Base model", "Mô hình gốc"),
    "card.weights": ("weights {digest}", "trọng số {digest}"),
    "card.digest": ("Adapter weights", "Trọng số adapter"),
    "card.modules": ("Modules it changes", "Module được sửa"),
    "card.dialect": ("How calls are written", "Cách viết lời gọi"),
    "card.procedure": ("The procedure is", "Quy trình nằm"),
    "card.procedure.weights": ("in the weights: leave it out of the prompt", "trong trọng số: không đưa vào prompt"),
    "card.procedure.prompt": ("in the prompt: put it there", "trong prompt: hãy đưa vào đó"),
    "card.languages": ("Languages of its cases", "Ngôn ngữ của các case"),
    "card.details": ("The adapter", "Adapter"),
    "card.data": ("Training data", "Dữ liệu huấn luyện"),
    "card.kind": ("How it was trained", "Cách huấn luyện"),
    "card.learned": ("Learned from", "Học từ"),
    "card.count": ("Data, {name}", "Dữ liệu, {name}"),
    "card.unknown": (
        "Nothing says what this adapter was trained on: it has no passport.",
        "Không có gì cho biết adapter này được huấn luyện trên dữ liệu nào: nó không có passport.",
    ),
    "card.rewards": ("Rewards", "Phần thưởng"),
    "card.parent": ("Trained on from", "Huấn luyện tiếp từ"),
    "card.parent.value": ("adapter {digest} ({kind})", "adapter {digest} ({kind})"),
    "card.options": ("Options", "Tuỳ chọn"),
    "card.results": ("Results", "Kết quả"),
    "card.results.how": (
        "Each metric is a mean over {cases}, {epochs} each, with its interval. The floor is the best that an agent "
        "without a model gets on the same cases.",
        "Mỗi chỉ số là trung bình trên {cases}, mỗi case {epochs}, kèm khoảng tin cậy. Mức sàn là mức cao nhất mà một "
        "agent không có mô hình đạt được trên cùng các case.",
    ),
    "card.covers": ("What was tried", "Đã thử những gì"),
    "card.limits": ("Limits", "Giới hạn"),
    "card.impurities": (
        "The training signal had parts that no scorer of the evaluation has: {names}.",
        "Tín hiệu huấn luyện có phần không thuộc bộ chấm điểm nào khi đánh giá: {names}.",
    ),
    "card.differs": (
        "Otherwise than in training: {what}.",
        "Khác với khi huấn luyện: {what}.",
    ),
    "card.alone": (
        "Measured on the suites above and nothing else: other tools, other procedures and other languages were not.",
        "Chỉ đo trên các bộ kiểm thử ở trên: chưa đo với tool, quy trình hay ngôn ngữ khác.",
    ),
    "card.again": ("To measure it again", "Để đo lại"),
    # The history.
    "history.title": ("{metric} over {runs} in {folder}", "{metric} qua {runs} trong {folder}"),
    "history.legend": (
        "Each point is a run with its 95% interval. A ring marks a baseline, the dashed line the anchor, a cross a run "
        "without a score.",
        "Mỗi điểm là một lượt chạy kèm khoảng tin cậy 95%. Vòng tròn là baseline, đường nét đứt là mốc neo, dấu chéo "
        "là lượt chạy không có điểm.",
    ),
    "history.anchor": ("anchor", "mốc neo"),
    "history.vanished": ("the run has vanished", "lượt chạy không còn"),
    "history.changed": ("the run changed since it was added", "lượt chạy đã bị sửa sau khi được thêm"),
    "history.none": ("no case has {metric}", "không case nào có {metric}"),
}


def words_of(language: Language) -> Words:
    """The texts of a language, these and those of all reports."""
    return Words(language, {**COMMON, **TEXTS})
