// One map: a Bokeh plot of the samples, with a canvas over it for what changes whenever the pointer moves.

const views = []; // all maps, the large ones first
const mapDocument = new Bokeh.Document();
const shownRows = new Bokeh.IndexFilter({ indices: null }); // shared by all maps: a filter acts on all

// Colours and positions of all small maps, in one source.
const sharedSource = new Bokeh.ColumnDataSource({ data: sharedColumns() });

function sharedColumns() {
  const columns = {};
  runs.forEach((run, r) => run.layers.forEach((layer, l) => {
    columns[`x-${r}-${l}`] = layer.x;
    columns[`y-${r}-${l}`] = layer.y;
    columns[`colour-${r}-${l}`] = coloursOf(run, layer);
  }));
  return columns;
}

// The square that contains all points, with a margin: its centre and half its side.
function squareAround(xs, ys) {
  const ends = [xs, ys].map((values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]));
  const [x, y] = ends.map(([low, high]) => (low + high) / 2);
  const half = 0.53 * Math.max(...ends.map(([low, high]) => high - low)) || 1;
  return { x, y, half };
}

function markerSize(large) {
  return (large ? 6 : 3.4) * Math.min(1.6, Math.max(0.55, (1000 / count) ** 0.22));
}

// The keys held when the pointer last moved: the event of a drawn shape does not include them.
const held = { shift: false, ctrl: false };
for (const kind of ["pointerdown", "pointermove", "pointerup"]) {
  addEventListener(kind, (event) => Object.assign(held, { shift: event.shiftKey, ctrl: event.ctrlKey || event.metaKey }), true);
}

class MapView {
  // `layerIndex` is null in a large map, whose points follow the slider; its own source has columns x, y and colour.
  constructor(element, runIndex, layerIndex) {
    this.element = element;
    this.runIndex = runIndex;
    this.run = runs[runIndex];
    this.layerIndex = layerIndex;
    this.large = layerIndex === null;
    this.overlay = document.createElement("canvas");
    this.overlay.className = "overlay";
    this.source = this.large ? new Bokeh.ColumnDataSource({ data: { x: [], y: [], colour: [] } }) : sharedSource;
    const suffix = this.large ? "" : `-${runIndex}-${layerIndex}`;
    this.square = squareAround(this.layer.x, this.layer.y);
    this.figure = this.makeFigure();
    this.figure.scatter({ field: `x${suffix}` }, { field: `y${suffix}` }, {
      source: this.source, view: new Bokeh.CDSView({ filter: shownRows }), marker: "circle", size: markerSize(this.large),
      fill_color: { field: `colour${suffix}` }, fill_alpha: 0.85, line_color: null,
    });
    mapDocument.add_root(this.figure);
    views.push(this);
  }

  // The layer whose neighbours are shown.
  get layer() {
    return this.run.layers[this.large ? shownLayer() : this.layerIndex];
  }

  get xs() {
    return this.large ? this.source.data.x : this.layer.x;
  }

  get ys() {
    return this.large ? this.source.data.y : this.layer.y;
  }

  makeFigure() {
    // Tools without renderers select nothing themselves, so that Bokeh does not redraw every map: the shape that was
    // drawn arrives as an event.
    this.tools = {
      lasso: new Bokeh.LassoSelectTool({ renderers: [], continuous: false, persistent: false }),
      box: new Bokeh.BoxSelectTool({ renderers: [], continuous: false, persistent: false }),
      pan: new Bokeh.PanTool(),
      wheel: new Bokeh.WheelZoomTool(),
    };
    const figure = new Bokeh.Plotting.figure({
      tools: Object.values(this.tools), toolbar_location: null, sizing_mode: "stretch_both", min_border: 0,
      x_range: new Bokeh.Range1d(this.ends("x")),
      y_range: new Bokeh.Range1d(this.ends("y")),
      background_fill_color: null, border_fill_color: null, outline_line_color: null, lod_threshold: null,
    });
    figure.xaxis.visible = false;
    figure.yaxis.visible = false;
    figure.xgrid.visible = false;
    figure.ygrid.visible = false;
    figure.on_event("selectiongeometry", (event) => this.selectInside(event));
    figure.on_event("tap", (event) => this.selectNearest(event));
    figure.on_event("mousemove", (event) => pointAt(this, event));
    figure.on_event("mouseleave", () => pointAt(this, null));
    return figure;
  }

