// Put the page together; `strata` is the interface for tests and the browser's console.

async function start() {
  makeMaps();
  drawKey();
  drawLargeMaps();
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  await spriteReady;
  const drawn = await Bokeh.embed.add_document_standalone(mapDocument, document.body, views.map((view) => view.element));
  for (const view of views) view.attach(drawn.get(view.figure));
  changed("selection");
  window.strata.ready = performance.now();
  for (const draw of panels) draw();
  themeCharts();
  await Bokeh.embed.add_document_standalone(chartDocument, document.body, charts.map((each) => each.element));
  window.strata.chartsReady = performance.now();
}

window.strata = {
  ready: null, // when the maps can be used, in milliseconds after the page's start
  chartsReady: null,
  visibleIds: () => visibleRows().map((row) => ids[row]),
  selectedIds: () => selectedRows().map((row) => ids[row]),
  // A sample's position on a map, in pixels of the window, to point at it.
  placeOf: (id, run, layer) => {
    const view = views.find((each) => each.runIndex === run && each.layerIndex === layer), row = rowOfId.get(id);
    const box = view.element.getBoundingClientRect();
    return [box.left + view.scale.x(view.xs[row]), box.top + view.scale.y(view.ys[row])];
  },
  largeMap: (run) => views.filter((view) => view.large)[run].source.data,
  select: (wanted) => select(wanted.map((id) => rowOfId.get(id))),
};
start();
