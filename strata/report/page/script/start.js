// Put the page together; `strata` is the interface for tests and the browser's console.

async function start() {
  makeMaps();
  drawKey();
  drawLargeMaps();
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  if (payload.sprite) await sheetOf(0).ready;
  views.forEach((view) => view.draw());
  describeState();
  for (const draw of panels) draw();
  openAddress();
  changed("selection");
  window.strata.ready = performance.now();
  await new Promise((done) => { setTimeout(done); });
  for (const draw of panelsBelow) draw();
  window.strata.chartsReady = performance.now();
}

// While the page is printed, a map's picture is as fine as paper needs it, and how sure each finding is stands below it.
let openedForPrint = [];
addEventListener("beforeprint", () => {
  views.forEach((view) => drawPoints(view, view.canvas, 4));
  openedForPrint = [...document.querySelectorAll("#findings details:not([open])")];
  for (const each of openedForPrint) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of openedForPrint) each.open = false;
  views.forEach((view) => scheduleDraw(view));
});

window.strata = {
  ready: null, // when the maps can be used, in milliseconds after the page's start
  chartsReady: null,
  charts: chartsDrawn,
  visibleIds: () => visibleRows().map((row) => ids[row]),
  selectedIds: () => selectedRows().map((row) => ids[row]),
  // A sample's position on a map, in pixels of the window, to point at it.
  placeOf: (id, run, layer) => {
    const view = views.find((each) => each.runIndex === run && each.layerIndex === layer), row = rowOfId.get(id);
    const box = view.element.getBoundingClientRect(), { inside, scale } = view;
    return [box.left + inside.left + scale.x(view.xs[row]), box.top + inside.top + scale.y(view.ys[row])];
  },
  largeMap: (run) => {
    const view = views.filter((each) => each.large)[run];
    return { x: view.xs, y: view.ys, colour: coloursOf(view.run, view.layer) };
  },
  between: (first, second, share) => between(runs[0].layers[first], runs[0].layers[second], share),
  select: (wanted) => select(wanted.map((id) => rowOfId.get(id))),
  // What the network in the page makes of an image, pixels from 0 to 255.
  network: async (pixels) => {
    await readWeights();
    return runNetwork(pixels);
  },
  // Draw all that waits now, rather than at the next frame; the benchmark times it.
  draw: drawWaiting,
};
await start();
