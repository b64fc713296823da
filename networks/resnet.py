"""torchvision's ResNet-18 for images with any number of channels; the outputs are logits.

layers: [input, maxpool, layer1, layer2, layer3, layer4, avgpool, fc], network.outputs: logits
"""

from collections.abc import Sequence

from torch import nn
from torchvision.models import ResNet, resnet18


def resnet18_for(*, image_shape: Sequence[int], classes: int) -> ResNet:
    """Return a ResNet-18 with as many input channels as the images have, and random weights."""
    network = resnet18(num_classes=classes)
    first = network.conv1
    network.conv1 = nn.Conv2d(image_shape[0], first.out_channels, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
    return network