  // Called once Bokeh has drawn the plot.
  attach(bokehView) {
    this.bokehView = bokehView;
    this.element.append(this.overlay);
    const redraw = () => scheduleOverlay(this);
    this.figure.connect(this.figure.x_range.change, redraw);
    this.figure.connect(this.figure.y_range.change, redraw);
    new ResizeObserver(() => setTimeout(redraw, 60)).observe(this.element);
    this.useTool(state.tool);
  }

  useTool(tool) {
    this.figure.toolbar.active_drag = this.tools[tool];
    for (const [name, model] of Object.entries(this.tools)) model.active = name === tool || (name === "wheel" && tool === "pan");
  }

  ends(axis) {
    return { start: this.square[axis] - this.square.half, end: this.square[axis] + this.square.half };
  }

  resetView() {
    this.figure.x_range.setv(this.ends("x"));
    this.figure.y_range.setv(this.ends("y"));
  }

  // A large map fits every layer, unless the reader has zoomed or moved it.
  fit(square) {
    const { x_range: x, y_range: y } = this.figure;
    const untouched = x.start === this.ends("x").start && x.end === this.ends("x").end && y.start === this.ends("y").start;
    this.square = square;
    if (untouched) this.resetView();
  }

  // Pixels of the overlay for data coordinates.
  get scale() {
    const { bbox } = this.bokehView.frame;
    const { x_range: x, y_range: y } = this.figure;
    const perX = bbox.width / (x.end - x.start), perY = bbox.height / (y.end - y.start);
    return { perX, perY, x: (value) => bbox.left + (value - x.start) * perX, y: (value) => bbox.bottom - (value - y.start) * perY };
  }

  selectInside({ geometry }) {
    const inside = geometry.type === "rect"
      ? (x, y) => x >= geometry.x0 && x <= geometry.x1 && y >= geometry.y0 && y <= geometry.y1
      : (x, y) => insidePolygon(x, y, geometry.x, geometry.y);
    const rows = [];
    const { xs, ys } = this;
    for (let row = 0; row < count; row++) if (state.visible[row] && inside(xs[row], ys[row])) rows.push(row);
    select(rows, held.shift ? "append" : held.ctrl ? "subtract" : "replace");
  }

  selectNearest({ x, y }) {
    const row = this.nearest(x, y);
    if (row !== null) select([row], held.shift ? "append" : held.ctrl ? "subtract" : "replace");
    else if (!held.shift && !held.ctrl) select([]);
  }

  // The visible sample nearest to a position, if it is within 12 pixels.
  nearest(x, y) {
    const { xs, ys } = this;
    let best = null, least = (12 / this.scale.perX) ** 2;
    for (let row = 0; row < count; row++) {
      if (!state.visible[row]) continue;
      const distance = (xs[row] - x) ** 2 + (ys[row] - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }
}

function insidePolygon(x, y, xs, ys) {
  let inside = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) inside = !inside;
  }
  return inside;
}

function makeMaps() {
  runs.forEach((_, r) => new MapView(document.querySelector(`#large-${r} .plot`), r, null));
  runs.forEach((run, r) => run.layers.forEach((_, l) => new MapView(document.querySelector(`#map-${r}-${l} .plot`), r, l)));
  for (const view of views) view.element.setAttribute("role", "img");
}

when("visible", () => {
  const all = state.visible.every(Boolean);
  shownRows.indices = all ? null : visibleRows();
});

when("colour", () => {
  sharedSource.data = sharedColumns();
  drawKey();
});
