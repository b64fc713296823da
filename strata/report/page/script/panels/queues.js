// Queues for people's work: samples that somebody should look at, the most urgent first, each with why it is there.

const LONGEST = 500;
const lastHidden = Math.max(0, layerNames.length - 2);

const QUEUES = {
  labels: {
    needs: ["mistakes", "neighbours"], title: "mislabelled?",
    has: (run) => (row) => isWrong(run, row) && run.layers[lastHidden].vote[row] === run.predicted[row],
    order: (run) => (row) => -run.confidence[row],
    why: (run, row) => `labelled ${classes[labels[row]]}; the network (${percent(run.confidence[row])}) and its neighbours at ${layerNames[lastHidden]} say ${className(run.predicted[row])}`,
    short: (run, row) => `${classes[labels[row]]} → ${className(run.predicted[row])}`,
  },
  mistakes: {
    needs: ["mistakes"], title: "surest mistakes",
    has: (run) => (row) => isWrong(run, row), order: (run) => (row) => -run.confidence[row],
    why: (run, row) => `${percent(run.confidence[row])} sure of ${className(run.predicted[row])}, but labelled ${classes[labels[row]]}`,
    short: (run, row) => `${classes[labels[row]]} → ${className(run.predicted[row])}`,
  },
  late: {
    needs: ["decisions"], title: "late deciders",
    has: (run) => (row) => run.late[row] === 1, order: (run) => (row) => -10 * run.commit[row] - (run.flips?.[row] ?? 0),
    why: (run, row) => `commits ${run.commit[row] < layerNames.length ? "at " : ""}${commitName(run.commit[row])}${run.flips ? `, after ${run.flips[row]} change${run.flips[row] === 1 ? "" : "s"} of the vote` : ""}`,
    short: (run, row) => commitName(run.commit[row]),
  },
  trust: {
    needs: ["trust"], title: "lowest trust",
    has: (run) => { const { false_neighbours: wrong } = run.layers[shownLayer()]; return (row) => wrong[row] >= 0.5; },
    order: (run) => { const { false_neighbours: wrong } = run.layers[shownLayer()]; return (row) => -wrong[row]; },
    why: (run, row) => `${percent(run.layers[shownLayer()].false_neighbours[row])} of its nearest on the map of ${layerNames[shownLayer()]} are false`,
    short: (run, row) => percent(run.layers[shownLayer()].false_neighbours[row]),
  },
};
let queue = null; // the key of the queue that is open

function hasQueue(name) {
  return Object.hasOwn(QUEUES, name) && QUEUES[name].needs.every((each) => known[each]);
}

function queueRows(name) {
  const run = runs.at(-1), { has, order } = QUEUES[name], urgent = order(run);
  return visibleRows().filter(has(run)).sort((a, b) => urgent(a) - urgent(b) || a - b);
}

function openQueue(name) {
  queue = queue === name ? null : name;
  select([]);
  drawInspector();
}

function leaveQueue() {
  queue = null;
}

function drawQueueButtons() {
  for (const button of document.querySelectorAll("#queues button")) {
    const has = QUEUES[button.dataset.queue].has(runs.at(-1));
    let number = 0;
    for (let row = 0; row < count; row++) if (state.visible[row] && has(row)) number++;
    button.lastElementChild.textContent = number.toLocaleString("en");
    button.setAttribute("aria-pressed", String(queue === button.dataset.queue));
  }
}

function makeQueues() {
  const place = document.getElementById("queues");
  for (const [name, { title }] of Object.entries(QUEUES)) {
    if (!hasQueue(name)) continue;
    const button = document.createElement("button"), number = document.createElement("span");
    button.type = "button";
    button.dataset.queue = name;
    button.append(`${title} `, number);
    button.addEventListener("click", () => openQueue(name));
    place.append(button);
  }
  place.hidden = !place.children.length;
  drawQueueButtons();
}

addPanel(makeQueues);

let queuesWait = 0;
when("layer", () => {
  clearTimeout(queuesWait);
  queuesWait = setTimeout(drawQueueButtons, 60);
});
