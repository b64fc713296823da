"""A small Vision Transformer (Dosovitskiy et al. 2021), torchvision's, for images of any number of channels.

Its layers output tokens (n, 1 + patches, width), the class token first:
`layers: {input: input, block1: {module: encoder.layers.encoder_layer_0, take: cls}, head: heads}`.
"""

from collections.abc import Sequence

from torch import nn
from torchvision.models import VisionTransformer


def vit(
    image_shape: Sequence[int], classes: int, patch: int = 7, width: int = 64, depth: int = 4, heads: int = 4
) -> nn.Module:
    """Return the transformer for square images (C, H, H), cut into patches of `patch` pixels; it outputs logits.

    Raises ValueError if `patch` does not divide the side.
    """
    channels, height, width_of_image = image_shape
    if height != width_of_image:
        raise ValueError(f"images are {height} x {width_of_image}, not square: set dataset.image_side")
    if height % patch:
        fitting = next((side for side in range(4, height // 2 + 1) if height % side == 0), 1)
        raise ValueError(f"patch {patch} does not divide {height} pixels, as {fitting} does: set patch")
    network = VisionTransformer(height, patch, depth, heads, width, 2 * width, num_classes=classes)
    network.conv_proj = nn.Conv2d(channels, width, kernel_size=patch, stride=patch)
    return network
