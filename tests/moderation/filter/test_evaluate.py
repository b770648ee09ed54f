"""manage.py evaluate_filter: how good the filter is, on a file of one's own."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from moderation.filter.learner import Model
from moderation.models import Desk, Filter

SPAM = [
    ("cheap loans", "http://loans.example.com", "Great post! I have bookmarked your blog, visit my website"),
    ("best casino online", "http://casino.example.com", "Very good article, keep up the good work"),
]
HONEST = [
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
        writer.writerows([*one, "ham"] for one in HONEST)
    return path


def evaluate(capsys, *arguments) -> dict:
    call_command("evaluate_filter", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out)


def test_it_needs_no_database_for_the_starter(file, capsys):
    told = evaluate(capsys, file, "--filter", "starter")
    assert (told["rows"], told["spam"], told["ham"]) == (4, 2, 2)
    assert told["roc_auc"] == 1.0
    assert set(told["recall_at"]) == {"0.005", "0.01", "0.05"}
    assert {"precision", "recall", "f1", "seconds"} < set(told)
    assert set(told["calibration"]) == {"bins", "ece"}
    assert set(told["calibration"]["bins"][0]) == {"low", "high", "mean", "share", "weight"}


def test_for_people(file, capsys):
    call_command("evaluate_filter", str(file), "--filter", "starter")
    out = capsys.readouterr().out
    assert "4 rows with a label: 2 spam, 2 honest" in out
    assert "roc_auc      1.0000" in out
    assert "where 1.0% of the honest ones wait" in out


def test_each_row_with_its_score_and_reasons(file, tmp_path, capsys):
    evaluate(capsys, file, "--filter", "starter", "--scores", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as out:
        rows = list(csv.DictReader(out))
    assert [(row["row"], row["label"]) for row in rows] == [
        ("2", "spam"),
        ("3", "spam"),
        ("4", "ham"),
        ("5", "ham"),
    ]
    assert float(rows[0]["probability"]) > 0.5 > float(rows[2]["probability"])
    assert "name_phrase" in rows[0]["reasons"]


def test_without_a_signal_it_does_worse(file, capsys, tmp_path):
    def probability(*arguments) -> float:
        evaluate(capsys, file, "--filter", "starter", "--scores", tmp_path / "out.csv", *arguments)
        with (tmp_path / "out.csv").open(newline="") as out:
            return float(next(csv.DictReader(out))["probability"])

    assert probability("--without", "name_phrase", "--without", "site_sells") < probability()


def test_rows_without_labels_are_scored_and_not_counted(tmp_path, capsys):
    path = tmp_path / "comments.csv"
    path.write_text("body\nSomething\n")
    told = evaluate(capsys, path, "--filter", "starter", "--scores", tmp_path / "out.csv")
    assert (told["rows"], told["roc_auc"], told["calibration"]["ece"]) == (0, None, None)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


@pytest.mark.django_db
def test_what_is_in_force_is_what_is_asked(starter, file, capsys):
    timid = Model.from_bytes(bytes(starter.weights))
    timid.offset -= 20
    other = Filter.objects.create(kind=Filter.Kind.LEARNT, weights=timid.to_bytes())
    assert evaluate(capsys, file)["recall"] > 0
    assert evaluate(capsys, file, "--filter", other.pk)["recall"] == 0
    Desk.objects.update(filter=other)
    assert evaluate(capsys, file)["recall"] == 0
    Desk.objects.update(filter=None)  # it is off: then the one that comes along
    assert evaluate(capsys, file)["recall"] > 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("text\nx\n", [], "has no column “body”"),
        ("body,label\nx,maybe\n", [], "neither spam nor ham"),
        ("body\nx\n", ["--without", "nonsense"], "No such signal: nonsense"),
        ("body\nx\n", ["--filter", "999999"], "There is no version '999999' of the filter"),
        ("body\nx\n", ["--filter", "nonsense"], "There is no version 'nonsense' of the filter"),
        (None, [], "No such file"),
    ],
)
def test_what_it_can_not_do_it_says(starter, tmp_path, content, arguments, sentence):
    path = tmp_path / "comments.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("evaluate_filter", str(path), *arguments)


@pytest.mark.django_db
def test_a_version_whose_weights_are_deleted_is_not_asked(starter, file, caplog):
    emptied = Filter.objects.create(kind=Filter.Kind.LEARNT, weights=b"")
    with pytest.raises(CommandError, match=f"The weights of version {emptied.pk} are deleted"):
        call_command("evaluate_filter", file, "--filter", str(emptied.pk))
    assert caplog.records == []


@pytest.mark.django_db
def test_repeats_count_are_told_and_can_be_left_out(starter, tmp_path, capsys):
    path, out = tmp_path / "comments.csv", tmp_path / "scores.csv"
    body = "The council of the island decided that the ferry would stay moored until the spring."
    path.write_text(f"body,label\n{body},ham\n{body},ham\n")
    evaluate(capsys, path, "--filter", "starter", "--scores", str(out))
    first, second = csv.DictReader(out.open())
    assert float(second["probability"]) > float(first["probability"])
    assert "signal repeat" in second["reasons"]
    evaluate(capsys, path, "--filter", "starter", "--without", "repeat", "--scores", str(out))
    first, second = csv.DictReader(out.open())
    assert first["probability"] == second["probability"]


@pytest.mark.django_db
def test_a_version_of_another_release_is_told_as_that(starter, tmp_path):
    other = Filter.objects.create(kind=Filter.Kind.LEARNT, weights=b"of another release")
    path = tmp_path / "comments.csv"
    path.write_text("body,label\nA word,ham\n")
    with pytest.raises(CommandError, match="filter"):
        call_command("evaluate_filter", str(path), "--filter", str(other.pk))
    with pytest.raises(CommandError, match="No such file"):
        call_command("evaluate_filter", str(path), "--scores", str(tmp_path / "no" / "such.csv"))
