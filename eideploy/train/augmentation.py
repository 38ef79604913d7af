"""What is done to an image each time it is trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from eideploy.train.sections import AugmentSection

CUTOUT_AREA = (0.02, 0.4)
"""Share of the image that is erased, as in the paper."""


class Augmentation:
    """Crop, flip and cutout as a recipe says, drawn for each seed, epoch and index on its own.

    Args:
        section: of the recipe.
        seed: of the recipe.
        size: height and width of the images.
    """

    def __init__(self, section: AugmentSection, seed: int, size: tuple[int, int]) -> None:
        from torchvision.transforms import v2

        self._seed = seed
        self._transforms = [
            transform
            for wanted, transform in (
                (section.crop, v2.RandomCrop(size, padding=section.crop)),
                (section.flip, v2.RandomHorizontalFlip(0.5)),
                (section.cutout, v2.RandomErasing(section.cutout, scale=CUTOUT_AREA, value=0)),
            )
            if wanted
        ]

    def __call__(self, images: Tensor, visits: Sequence[tuple[int, int]]) -> Tensor:
        """Images [B, C, H, W] as they look at these visits, (epoch, index) each.

        The caller's random numbers stay as they are.
        """
        with torch.random.fork_rng(devices=[]):
            return torch.stack([self._look(*one) for one in zip(images, visits, strict=True)])

    def _look(self, image: Tensor, visit: tuple[int, int]) -> Tensor:
        state = np.random.SeedSequence((self._seed, *visit)).generate_state(1, np.uint64)
        # The generator of the CPU alone: torch.manual_seed would start those of all GPUs anew.
        torch.default_generator.manual_seed(int(state[0]))
        for transform in self._transforms:
            image = transform(image)
        return image
