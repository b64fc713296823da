// The learning curves, and the measures of weights kept in training.

function trainingCharts() {
  if (!runs.some((run) => run.epochs.epoch?.length)) {
    document.getElementById("training-charts").textContent = "Nothing was trained, and there is nothing to test the network on.";
    return;
  }
  for (const [name, label] of [["loss", "negative log-likelihood (nats)"], ["accuracy", "accuracy"]]) {
    if (!runs.every((run) => run.epochs[`test_${name}`]?.some(Number.isFinite))) continue;
    const series = runs.flatMap((run, r) => {
      const dash = r ? "--" : "-", batches = run.batches[`train_${name}`] ?? [];
      return [{ x: run.batches.epoch ?? [], values: batches, colour: "#8a8f98", dash, dots: 0 },
              { x: run.epochs.epoch, values: run.epochs[`test_${name}`], colour: "#e76300", dash }];
    });
    const { area } = chart("training-charts", capital(name), label, { xLabel: "epoch", log: name === "loss", series });
    const last = runs.map((run) => run.epochs[`test_${name}`].at(-1) ?? "not known");
    area.setAttribute("aria-label", `${capital(name)} by epoch; on test images at the end: ${last.join(" and ")}`);
    area.after(chartNote(runs.some((run) => run.batches.epoch?.length)
      ? `grey: training batches, while the weights changed; orange: test images, after each epoch (at the end ${last.join(" and ")})`
      : `nothing was trained; on test images: ${last.join(" and ")}`));
  }
}

// Each layer's measures by epochs trained, if weights were kept.
function overTrainingCharts() {
  if (!timeNames.length) return;
  const rows = rowsOf(runs[0].over_training);
  const looks = layerNames.map((_, i) => ({ colour: payload.scale[Math.round((0.9 * i * (payload.scale.length - 1)) / Math.max(1, layerNames.length - 1))], dash: "-" }));
  for (const { title, axis, end, measure } of runs[0].over_training_charts) {
    const series = layerNames.map((layer, i) => {
      const found = rows.filter((row) => row.layer === layer && row.measure === measure).sort((a, b) => a.epochs - b.epochs);
      const column = (field) => found.map((row) => row[field] ?? NaN);
      const bands = column("low").some(Number.isFinite) ? { low: column("low"), high: column("high") } : {};
      return { x: column("epochs"), values: column("value"), ...bands, ...looks[i] };
    });
    const { area } = chart("over-training", title, axis, { xLabel: "epochs trained", end, series });
    const last = rows.filter((row) => row.measure === measure && row.epochs === rows.at(-1).epochs);
    area.setAttribute("aria-label", `${title} by epochs trained; at the end: ${last.map((row) => `${row.layer} ${row.value}`).join(", ")}`);
  }
  document.getElementById("over-training-key").append(keyOf(layerNames.map((layer, i) => [layer, looks[i]]), false));
}

addPanel(trainingCharts, true);
addPanel(overTrainingCharts, true);
