// Measures by depth: one chart per panel of the registry, with controls or with several measures.

function measureCharts() {
  const x = layerNames.map((_, i) => i);
  const tables = runs.map((run) => rowsOf(run.measures));
  const series = (table, measure, control) => {
    const rows = layerNames.map((layer) => table.find((row) => row.layer === layer && row.measure === measure && row.control === control));
    const column = (field) => rows.map((row) => row?.[field] ?? NaN);
    return rows.some(Boolean) ? { values: column("value"), low: column("low"), high: column("high") } : null;
  };
  for (const panel of runs[0].panels) {
    const { figure, element } = chart("measure-charts", panel.title, null, panel.axis, { y_range: rangeTo(panel.end) });
    figure.xaxis.ticker = new Bokeh.FixedTicker({ ticks: x });
    figure.xaxis.major_label_overrides = new Map(x.map((i) => [i, layerNames[i]]));
    if (runs.length === 1 && panel.lines === "controls") networkRange(figure, panel.measures[0].key, x);
    for (const { r, measure, control, look } of linesOf(panel)) {
      const found = series(tables[r], measure, control);
      if (found) line(figure, x, { ...found, colour: look.colour, dash: r ? "dashed" : DASHES[look.dash] });
    }
    element.setAttribute("aria-label", panel.measures.map((measure) => spoken(measure, tables[0])).join(". "));
    element.after(panel.lines === "controls"
      ? chartNote(panel.measures[0].meaning)
      : keyOf(panel.measures.map((measure, i) => [measure.legend ?? measure.title, lookOf(i)]), false));
  }
  document.getElementById("measure-key").append(keyOf(Object.values(payload.controls).map((look) => [look.title, look]), true));
  if (runs.length === 1 && runs[0].network_ranges.layer.length) {
    document.getElementById("measure-key").append(chartNote(
      "Shaded: 95% intervals over samples, for this network as it is trained. Hatched: the range over networks trained from different seeds."));
  }
}

// The range of a measure over the networks that were trained from different seeds.
function networkRange(figure, measure, x) {
  const rows = rowsOf(runs[0].network_ranges).filter((row) => row.measure === measure);
  const ranges = layerNames.map((layer) => rows.find((row) => row.layer === layer));
  const known = x.filter((i) => Number.isFinite(ranges[i]?.least ?? NaN));
  if (!known.length) return;
  figure.varea({
    x: known, y1: known.map((i) => ranges[i].least), y2: known.map((i) => ranges[i].most), fill_alpha: 0.06,
    fill_color: payload.controls.none.colour, hatch_pattern: "right_diagonal_line", hatch_color: payload.controls.none.colour,
    hatch_alpha: 0.7, hatch_scale: 6,
  });
}

// The lines of a panel: one measure with every control (the base run's controls serve both runs), or several measures of
// the trained networks.
function linesOf(panel) {
  const [trained, ...controls] = Object.keys(payload.controls);
  const first = panel.measures[0].key, networks = Array.from(runs.keys());
  if (panel.lines === "controls") {
    return [...controls.map((control) => ({ r: 0, measure: first, control, look: payload.controls[control] })),
            ...networks.map((r) => ({ r, measure: first, control: trained, look: payload.controls[trained] }))];
  }
  return networks.flatMap((r) => panel.measures.map(({ key }, i) => ({ r, measure: key, control: trained, look: lookOf(i) })));
}

// The look of one of several measures: only the colour differs, because dashes mean the second run.
function lookOf(place) {
  return { ...payload.looks[place % payload.looks.length], dash: "-" };
}

// A chart's values in words, for readers who cannot see it.
function spoken(measure, table) {
  const rows = table.filter((row) => row.measure === measure.key && row.control === "none");
  return `${measure.title}, trained network: ` + rows.map((row) => `${row.layer} ${row.value}`).join(", ");
}

addPanel(measureCharts);
