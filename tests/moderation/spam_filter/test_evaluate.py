"""manage.py evaluate_filter: measures the filter on a CSV file."""

import csv
import json
import os
import pty
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter.classifier.model import Model

SPAM = [
    ("cheap loans", "http://loans.example.com", "Great post! I have bookmarked your blog, visit my website"),
    ("best casino online", "http://casino.example.com", "Very good article, keep up the good work"),
]
GOOD = [
    ("Ebba Norling", "", "The mayor of Lindal asked for 2 icebreakers in 2013, and got none. Why?"),
    ("Ann", "", "Thanks Ben, that worked: the helicopter comes at 07:15."),
]


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "comments.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["author", "url", "body", "label"])
        writer.writerows([*one, "spam"] for one in SPAM)
        writer.writerows([*one, "ham"] for one in GOOD)
    return path


def evaluate(capsys, *arguments) -> dict:
    call_command("evaluate_filter", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out)


def test_it_needs_no_database_for_the_starter(file, capsys):
    result = evaluate(capsys, file, "--filter", "starter")
    assert (result["rows"], result["spam"], result["ham"]) == (4, 2, 2)
    assert result["roc_auc"] == 1.0
    assert set(result["recall_at"]) == {"0.005", "0.01", "0.05"}
    assert {"precision", "recall", "f1", "seconds"} < set(result)
    assert set(result["calibration"]) == {"bins", "ece"}
    assert set(result["calibration"]["bins"][0]) == {"low", "high", "mean", "share", "weight"}


def test_the_output_has_the_metrics_in_words(file, capsys):
    call_command("evaluate_filter", str(file), "--filter", "starter")
    out = capsys.readouterr().out
    assert "4 rows with a label: 2 spam, 2 ham" in out
    assert "roc_auc      1.0000" in out
    assert "where 1.0% of the ham waits" in out
    assert "waiting      2 spam and 0 ham, on a new site" in out


def test_each_row_with_its_score_and_reasons(file, tmp_path, capsys):
    evaluate(capsys, file, "--filter", "starter", "--scores", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as out:
        rows = list(csv.DictReader(out))
    assert [(row["line"], row["label"]) for row in rows] == [
        ("2", "spam"),
        ("3", "spam"),
        ("4", "ham"),
        ("5", "ham"),
    ]
    assert float(rows[0]["probability"]) > 0.5 > float(rows[2]["probability"])
    assert "It has phrases of spam templates. +" in rows[0]["reasons"]


def test_rows_without_labels_are_scored_and_not_counted(tmp_path, capsys):
    path = tmp_path / "comments.csv"
    path.write_text("body\nSomething\n")
    call_command("evaluate_filter", path, "--json", "--filter", "starter", "--scores", tmp_path / "out.csv")
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["rows"], result["unlabelled"], result["roc_auc"]) == (0, 1, None)
    assert result["calibration"]["ece"] is None
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2
    assert err == (
        "Nothing can be measured because there is no column “label” besides “body”. "
        "The rows are only scored.\n"
    )
    path.write_text("body,label\nSomething,\n")
    call_command("evaluate_filter", path, "--filter", "starter")
    out, err = capsys.readouterr()
    assert err == "Nothing can be measured because no row has a label. The rows are only scored.\n"
    assert "1 row without a label, scored only" in out
    path.write_text("body,label\n")
    call_command("evaluate_filter", path, "--filter", "starter")
    assert capsys.readouterr().err == f"{path} has no rows after the header.\n"


def test_a_header_with_spaces_is_labelled(file, capsys):
    file.write_text(file.read_text().replace("body,label", "body, label "))
    result = evaluate(capsys, file, "--filter", "starter")
    assert (result["rows"], result["unlabelled"], result["roc_auc"]) == (4, 0, 1.0)


def test_another_encoding_is_named(file, capsys):
    file.write_bytes(file.read_text().replace("Ebba Norling", "Ébba Nörling").encode("cp1252"))
    with pytest.raises(
        CommandError, match=r"Line 4 of .*: the byte C9 is not valid utf-8\. .*--encoding cp1252"
    ):
        call_command("evaluate_filter", file, "--filter", "starter")
    assert evaluate(capsys, file, "--filter", "starter", "--encoding", "cp1252")["roc_auc"] == 1.0


