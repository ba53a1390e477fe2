"""What the dashboards are put together from: frames, variables, queries and panels of one look."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PREFIX = "foundry_autoscaler_"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
DAEMON = 'job=~"$job", instance=~"$instance"'
"""Selects the daemon; job and instance are variables, nowhere written down."""
ONE = f'{DAEMON}, deployment=~"$deployment"'
"""Selects the chosen deployments of the chosen daemon."""
BOARDS = {
    "fleet": "Fleet",
    "deployment": "Deployment",
    "daemon": "Daemon",
    "cost": "Cost",
    "forecast": "Forecast",
}
RUNBOOKS = "docs/runbooks"
"""Where the runbooks are found; whoever imports a dashboard writes their own address there."""
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"
Steps = list[tuple[float | None, str]]
Panel = Builder[models.Panel]
UP_IS_GOOD: Steps = [(None, RED), (1, GREEN)]
ZERO_IS_GOOD: Steps = [(None, GREEN), (1, RED)]
BY_LIMITS = dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
WHOLE, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4
TALL, SHORT = 8, 4


def metric(name: str, *, where: str = ONE, more: str = "") -> str:
    """`name` without its prefix, selected; `more` are further matchers."""
    return f"{PREFIX}{name}{{{where}{', ' + more if more else ''}}}"


def frame(name: str, description: str) -> dashboard.Dashboard:
    """An empty dashboard with the links and variables that all of them have."""
    board = (
        dashboard.Dashboard(f"Foundry autoscaler / {BOARDS[name]}")
        .uid(f"foundry-autoscaler-{name}")
        .description(description)
        .tags(["foundry-autoscaler"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
        .link(_others())
        .link(_runbooks())
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data").type("prometheus"))
        .with_variable(variable("job", "Job", f"label_values({PREFIX}build_info, job)"))
        .with_variable(
            variable(
                "instance", "Daemon", f'label_values({PREFIX}build_info{{job=~"$job"}}, instance)'
            )
        )
    )
    runbooks = dashboard.TextBoxVariable("runbooks").label("Runbooks at").default_value(RUNBOOKS)
    return board.with_variable(runbooks).annotation(reloads())


def variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A choice of label values, everything at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def group_variable() -> dashboard.QueryVariable:
    """Which groups."""
    return variable("group", "Group", f"label_values({metric('deployments', where=DAEMON)}, group)")


def deployment_variable() -> dashboard.QueryVariable:
    """Which deployments of the chosen groups."""
    info = metric("deployment_info", where=DAEMON, more='group=~"$group"')
    return variable("deployment", "Deployment", f"label_values({info}, deployment)")


def _others() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Autoscaler dashboards")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags(["foundry-autoscaler"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _runbooks() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Alerts and runbooks")
        .type(models.DashboardLinkType.LINK)
        .url("/alerting/list?search=FoundryAutoscaler")
        .tooltip("Each alert links to its page in docs/runbooks")
    )


# --- annotations ----------------------------------------------------------------------------------


def annotation(name: str, expression: str, title: str, colour: str) -> dashboard.AnnotationQuery:
    """A mark on every time axis wherever the expression has a value."""
    made = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(colour)
    # Prometheus annotations have fields that the schema's target does not know.
    return made.expr(expression) if not title else _titled(made.expr(expression), title)


def _titled(made: dashboard.AnnotationQuery, title: str) -> dashboard.AnnotationQuery:
    built = made.build()
    plain = built.to_json

    def to_json() -> dict[str, object]:
        return {**plain(), "titleFormat": title, "step": "30s", "useValueForTime": False}

    built.to_json = to_json  # type: ignore[method-assign]  # the model has no place for it
    return made


def reloads() -> dashboard.AnnotationQuery:
    """Configuration reloads, taken over or refused."""
    total = metric("config_reloads_total", where=DAEMON)
    return annotation(
        "Reloads", f"increase({total}[$__interval]) > 0", "configuration: {{outcome}}", BLUE
    )


def decisions(colour: str = GREEN) -> dashboard.AnnotationQuery:
    """Changes of the chosen deployments, and those that the platform refused or that failed."""
    total = metric("deployment_decisions_total", more='outcome=~"applied|refused|failed"')
    return annotation(
        "Decisions", f"increase({total}[$__interval]) > 0", "{{deployment}}: {{outcome}}", colour
    )


def hands() -> dashboard.AnnotationQuery:
    """Changes that somebody else made."""
    total = metric("deployment_foreign_changes_total")
    return annotation(
        "Changes by others",
        f"increase({total}[$__interval]) > 0",
        "{{deployment}}: by hand",
        ORANGE,
    )


# --- queries and panels ---------------------------------------------------------------------------


def query(
    expression: str, legend: str = "__auto", *, exemplars: bool = False
) -> prometheus.Dataquery:
    """A range query."""
    made = prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend).range()
    return made.exemplar(True) if exemplars else made


def now(expression: str, legend: str = "__auto") -> prometheus.Dataquery:
    """An instant query, as a table's rows or as single values."""
    made = prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend)
    return made.instant().format(PromQueryFormat.TABLE)


