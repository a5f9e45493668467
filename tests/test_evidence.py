"""Evidence: appended whole or not at all, checked on reading, never silently wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import samescore.harness
from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, UsageError
from samescore.harness.evidence import EvidenceWriter, read_evidence
from samescore.harness.records import ErrorKind, Failure, Record, write_line
from samescore.harness.types import Call, Change, Completion, Effect, Finish, Observation, Outcome, Stop

GOLDEN = Path(__file__).parent / "data" / "evidence-v1"
SCHEMAS = Path(next(iter(samescore.harness.__path__))) / "schemas"

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # halves of characters included
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROW = st.dictionaries(TEXT, JSON_VALUE, max_size=3)
TURN = st.builds(
    Completion,
    TEXT,
    st.sampled_from(Finish),
    st.none() | st.lists(st.integers(0, 200_000), max_size=5).map(tuple),
    st.integers(0, 10_000),
    st.none() | st.just("0123456789abcdef"),
)
SEEN = st.builds(Observation, st.builds(Call, TEXT, ROW), st.sampled_from(Outcome), TEXT)


@st.composite
def finished(draw: st.DrawFn) -> Record:
    turns = draw(st.lists(st.tuples(TURN, st.lists(SEEN, max_size=2), st.none() | TEXT), max_size=3))
    return Record(
        draw(st.text(min_size=1, max_size=9)),
        "0123456789abcdef",
        draw(st.integers(0, 9)),
        draw(st.integers(0, 2**63 - 1)),
        turns=tuple(turn for turn, _, _ in turns),
        observations=tuple(tuple(seen) for _, seen, _ in turns),
        asked=tuple(("order_id",) for _ in turns),
        replies=tuple(reply for _, _, reply in turns),
        stop=draw(st.sampled_from(Stop)),
        effects=tuple(draw(st.lists(st.builds(Effect, TEXT, ROW), max_size=2))),
        changes=tuple(draw(st.lists(st.builds(Change, TEXT, TEXT, st.none() | ROW, st.none() | ROW), max_size=2))),
        start_digest="00",
        end_digest="01",
        seconds=draw(st.floats(0, 1e6)),
    )


ERROR = Record("c", "0123456789abcdef", 0, 3, error=Failure(ErrorKind.POLICY, "the server is gone"), seconds=0.5)


def record(number: int, text: str = "chào anh/chị") -> Record:
    return Record(
        f"case-{number}",
        "0123456789abcdef",
        0,
        number,
        turns=(Completion(text, token_ids=(1, 2)),),
        observations=((),),
        asked=((),),
        replies=(None,),
        stop=Stop.ANSWERED,
        seconds=0.1 + 0.2,
    )


def written(path: Path, *records: Record) -> Path:
    with EvidenceWriter(path, "resume") as writer:
        for one in records:
            writer.append(one)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(finished() | st.just(ERROR), max_size=3))
def test_what_was_written_is_read_back_exactly(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "evidence.jsonl"
    path.unlink(missing_ok=True)
    written(path, *records)
    assert [write_line(one) for one in read_evidence(path)] == [write_line(one) for one in records]
    if all("\\ud" not in write_line(one).decode() for one in records):
        assert list(read_evidence(path)) == records


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(finished())
def test_every_line_is_valid_under_the_published_schema(one: Record) -> None:
    schema = json.loads((SCHEMAS / "evidence.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for line in (write_line(one), write_line(ERROR)):
        jsonschema.validate(json.loads(line), schema, jsonschema.Draft202012Validator)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "evidence.jsonl"
    path.unlink(missing_ok=True)
    before = [record(1), record(2), ERROR]
    raw = bytearray(written(path, *before).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 2))
    raw[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    path.write_bytes(raw)
    with pytest.raises((EvidenceDamaged, ForeignEvidence), match=r"evidence\.jsonl:[123]: "):
        read_evidence(path)


def test_damage_names_file_line_and_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path / "evidence.jsonl", record(1), record(2))
    path.write_bytes(path.read_bytes().replace(b'"case-2"', b'"case-3"'))
    with pytest.raises(EvidenceDamaged, match=r"evidence\.jsonl:2: .*checksum.*delete line 2 and carry the run on"):
        read_evidence(path)


def test_a_line_that_is_of_no_case_is_said_to_be_deleted_and_no_case_to_be_run_for_it(tmp_path: Path) -> None:
    path = written(tmp_path / "evidence.jsonl", record(1))
    with path.open("a", encoding="utf-8") as file:
        file.write("x\n")
    with pytest.raises(EvidenceDamaged, match=r":2: .*delete line 2 and carry the run on: what has no record then is"):
        read_evidence(path)


def test_a_file_cut_at_any_byte_loses_only_its_last_line(tmp_path: Path) -> None:
    path = written(tmp_path / "evidence.jsonl", record(1), record(2), record(3))
    raw = path.read_bytes()
    first = len(write_line(record(1)))
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        whole = raw[:size].count(b"\n")
        assert [one.seed for one in read_evidence(path)] == [1, 2, 3][:whole]
    path.write_bytes(raw[: first + 40])
    with EvidenceWriter(path, "resume") as writer:
        assert [one.seed for one in writer.records] == [1]
        writer.append(record(2))
        writer.append(record(3))
    assert path.read_bytes() == raw


@pytest.mark.parametrize("text", ["case,score\na,1\n", '{"case": 1}\n', "\x00\x01\n", "hello", "[]\n", "\n"])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ForeignEvidence, match="not samescore evidence"):
        read_evidence(path)
    with pytest.raises(ForeignEvidence):
        EvidenceWriter(path, "resume")
    assert path.read_text(encoding="utf-8") == text


def test_a_later_format_names_the_version_that_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path / "evidence.jsonl", record(1))
    path.write_bytes(path.read_bytes().replace(b'{"v":1', b'{"v":2', 1))
    with pytest.raises(ForeignEvidence, match=r"format 2; this samescore reads up to 1\. Use the version"):
        read_evidence(path)
    (tmp_path / "run.json").write_text('{"versions": {"samescore": "7.1"}}', encoding="utf-8")
    with pytest.raises(ForeignEvidence, match=r"Use samescore 7\.1"):
        read_evidence(path)


def test_no_evidence_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No such file.*Name the directory of a run\."):
        read_evidence(tmp_path / "evidence.jsonl")


def test_evidence_that_is_there_and_cannot_be_read_is_no_wrong_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evidence.jsonl").mkdir()
    with pytest.raises(UsageError, match=r"Is a directory\. Correct that, or restore it from a copy\.$"):
        read_evidence(tmp_path / "evidence.jsonl")

    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)  # root, as whom tests may run, reads everything
    with pytest.raises(UsageError, match=r"Permission denied\. Correct the permissions: it must be readable\.$"):
        read_evidence(tmp_path / "evidence.jsonl")


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    code = "import sys; from pathlib import Path; from samescore.harness.evidence import EvidenceWriter as W; "
    with EvidenceWriter(path, "resume"):
        other = python(code + "W(Path(sys.argv[1]), 'resume')", str(path))
        assert "UsageError" in other.stderr
        assert "another samescore process is writing to this run" in other.stderr
        with pytest.raises(UsageError, match="another samescore process"):
            EvidenceWriter(path, "resume")
    assert python(code + "W(Path(sys.argv[1]), 'resume').close()", str(path)).returncode == 0


FILL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from samescore.harness.errors import EvidenceUnwritable
from samescore.harness.evidence import EvidenceWriter
from test_evidence import record
if sys.argv[3] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
writer = EvidenceWriter(Path(sys.argv[1]), "samescore eval --resume here")
try:
    for number in range(1, 2000):
        writer.append(record(number))
except EvidenceUnwritable as error:
    print(number, error)
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


def check_full(path: Path, output: str) -> None:
    """The line that did not fit is not there; those before are, and the message says how to carry on."""
    failed = int(output.split()[0])
    assert failed > 2
    assert "What was recorded before is intact" in output
    assert "samescore eval --resume here" in output
    assert [one.seed for one in read_evidence(path)] == list(range(1, failed))
    assert path.read_bytes().endswith(b"\n")


def test_a_file_that_may_not_grow_keeps_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    done = python(FILL, str(path), str(Path(__file__).parent), "2000")
    assert "File too large" in done.stdout, done.stderr
    check_full(path, done.stdout)


@contextmanager
def small_disk(where: Path) -> Iterator[Path]:
    where.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", where], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine allows no mount: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


def test_a_full_disk_keeps_its_whole_lines(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "evidence.jsonl"
        done = python(FILL, str(path), str(Path(__file__).parent), "0")
        assert "No space left on device" in done.stdout, done.stderr
        check_full(path, done.stdout)


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnwritable, match="cannot be opened for writing"):
        EvidenceWriter(tmp_path / "missing" / "evidence.jsonl", "resume")


def test_data_that_is_not_json_never_reaches_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "evidence.jsonl", record(1))
    bad: Any = Record("c", "0" * 16, 0, 1, effects=(Effect("paid", {"on": float("nan")}),))
    with EvidenceWriter(path, "resume") as writer, pytest.raises(ValueError, match="JSON compliant"):
        writer.append(bad)
    assert len(read_evidence(path)) == 1


def test_the_example_in_the_docs_is_a_line_of_version_1() -> None:
    text = (Path(__file__).parent.parent / "docs" / "evidence.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert example in [json.loads(line) for line in (GOLDEN / "evidence.jsonl").read_bytes().splitlines()]


def test_the_format_of_version_1_stays_readable_and_is_still_what_we_write() -> None:
    path = GOLDEN / "evidence.jsonl"
    records = read_evidence(path)
    assert [one.case for one in records] == ["toy/0001", "toy/0006", "toy/0003"]
    asked, refused, crashed = records
    assert asked.turns[0] == Completion("Could you share the book number?", Finish.STOP, (11, 12, 2), 5)
    assert asked.replies == ("The book number is B-1001.", None, None, None)
    assert asked.observations[1][0].content == '{"book_id": "B-1001", "fee": 4, "days_late": 1}'
    assert refused.turns[-1].text == "Rất tiếc, bên em không thể miễn khoản phí này ạ."
    assert crashed.error == Failure(ErrorKind.POLICY, "the model's server went away")
    assert b"".join(map(write_line, records)) == path.read_bytes()
