// Run the network that the page holds: steps that follow one another, on one image at a time.

const shipped = runs.length === 1 ? payload.runs[0].network ?? null : null; // { reason } or { mean, std, layers, steps }

// The weights are decoded when they are first needed.
let weightsRead = null;
function readWeights() {
  weightsRead ??= Promise.all(shipped.steps.map(async (step) => {
    for (const name of ["weight", "bias"]) {
      if (step[name]) step[name] = { shape: step[name].shape, values: await unpacked(step[name]) };
    }
    if (step.weight) step.weight.byOutput = outputsLast(step.weight);
  }));
  return weightsRead;
}

// Weights (outputs, ...) with the outputs last.
function outputsLast({ shape: [out], values }) {
  const turned = new Float32Array(values.length), inner = values.length / out;
  for (let o = 0, i = 0; o < out; o++) for (let w = 0; w < inner; w++, i++) turned[w * out + o] = values[i];
  return turned;
}

function addTimes(sums, at, weights, from, number, value) {
  for (let o = 0; o < number; o++) sums[at + o] += weights[from + o] * value;
}

// Maps are { shape: [channels, height, width], values }, and what is flat has a shape [units].
const KINDS = {
  // Zeros add nothing, and after a ReLU most values are; so the sums run over the outputs, for one value after another.
  conv({ weight, bias, stride, padding }, { shape: [channels, height, width], values }) {
    const [out, , kernelHeight, kernelWidth] = weight.shape, [down, across] = stride, [top, left] = padding;
    const rows = Math.floor((height + 2 * top - kernelHeight) / down) + 1, columns = Math.floor((width + 2 * left - kernelWidth) / across) + 1;
    const sums = new Float32Array(rows * columns * out), size = rows * columns;
    for (let place = 0; place < size; place++) sums.set(bias.values, place * out);
    for (let c = 0, i = 0; c < channels; c++) {
      for (let line = 0; line < height; line++) {
        for (let column = 0; column < width; column++, i++) {
          const value = values[i];
          if (value === 0) continue;
          for (let v = 0; v < kernelHeight; v++) {
            const y = (line + top - v) / down;
            if (y < 0 || y >= rows || y !== Math.floor(y)) continue;
            for (let u = 0; u < kernelWidth; u++) {
              const x = (column + left - u) / across;
              if (x < 0 || x >= columns || x !== Math.floor(x)) continue;
              addTimes(sums, (y * columns + x) * out, weight.byOutput, ((c * kernelHeight + v) * kernelWidth + u) * out, out, value);
            }
          }
        }
      }
    }
    const result = new Float32Array(size * out);
    for (let o = 0, i = 0; o < out; o++) for (let place = 0; place < size; place++, i++) result[i] = sums[place * out + o];
    return { shape: [out, rows, columns], values: result };
  },
  linear({ weight, bias }, { values }) {
    const [out, units] = weight.shape, result = Float32Array.from(bias.values);
    for (let i = 0; i < units; i++) if (values[i] !== 0) addTimes(result, 0, weight.byOutput, i * out, out, values[i]);
    return { shape: [out], values: result };
  },
  scale({ weight, bias }, { shape, values }) {
    const size = shape[1] * shape[2];
    return { shape, values: values.map((value, i) => value * weight.values[Math.floor(i / size)] + bias.values[Math.floor(i / size)]) };
  },
  largest: (step, maps) => pooled(step, maps, -Infinity, Math.max, (value) => value),
  mean: (step, maps) => pooled(step, maps, 0, (sum, value) => sum + value, (sum) => sum / (step.size[0] * step.size[1])),
  relu: (_, { shape, values }) => ({ shape, values: values.map((value) => (value > 0 ? value : 0)) }),
  tanh: (_, { shape, values }) => ({ shape, values: values.map(Math.tanh) }),
  sigmoid: (_, { shape, values }) => ({ shape, values: values.map((value) => 1 / (1 + Math.exp(-value))) }),
  same: (_, maps) => maps,
  flatten: (_, { values }) => ({ shape: [values.length], values }),
  "log-softmax": (_, { shape, values }) => {
    const top = values.reduce((a, b) => Math.max(a, b)), sum = Math.log(values.reduce((total, value) => total + Math.exp(value - top), 0));
    return { shape, values: values.map((value) => value - top - sum) };
  },
  softmax: (_, maps) => ({ shape: maps.shape, values: KINDS["log-softmax"](null, maps).values.map(Math.exp) }),
};

function pooled({ size, stride }, { shape: [channels, height, width], values }, start, join, end) {
  const rows = Math.floor((height - size[0]) / stride[0]) + 1, columns = Math.floor((width - size[1]) / stride[1]) + 1;
  const result = new Float32Array(channels * rows * columns);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, i++) {
        let found = start;
        for (let v = 0; v < size[0]; v++) {
          const line = (c * height + y * stride[0] + v) * width + x * stride[1];
          for (let u = 0; u < size[1]; u++) found = join(found, values[line + u]);
        }
        result[i] = end(found);
      }
    }
  }
  return { shape: [channels, rows, columns], values: result };
}

// What each of the page's layers outputs for an image, pixels from 0 to 255, and the probabilities of the classes.
function runNetwork(pixels) {
  let here = { shape: [1, IMAGE_HEIGHT, IMAGE_WIDTH], values: Float32Array.from(pixels, (pixel) => (pixel / 255 - shipped.mean) / shipped.std) };
  const outputs = [here];
  for (const step of shipped.steps) outputs.push(here = KINDS[step.kind](step, here));
  return {
    layers: layerNames.map((name) => (name in shipped.layers ? outputs[shipped.layers[name] + 1] : null)),
    probabilities: here.values.map(Math.exp),
  };
}

// The pixels, 0 to 255, of a sample's image.
async function pixelsOf(row) {
  await sheetOf(row).ready;
  const canvas = new OffscreenCanvas(IMAGE_WIDTH, IMAGE_HEIGHT), context = canvas.getContext("2d", { willReadFrequently: true });
  drawImageAt(context, row, 0, 0, IMAGE_WIDTH, IMAGE_HEIGHT);
  return context.getImageData(0, 0, IMAGE_WIDTH, IMAGE_HEIGHT).data.filter((_, i) => i % 4 === 0);
}
