"""The page itself: one HTML file that carries its style, its pictures and the script that draws them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from .chart import Chart
from .content import Report
from .drift import drift
from .evaluation import judgement
from .pipeline_graph import BOX_HEIGHT, BOX_WIDTH, Graph
from .timeline import timeline
from .times import day_and_time

HERE = Path(__file__).parent
MOST_ANSWERS = 20


def write(report: Report, path: Path) -> None:
    """Write the page to `path`, replacing what is there."""
    path.write_text(render(report), encoding="utf-8")


def render(report: Report) -> str:
    """Return the page's text: the same report always gives the same one."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["moment"] = day_and_time
    monitoring = report.monitoring
    return environment.get_template("page.html.j2").render(
        report=report,
        graph=None if report.pipeline is None else Graph.of(report.pipeline),
        box=(BOX_WIDTH, BOX_HEIGHT),
        judgement=None if report.evaluation is None else judgement(report.evaluation),
        drift=None if monitoring is None else drift(monitoring),
        timeline=None if monitoring is None else timeline(monitoring),
        answers=() if report.serving is None else [*report.serving.answers][:MOST_ANSWERS],
        # These are ours or Plotly's and hold no text of a report, so they stand in the page as they are.
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - see above
        script=Markup((HERE / "page.js").read_text(encoding="utf-8")),  # noqa: S704 - see above
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - see above
    )


def _figure(chart: Chart) -> Markup:
    """Return the figure's JSON, in which `<` is written so that nothing in it can end the script element around it."""
    return Markup(chart.data)  # noqa: S704 - see above
