# %% [markdown]
# # The guided exercise: what do the hidden layers represent?
#
# A small convolutional network learned to read digits. Here you take it apart: look at the outputs of six layers, draw
# each of them as a t-SNE map, and find out where the digits come apart.
#
# Run `make repro` first: this notebook reads the files in `data/` and `reports/`, and trains nothing. Open
# [`reports/index.html`](../reports/index.html) from disk in a browser next to it. Every step has a question. Think,
# then open the answer: it is computed from your own run, so it stays true after you change `params.yaml`.

# %%
import os
import sys
from pathlib import Path

# The project's folder, whether Jupyter was started there or in docs/.
ROOT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "params.yaml").exists())
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))

import numpy as np
import pandas as pd
import torch
from IPython.display import HTML, Image, display
from torch import nn

import strata

# All files of the run, checked to belong together. If something is missing, `make repro` makes it.
run = strata.open_run(ROOT)
samples, labels, classes, layers = run.samples, run.samples.label, run.dataset.classes, list(run.layers)
print(f"{run.dataset.name}: {len(labels):,} {run.provenance.split} images in layers {', '.join(layers)}")

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How answers, figures and measures are shown.
from html import escape
from io import BytesIO


def answer(*paragraphs, table=None):
    """Show an answer that opens on a click; the texts may contain any character."""
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    rows = "" if table is None else table.to_html(border=0)
    display(HTML(f"<details><summary><b>Answer</b></summary>{text}{rows}</details>"))


def show(figure):
    """Show a figure as the report does."""
    with BytesIO() as file:
        figure.savefig(file, format="png", dpi=70)
        display(Image(file.getvalue()))


def measured(name, control="none"):
    """Return a measure's value, low and high, one row per layer; empty if it was not taken."""
    table = run.measures.table
    rows = table[(table["measure"] == name) & (table["control"] == control)].set_index("layer")
    return rows.loc[[layer for layer in layers if layer in rows.index], ["value", "low", "high"]].astype(float)


def counted(number, noun):
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# %% [markdown]
# ## 1. The network
#
# This is the network that params.yaml describes, with random weights from the run's seed: it has learned nothing yet.
#
# **Question.** Which outputs would you look at to follow an image from the pixels to the answer? Why after a ReLU or a
# pooling, and not right after a convolution?

# %%
network = run.network(trained=False)
paths = run.network_paths()
print(network)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
modules = {path: module for path, module in network.named_modules() if path and not any(module.children())}
answer(
    "The run looks at: "
    + "; ".join(f"{layer}, the output of '{path}'" for layer, path in paths.items() if path != "input")
    + (", next to the input itself." if "input" in layers else "."),
    "A convolution outputs a weighted sum, a linear step. Only the ReLU after it decides what is passed on, and that is"
    " what the next part of the network sees. A pooling discards the exact position of a stroke. After these steps"
    " something is gone for good, so this is where a representation changes.",
)

# %% [markdown]
# On the page: [The run](../reports/index.html#run) says how many parameters the network has and what it was trained on.
#
# ## 2. Its summary
#
# There is one row per module: the shape of its output for one image, and its number of parameters.
#
# **Question.** Which module has most of the parameters? And which of our layers is the widest: how many numbers does it
# output for one image?

# %%
print(strata.summary(network, run.dataset.image_shape, paths))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.