def steps(given: Steps) -> dashboard.ThresholdsConfig:
    """Thresholds: from which value on which colour; None is everything below."""
    made = [models.Threshold(value=value, color=colour) for value, colour in given]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def lines(
    title: str,
    description: str,
    *queries: prometheus.Dataquery,
    unit: str = "short",
    span: int = HALF,
    stepped: bool = False,
    stacked: bool = False,
    limits: Steps | None = None,
) -> timeseries.Panel:
    """Lines over time with their last and highest value; `stepped` for what jumps."""
    legend = (
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.TABLE)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(span)
        .height(TALL)
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
        .fill_opacity(25 if stacked else 0)
    )
    if stepped:
        panel = panel.line_interpolation(looks.LineInterpolation.STEP_AFTER)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    if limits:
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphTresholdsStyleMode.DASHED)
        panel = panel.thresholds(steps(limits)).thresholds_style(style)
    for number, one in enumerate(queries):
        panel = panel.with_target(one.ref_id(chr(ord("A") + number)))
    return panel


def figure(
    title: str,
    description: str,
    expression: str,
    *,
    unit: str = "short",
    limits: Steps | None = None,
    span: int = SIXTH,
    runbook: str = "",
) -> stat.Panel:
    """One large number, coloured by its limits, with a link to the runbook of its alert."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(span)
        .height(SHORT)
        .color_mode(looks.BigValueColorMode.BACKGROUND if limits else looks.BigValueColorMode.VALUE)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(BY_LIMITS)
        .thresholds(steps(limits or [(None, BLUE)]))
        .with_target(query(expression).ref_id("A"))
    )
    if runbook:
        link = dashboard.DashboardLink(f"Runbook: {runbook}").type(models.DashboardLinkType.LINK)
        url = f"${{runbooks}}/FoundryAutoscaler{runbook}.md"
        panel = panel.links([link.url(url).target_blank(True)])
    return panel


def states(
    title: str, description: str, *queries: prometheus.Dataquery, span: int = HALF
) -> StateTimeline:
    """What was true when: 1 is coloured, 0 is not."""
    panel = (
        StateTimeline()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(span)
        .height(TALL)
        .color_scheme(BY_LIMITS)
        .thresholds(steps([(None, "transparent"), (1, ORANGE)]))
        .show_value(looks.VisibilityMode.NEVER)
    )
    for number, one in enumerate(queries):
        panel = panel.with_target(one.ref_id(chr(ord("A") + number)))
    return panel


def rows(
    title: str,
    description: str,
    columns: dict[str, tuple[str, str]],
    *,
    span: int = WHOLE,
    by: tuple[str, ...] = ("deployment",),
) -> table.Panel:
    """A table of one row per combination of `by`; `columns` maps headings to an expression and its unit.

    A click on a deployment opens its dashboard.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(span)
        .height(TALL)
        .show_header(True)
    )
    names = {}
    for number, (heading, (expression, _)) in enumerate(columns.items()):
        ref = chr(ord("A") + number)
        # Rows are merged by all their labels, and `__name__` would be one of them.
        row = f"max by (job, instance, {', '.join(by)}) ({expression})"
        panel = panel.with_target(now(row).ref_id(ref))
        names[f"Value #{ref}" if len(columns) > 1 else "Value"] = heading
    hidden = dict.fromkeys(("Time", "job", "instance"), True)
    panel = panel.with_transformation(_step("merge", {}))
    panel = panel.with_transformation(
        _step("organize", {"excludeByName": hidden, "renameByName": names})
    )
    for heading, (_, unit) in columns.items():
        panel = panel.override_by_name(heading, [models.DynamicConfigValue("unit", unit)])
    link = {
        "title": "Open ${__value.text}",
        "url": "/d/foundry-autoscaler-deployment?var-deployment=${__value.text}"
        "&${datasource:queryparam}&${job:queryparam}&${__url_time_range}",
    }
    return panel.override_by_name("deployment", [models.DynamicConfigValue("links", [link])])


def _step(name: str, options: dict[str, Any]) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=name, options=options)