def test_an_error_in_the_last_line_is_reported_before_anything_is_written(file, tmp_path):
    with file.open("a") as out:
        out.write('Ann,,"It is open,ham\n')
    with pytest.raises(CommandError, match=r"Line 6 of .*: the quote that opens here is not closed before"):
        call_command("evaluate_filter", file, "--filter", "starter", "--scores", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_progress_is_shown_on_standard_error(file, capsys):
    call_command("evaluate_filter", file, "--filter", "starter", "--json", "--progress")
    out, err = capsys.readouterr()
    assert err.splitlines() == ["4 rows read", "4 of 4 rows scored (100%)"]
    assert json.loads(out)["rows"] == 4
    call_command("evaluate_filter", file, "--filter", "starter")
    assert capsys.readouterr().err == ""


def test_on_a_terminal_progress_is_one_line(file):
    """The standard error of the command's process is a terminal, its standard output is a pipe."""
    terminal, stderr = pty.openpty()
    argv = [sys.executable, "manage.py", "evaluate_filter", str(file), "--filter", "starter", "--json"]
    done = subprocess.run(argv, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=stderr, check=True)
    os.close(stderr)
    progress = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert progress.split("\r")[1:] == ["4 rows read", "4 of 4 rows scored (100%)", "\n"]
    assert json.loads(done.stdout)["rows"] == 4


def test_a_pipe_is_read_once(file, capsys):
    """The shell gives a pipe for <(zcat comments.csv.gz)."""
    reading, writing = os.pipe()
    os.write(writing, file.read_bytes())
    os.close(writing)
    assert evaluate(capsys, f"/dev/fd/{reading}", "--filter", "starter")["rows"] == 4
    os.close(reading)


def test_memory_does_not_grow_with_the_file(tmp_path, capsys):
    """The peak of Python's memory grows by 9 bytes a row; here are three times as many rows."""

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        text = "".join(f"{n} The ferry of the island number {n} {'went ' * 40},ham\n" for n in range(count))
        path.write_text(f"body,label\n{text}")
        tracemalloc.start()
        assert evaluate(capsys, path, "--filter", "starter")["rows"] == count
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(200)  # fills caches that stay
    few, many = peak(600), peak(1_800)
    assert many < 1.3 * few


@pytest.mark.django_db
def test_the_active_version_is_the_default(starter, file, capsys):
    timid = Model.from_bytes(bytes(starter.weights))
    timid.offset -= 20
    other = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=timid.to_bytes())
    assert evaluate(capsys, file)["recall"] > 0
    assert evaluate(capsys, file, "--filter", other.pk)["recall"] == 0
    ModerationSettings.objects.update(filter=other)
    assert evaluate(capsys, file)["recall"] == 0
    ModerationSettings.objects.update(filter=None)  # switched off: then the starter is measured
    assert evaluate(capsys, file)["recall"] > 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("text\nx\n", [], "has no column “body”"),
        ("body,label\nx,maybe\n", [], "must be spam or ham"),
        ("body\nx\n", ["--filter", "999999"], "There is no version '999999' of the filter"),
        ("body\nx\n", ["--filter", "nonsense"], "There is no version 'nonsense' of the filter"),
        (None, [], "comments.csv: No such file or directory."),
    ],
)
def test_errors_are_reported(starter, tmp_path, content, arguments, sentence):
    path = tmp_path / "comments.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("evaluate_filter", str(path), *arguments)


@pytest.mark.django_db
def test_a_version_with_deleted_weights_is_refused(starter, file, caplog):
    emptied = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"")
    with pytest.raises(CommandError, match=f"The weights of version {emptied.pk} are deleted"):
        call_command("evaluate_filter", file, "--filter", str(emptied.pk))
    assert caplog.records == []


@pytest.mark.django_db
def test_a_version_of_another_release_is_reported(starter, tmp_path):
    other = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"of another release")
    path = tmp_path / "comments.csv"
    path.write_text("body,label\nA word,ham\n")
    with pytest.raises(CommandError, match="filter"):
        call_command("evaluate_filter", str(path), "--filter", str(other.pk))
    with pytest.raises(CommandError, match="No such file"):
        call_command("evaluate_filter", str(path), "--scores", str(tmp_path / "no" / "such.csv"))
