// Measures by depth: one chart per panel of the registry, with controls or with several measures.

function measureCharts() {
  const x = layerNames.map((_, i) => i);
  const tables = runs.map((run) => rowsOf(run.measures));
  const series = (table, measure, control) => {
    const rows = layerNames.map((layer) => table.find((row) => row.layer === layer && row.measure === measure && row.control === control));
    const column = (field) => rows.map((row) => row?.[field] ?? NaN);
    if (!rows.some(Boolean)) return null;
    const bands = column("low").some(Number.isFinite) ? { low: column("low"), high: column("high") } : {};
    return { x, values: column("value"), ...bands };
  };
  for (const panel of runs[0].panels) {
    const lines = linesOf(panel).map(({ r, measure, control, look }) => {
      const found = series(tables[r], measure, control);
      return found && { ...found, colour: look.colour, dash: r ? "--" : look.dash };
    }).filter(Boolean);
    if (!lines.length) continue;
    const range = runs.length === 1 && panel.lines === "controls" ? networkRange(panel.measures[0].key) : null;
    const { area } = chart("measure-charts", panel.title, panel.axis, { names: layerNames, end: panel.end, series: lines, range });
    area.setAttribute("aria-label", panel.measures.map((measure) => spoken(measure, tables[0])).join(". "));
    area.after(panel.lines === "controls"
      ? chartNote(panel.measures[0].meaning)
      : keyOf(panel.measures.map((measure, i) => [measure.legend ?? measure.title, lookOf(i)]), false));
  }
  const key = document.getElementById("measure-key");
  key.append(keyOf(Object.values(payload.controls).map((look) => [look.title, look]), true));
  if (runs.length === 1 && runs[0].network_ranges.layer.length) {
    key.append(chartNote("Shaded: 95% intervals over samples, for this network as it is trained. Hatched: the range over networks trained from different seeds."));
  }
}

// The range of a measure over the networks that were trained from different seeds.
function networkRange(measure) {
  const rows = rowsOf(runs[0].network_ranges).filter((row) => row.measure === measure);
  const ranges = layerNames.map((layer) => rows.find((row) => row.layer === layer));
  if (!ranges.some((each) => Number.isFinite(each?.least ?? NaN))) return null;
  return { x: layerNames.map((_, i) => i), low: ranges.map((each) => each?.least ?? NaN), high: ranges.map((each) => each?.most ?? NaN) };
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

addPanel(measureCharts, true);