def parameter_count(module):
    """Return the number of a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


total = parameter_count(network)
heaviest = max(modules, key=lambda path: parameter_count(modules[path]))
count = parameter_count(modules[heaviest])
convolutions = [path for path, module in modules.items() if isinstance(module, nn.Conv2d)]
in_convolutions = sum(parameter_count(modules[path]) for path in convolutions)
units = {layer: run.layers[layer].units for layer in layers}
widest = max(units, key=units.get)
pixels = int(np.prod(run.dataset.image_shape))
answer(
    f"'{heaviest}' has {count:,} of {total:,} parameters, {count / total:.0%}. The convolutions"
    f" ({', '.join(convolutions) or 'none here'}) have {in_convolutions:,}, {in_convolutions / total:.0%}: a"
    " convolution uses one small kernel everywhere in the image, while a linear layer has a separate weight for every"
    " pair of an input and an output.",
    f"{widest} is the widest, with {units[widest]:,} numbers for an image of {pixels:,}. The last layer,"
    f" {layers[-1]}, has {units[layers[-1]]:,}.",
)

# %% [markdown]
# On the page: [the facts of the run](../reports/index.html#run). The same table is in `reports/network.txt`.
#
# ## 3. The state_dict, before and after loading
#
# A `state_dict` maps names to tensors: everything that training changes. The table below compares the random tensors
# with those from `data/model/mnist_cnn.pt`: their sizes, and how far each moved, as a share of its size before.
#
# **Question.** PyTorch says little when it loads weights. How can you tell that it worked? Which tensors did training
# move the most?

# %%
inputs = run.inputs()


def share_right(network):
    """Return the share of the images that a network classifies as labelled."""
    return float((run.log_probabilities(network, inputs).argmax(axis=1) == labels).mean())


before, right_before = network.state_dict(), share_right(network)
network = run.network()  # the same network, with the weights of data/model/mnist_cnn.pt
after, right_after = network.state_dict(), share_right(network)
changes = pd.DataFrame(
    {
        "shape": " × ".join(map(str, tensor.shape)),
        "size before": float(before[key].float().norm()),
        "size after": float(tensor.float().norm()),
        "moved by": float((tensor - before[key]).float().norm() / before[key].float().norm()),
    }
    for key, tensor in after.items()
).set_index(pd.Index(after))
changes.style.format({"size before": "{:.2f}", "size after": "{:.2f}", "moved by": "{:.0%}"})

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
moved = changes["moved by"][np.isfinite(changes["moved by"])]
still = [key for key in after if torch.equal(after[key], before[key])]
answer(
    f"Ask the network: with the random weights it classifies {right_before:.1%} of the {len(labels):,} images as"
    f" labelled, where guessing among {len(classes)} classes would give {1 / len(classes):.0%}; with the loaded weights"
    f" it is {right_after:.1%}. Strata also loads strictly: an extra name, a missing name or another shape is an"
    " error.",
    f"'{moved.idxmax()}' moved the most, by {moved.max():.0%} of its size, '{moved.idxmin()}' the least, by"
    f" {moved.min():.0%}.",
    f"These did not move at all: {', '.join(still)}." if still else "Every tensor moved.",
)

# %% [markdown]
# On the page: [Training](../reports/index.html#training) shows the path from the first accuracy to the second.
#
# ## 4. One sample's output
#
# Here is one image through the network. `SAMPLE` is a sample's id: try another.
#
# **Question.** Why are all numbers of the output below zero? What do they add up to? What is the network's second
# guess, and how sure is it of the first?

# %%
SAMPLE = run.params["report"]["sample_id"]
row = list(samples.sample_id).index(SAMPLE)
output = run.log_probabilities(network, inputs[row : row + 1])[0]
show(strata.draw_output(run.images()[row], output, int(labels[row]), classes, f"sample {SAMPLE}", run.dataset.grey_map))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
first, second = np.argsort(-output)[:2]
wrong = np.flatnonzero(samples.predicted != labels)
surest = wrong[np.argsort(-samples.confidence[wrong], kind="stable")[:1]]
answer(
    "They are logarithms of probabilities, and a probability is below one. They add up to"
    f" {output.sum():.1f}, which means nothing; their exponentials add up to {np.exp(output).sum():.3f}.",
    f"It answers {classes[first]} with a probability of {100 * np.exp(output[first]):.4g}%, then {classes[second]} with"
    f" {100 * np.exp(output[second]):.2g}%. The label is {classes[labels[row]]}.",
    f"Sure does not mean right: for {counted(len(wrong), 'image')} of {len(labels):,} the answer is not the label."
    + "".join(
        f" The most confident mistake is sample {samples.sample_id[mistake]}: {classes[samples.predicted[mistake]]}"
        f" with {samples.confidence[mistake]:.1%}, but the label is {classes[labels[mistake]]}."
        for mistake in surest
    ),
)

# %% [markdown]
# On the page: [the output](../reports/index.html#sample_output) and
# [the surest mistakes](../reports/index.html#misclassified). Type an id into *sample id* to find it in all maps.
#
# ## 5. The layers
#
# A hook copies what a module outputs. The run did this for every image and wrote one Parquet file per layer. Here is
# one image, and the first hidden layer that still has the form of an image, channel by channel.
#
# **Question.** What share of the numbers is zero in each layer? Why is it smaller after a pooling than before it?

# %%
activations = strata.layer_outputs(network, inputs[row : row + 1], paths)
for layer, values in activations.items():
    stored = run.activation(layer, SAMPLE)
    difference = float(np.abs(values[0].numpy() - stored).max())
    print(f"{layer:8}{' × '.join(map(str, values.shape[1:])):14}largest difference from the file: {difference:.0e}")
spatial = [layer for layer in layers if layer != "input" and len(run.layers[layer].shape) == 3]
for layer in spatial[:1]:
    show(strata.draw_channels(activations[layer][0].numpy(), f"{layer}: sample {SAMPLE}"))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
zeros, dead = measured("zero_share")["value"], measured("dead_share")["value"]
table = pd.DataFrame({"numbers": pd.Series(units), "zero": zeros, "units that never change": dead}).loc[layers]
of_hidden = zeros.drop("input", errors="ignore")
answer(
    f"{of_hidden.idxmax()} has the largest share of zeros: {of_hidden.max():.0%}. A ReLU turns every negative number"
    " into zero. A maximum over a few neighbours is zero only if all of them are, so a pooling leaves fewer."
    + (
        f" The input has {zeros['input']:.1%} zeros: its pixels were shifted to a mean of zero. {dead['input']:.1%} of"
        " them never change."
        if "input" in zeros
        else ""
    ),
    table=table.style.format({"numbers": "{:,}", "zero": "{:.0%}", "units that never change": "{:.1%}"}),
)

# %% [markdown]
# On the page: *Silence* among the charts of [What each layer knows](../reports/index.html#measures), and one sample's
# channels under *One sample through the network*.
#
# ## 6. A map of each layer, and of the input
#
# t-SNE puts samples that are neighbours in a layer next to each other on a map. Each map is turned to lie on the one
# before. What the maps start from is printed below them, and how many neighbours on a map are neighbours in the layer;
# sizes of groups mean nothing, and distances between them might not mean anything.
#
# **Question.** Where do 4 and 9 separate? Look first, then measure: of a sample's neighbours that have one of the two
# labels, what share has the sample's own?

# %%
shapes = {layer: " × ".join(map(str, run.layers[layer].shape)) for layer in layers}
points = {layer: run.map(layer).points for layer in layers}
first = run.map(layers[0]).method
method = first.title
show(strata.draw_maps(points, labels, classes, shapes, method))
recall = measured("map_recall")["value"]
print(first.start)
print(
    "Neighbours on the map that are neighbours in the layer:",
    *(f"{name} {share:.0%}" for name, share in recall.items()),
)

# %%
pairs = run.measures.pairs[run.measures.pairs["control"] == "none"]
names = run.dataset.classes
if {"4", "9"} <= set(names):
    pair = names.index("4"), names.index("9")
else:  # not digits: the two classes that are most mixed in the first layer
    mixed = pairs[(pairs["layer"] == layers[0]) & (pairs["class"] != pairs["other_class"])]
    pair = tuple(mixed.loc[mixed["separability"].idxmin(), ["class", "other_class"]].astype(int))
of_pair = np.isin(labels, pair)
ends = [layers[0], layers[-1]]
show(strata.draw_maps({layer: points[layer][of_pair] for layer in ends}, labels[of_pair], classes, shapes, method))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
chosen = pairs[(pairs["class"] == min(pair)) & (pairs["other_class"] == max(pair))].set_index("layer")
apart = chosen["separability"].reindex(layers)
APART = 0.95
parted = next((layer for depth, layer in enumerate(layers) if (apart.iloc[depth:] >= APART).all()), None)
steps = apart.diff().iloc[1:]
this, that = (classes[label] for label in pair)
answer(
    f"Call two classes separate if at least {APART:.0%} of such neighbours have the sample's own label. "
    + f"{this} and {that} "
    + (f"are separate from {parted} on ({apart[parted]:.1%})" if parted else "never separate for good in this run")
    + f"; {layers[0]} has {apart.iloc[0]:.1%}, {layers[-1]} {apart.iloc[-1]:.1%}. 50% would be fully mixed.",
    f"The largest step, {100 * steps.max():+.1f} percentage points, is from"
    f" {layers[layers.index(steps.idxmax()) - 1]} to {steps.idxmax()}.",
    "Do the maps agree? They may show a gap where the layer has none: the shares come from the full layers, not from"
    " the maps.",
    table=apart.rename_axis(None).to_frame("own neighbours").style.format("{:.1%}"),
)

# %% [markdown]
# On the page: [Which classes are apart, and where](../reports/index.html#pairs): choose the pair, and move the slider
# under [the large map](../reports/index.html#explore) from the input to the output.
#
# **Question.** Which layer has the largest intrinsic dimension: along how many directions do samples differ locally? Is
# it the layer with the most numbers? What does that mean for a two-dimensional map?

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
dimension, trust = measured("intrinsic_dimension"), measured("map_trustworthiness")["value"]
value = dimension["value"].dropna()
hidden = value.drop("input", errors="ignore")
largest, smallest = hidden.idxmax(), hidden.idxmin()
overlapping = [
    layer
    for layer in hidden.index
    if layer != largest
    and dimension.loc[layer, "high"] >= dimension.loc[largest, "low"]
    and dimension.loc[layer, "low"] <= dimension.loc[largest, "high"]
]
# Pairs of layers in which the narrower one has the larger dimension; the clearest pair comes last.
against = sorted(
    (value[narrow] - value[wide], narrow, wide)
    for narrow in value.index
    for wide in value.index
    if units[narrow] < units[wide] and value[narrow] > value[wide]
)
_, narrow, wide = against[-1] if against else (0, largest, largest)
answer(
    f"Of the hidden layers, it is {largest}: {hidden[largest]:.1f} (95% interval {dimension.loc[largest, 'low']:.1f} to"
    f" {dimension.loc[largest, 'high']:.1f}). {smallest} has the smallest, {hidden[smallest]:.1f}."
    + (f" The input has {value['input']:.1f}." if "input" in value else ""),
    f"The intervals of {', '.join(overlapping)} overlap with it, so the order of these layers is not settled."
    if overlapping
    else "No other layer's interval overlaps with it.",
    f"{largest} has {units[largest]:,} units"
    + (", the most of all. " if largest == widest else f"; {widest} has {units[widest]:,}. ")
    + (
        f"But the number of units does not decide: {wide} has {units[wide]:,} units and {value[wide]:.1f} dimensions,"
        f" {narrow} has {units[narrow]:,} and {value[narrow]:.1f}."
        if against
        else "In this run the order of the layers by units is the order by dimension."
    ),
    "Two dimensions cannot keep all neighbours of a space with more. The worst map is"
    f" {trust.idxmin()}'s, with a trustworthiness of {trust.min():.3f}; the best is {trust.idxmax()}'s, with"
    f" {trust.max():.3f}.",
    table=pd.DataFrame({"intrinsic dimension": value, "trustworthiness of the map": trust})
    .loc[layers]
    .rename_axis(None)
    .style.format({"intrinsic dimension": "{:.1f}", "trustworthiness of the map": "{:.3f}"}),
)

# %% [markdown]
# On the page: *Intrinsic dimension* in [What each layer knows](../reports/index.html#measures), beside the same network
# untrained, and [against the number of points](../reports/index.html#intrinsic_dimension).
#
# Now draw a map yourself. `PERPLEXITY` is roughly how many neighbours every point should keep: change it, or the layer.
#
# **Question.** What changes with the perplexity, and what stays? How can you tell the layer's work from t-SNE's?

# %%
LAYER, PERPLEXITY = layers[-1], 5

mine = run.new_map(LAYER, method="tsne", perplexity=PERPLEXITY)
show(strata.draw_map(mine, labels, classes, LAYER, f"perplexity {PERPLEXITY}"))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
stability = run.measures.stability
# Maps by methods other than t-SNE have no perplexity.
drawn = stability["perplexity"].map("perplexity {:g}".format, na_action="ignore").fillna(method)
agreement = stability.assign(drawn=drawn).pivot_table("knn_overlap", "layer", "drawn", sort=False).reindex(layers)
answer(
    "A small perplexity looks at few neighbours and tears groups into pieces; a large one draws them together. What is"
    " in the layer stays when perplexity and random start change; what comes and goes is t-SNE's doing.",
    f"The run drew {int(stability['points'].max()):,} points again from {int(stability['runs'].max())} random starts:"
    f" {', '.join(agreement.columns)}. The table has the share of neighbours on the map that two starts have in common."
    f" On average {agreement.mean(axis=1).idxmax()} agrees most with itself"
    f" ({agreement.mean(axis=1).max():.0%}), {agreement.mean(axis=1).idxmin()} least"
    f" ({agreement.mean(axis=1).min():.0%}).",
    table=agreement.rename_axis(index=None, columns=None).style.format("{:.0%}"),
)

# %% [markdown]
# On the page: [the same points at other perplexities](../reports/index.html#perplexity_grid).
#
# ## 7. Momentum
#
# With momentum m, a step does not follow the newest gradient alone: it keeps a share m of the previous step. Train once
# without it and compare. The notebook does not train; DVC does, in a temporary folder, so your run stays unchanged:
#
# ```sh
# dvc exp run --temp -S train.momentum=0
# make compare A=<the name that it printed> B=workspace    # both on one page
# ```
#
# **Question.** If all gradients pointed the same way, how much longer would momentum make the steps? What accuracy do
# you expect without it, at the same learning rate and after the same number of epochs?

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# The experiments in this repository.
everything = run.experiments()


def experiments_with(parameter):
    """Show this run and the experiments in which a parameter differs from params.yaml, or say how to make one."""
    matching = [experiment for experiment in everything if parameter in experiment.changes]
    if not matching:
        print(f"No experiment with another {parameter} yet: run the command above, then run this cell again.")
        return
    rows = {"this run": {"differs in": "–", **this_training}} | {
        experiment.name: {
            "differs in": ", ".join(f"{name}={value}" for name, value in experiment.changes.items()),
            **experiment.training,
        }
        for experiment in matching
    }
    columns = ["differs in", *(key for key in this_training if key.endswith(("loss", "accuracy")))]
    display(HTML(pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).to_html(border=0)))


this_training = run.training
experiments_with("train.momentum")

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
momentum, rate, epochs = (run.params["train"][key] for key in ("momentum", "lr", "epochs"))
other = 0.9 if momentum == 0 else momentum
answer(
    f"This run has a momentum of {momentum:g} and a learning rate of {rate:g}. The previous steps add up to 1 + m + m²"
    f" + … = 1 / (1 - m). With m = {other:g}, steps are {1 / (1 - other):.3g} times as long, as if the learning rate"
    f" were {rate / (1 - other):.3g}. Gradients that contradict each other cancel out.",
    f"So expect a network without momentum to learn more slowly at the same rate. This run classified"
    f" {this_training['test_accuracy']:.1%} of the test images correctly after {counted(epochs, 'epoch')}, and"
    f" {run.epochs['test_accuracy'].iloc[0]:.1%} after its first.",
    "For a fair comparison, give the other run a higher rate or more epochs. Otherwise you compare the length of the"
    " steps.",
)

# %% [markdown]
# On the page: [Training](../reports/index.html#training), for both runs on the page that `make compare` writes.
#
# ## 8. Freezing
#
# What the convolutions have learned about strokes may help with another task. Freeze them and train the rest. First run
# the control, whose convolutions keep their random weights. Then start from a copy of the digits' weights and train on
# other images (KMNIST's characters, which are downloaded):
#
# ```sh
# dvc exp run --temp -S 'train.freeze=[conv1,conv2]'
# cp data/model/mnist_cnn.pt digits.pt
# dvc exp run --temp -C digits.pt -S 'train.freeze=[conv1,conv2]' -S train.init_from=digits.pt -S dataset.name=kmnist
# ```
#
# **Question.** How many parameters are left to train with frozen convolutions? And can random convolutions be of any
# use?

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# The experiments in this repository.
experiments_with("train.freeze")

# %% jupyter={"source_hidden": true} tags=["hide-input"]
# How the answer is computed.
by_control = {
    name: measured("probe_accuracy", control)["value"]
    for name, control in {"trained": "none", "untrained": "untrained", "random projection": "random projection"}.items()
}
last = spatial[-1] if spatial else layers[-1]
before, after = by_control["untrained"].get(last, float("nan")), by_control["trained"][last]
answer(
    f"{total - in_convolutions:,} of {total:,}, {1 - in_convolutions / total:.0%}: the convolutions"
    f" ({', '.join(convolutions) or 'none here'}) have {in_convolutions:,}. Freezing saves few parameters but more"
    " time, because most of the arithmetic is in the convolutions.",
    f"They can. From {last}, the last layer that still has the form of an image, a linear classifier of all its units"
    f" reads {before:.1%} of the images in the untrained network, and {after:.1%} in the trained one:"
    f" {100 * (after - before):+.1f} percentage points. What the random network reaches is due to the architecture;"
    " only the rest was learned. So look at the control before you praise transfer, and at the errors that are left:"
    f" {1 - before:.1%} of the images are read wrongly before training, {1 - after:.1%} after.",
    table=pd.DataFrame(by_control).reindex(layers).rename_axis(None).style.format("{:.1%}", na_rep="–"),
)

# %% [markdown]
# On the page: *Linear probe* in [What each layer knows](../reports/index.html#measures), the untrained twin dashed.
#
# ## Go on
#
# - How late is a sample decided? Tick *late deciders* above [the maps](../reports/index.html#explore), and point at
#   one.
# - Shuffle the training labels (`dvc exp run --temp -S dataset.shuffle_labels=true`): which of the maps above would
#   stay the same?
# - Look at the same layers early in training: `dvc exp run --temp -S train.epochs=1`.
