"""The page's text: whole in itself, and safe whatever the data hold."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from sagewright.cli.report.content import Evaluation, Monitoring, Report
from sagewright.cli.report.page import render, write

NASTY = '</script><img src=x onerror=alert(1)> & "it\'s" <b>€</b>'
EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Outline(HTMLParser):
    """What a browser would see: the elements, those that are never closed, and the text outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.figures: list[Any] = []
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            if self.elements[-1][1].get("type") == "application/json":
                self.figures.append(json.loads(data))
        elif self.open[-1:] != ["style"]:
            self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name))]


def test_the_feature_store_has_its_groups_and_what_ids_alone_were_answered(report: Report) -> None:
    text = Outline(render(report)).text
    for expected in ("weather v1", "26,115", "as known at ordered_at: weather on city", "Asked by id alone"):
        assert expected in text


def test_the_page_needs_nothing_outside_of_itself(report: Report) -> None:
    outline = Outline(render(report))
    assert outline.open == []
    assert outline.values("src") == []
    assert {href[:1] for href in outline.values("href")} <= {"#", "d"}
    assert [href for href in outline.values("href") if href.startswith("d")] == ["data:,"]
    assert "default-src 'none'" in outline.values("content")[2]


def test_every_id_is_there_once_and_every_reference_leads_somewhere(report: Report) -> None:
    outline = Outline(render(report))
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    referred = [href[1:] for href in outline.values("href") if href.startswith("#")]
    assert {*referred, *outline.values("aria-labelledby"), *outline.values("data-chart")} <= set(ids)


def test_every_picture_has_words_and_a_table(report: Report) -> None:
    outline = Outline(render(report))
    pictures = [attributes for _, attributes in outline.elements if attributes.get("role") == "img"]
    assert len(pictures) == len(outline.figures) + 1  # and the graph
    assert all(len(attributes["aria-label"] or "") > 20 for attributes in pictures)
    assert outline.text.count("The numbers") == len(outline.figures)


def test_plotly_is_carried_once(report: Report) -> None:
    assert render(report).count("Copyright 2012-") == 1


def test_the_same_report_gives_the_same_page(report: Report, tmp_path: Path) -> None:
    write(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(report)


def test_what_is_left_out_of_the_report_is_left_out_of_the_page(only: Callable[..., Report]) -> None:
    outline = Outline(render(only()))
    assert [tag for tag, _ in outline.elements].count("section") == 0
    assert outline.figures == []


def test_texts_of_the_data_stay_texts(report: Report, monitoring: Monitoring) -> None:
    text = json.dumps([monitoring.baseline, [run.report.statistics for run in monitoring.runs if run.report]])
    baseline, statistics = json.loads(
        text.replace("colour", json.dumps(NASTY)[1:-1]).replace("blue", json.dumps(NASTY)[1:-1])
    )
    runs = [
        replace(run, note=NASTY, report=replace(run.report, statistics=statistics.pop(0)) if run.report else None)
        for run in monitoring.runs
    ]
    messages = [replace(message, subject=NASTY, text=NASTY) for message in monitoring.messages]
    nasty = replace(monitoring, baseline=baseline, runs=runs, messages=messages)
    outline = Outline(render(replace(report, project=NASTY, description=NASTY, monitoring=nasty)))
    assert [tag for tag, _ in outline.elements].count("img") == 0
    assert outline.text.count(NASTY) > 8
    assert all("<" not in json.dumps(figure["data"]) for figure in outline.figures if "weight" not in str(figure))


@pytest.mark.parametrize("count", [3, 40])
def test_a_multiclass_version_shows_which_class_is_taken_for_which(
    only: Callable[..., Report], multiclass: Callable[[int], Evaluation], count: int
) -> None:
    text = Outline(render(only(evaluation=multiclass(count)))).text
    assert "f1_macro" in text
    assert ("Commonest" in text or "commonest confusions among 40 classes" in text) == (count == 40)
    assert f"class {count - 1}" in text
    assert "There are no curves" not in text


def test_a_regression_version_shows_its_errors(only: Callable[..., Report], regression: Evaluation) -> None:
    outline = Outline(render(only(evaluation=regression)))
    assert len(outline.figures) == 2
    assert "Prediction minus truth" in str(outline.figures)
    assert "Confusion" not in outline.text
    assert re.search(r"the gate: maximum 4,000", outline.text)


def test_a_version_without_scores_says_why_there_are_no_curves(only: Callable[..., Report], binary: Evaluation) -> None:
    unscored = replace(binary, predictions=[[*row[:3], ""] for row in binary.predictions])
    outline = Outline(render(only(evaluation=unscored)))
    assert outline.figures == []
    assert "There are no curves" in outline.text
    assert "Confusion matrix" in outline.text
