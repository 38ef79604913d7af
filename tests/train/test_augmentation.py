"""Crop, flip and cutout."""

from __future__ import annotations

import torch
from torch import Tensor

from eideploy.train.augmentation import Augmentation
from eideploy.train.sections import AugmentSection

SIZE = (8, 10)
# Every pixel another, and none is 0.
IMAGE = torch.arange(1, 81, dtype=torch.uint8).reshape(1, *SIZE).expand(3, *SIZE)
VISITS = [(epoch, index) for epoch in range(10) for index in range(40)]


def looks(seed: int = 0, **section: float) -> Tensor:
    """What becomes of an image at many visits, [visit, channel, row, column]."""
    augmentation = Augmentation(AugmentSection(**section), seed, SIZE)
    return augmentation(IMAGE.expand(len(VISITS), *IMAGE.shape), VISITS)


def test_a_crop_moves_the_image_and_fills_with_zeros() -> None:
    shifts = set()
    for image in looks(crop=2):
        assert torch.equal(image[0], image[1])
        padded = torch.nn.functional.pad(IMAGE, (2, 2, 2, 2))
        found = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if torch.equal(image, padded[:, row : row + 8, column : column + 10])
        ]
        assert len(found) == 1
        shifts.add(found[0])
    # 400 draws of 25 places.
    assert len(shifts) == 25


def test_a_flip_mirrors_every_second_image() -> None:
    mirrored = 0
    for image in looks(flip=True):
        flipped = torch.equal(image, IMAGE.flip(-1))
        assert flipped or torch.equal(image, IMAGE)
        mirrored += flipped
    # Three standard deviations of 400 coins.
    assert abs(mirrored - 200) <= 30


def test_a_cutout_erases_a_rectangle_of_2_to_40_percent() -> None:
    erased = 0
    for image in looks(cutout=0.5):
        gone = image[0] == 0
        assert torch.equal(image[:, ~gone], IMAGE[:, ~gone])
        if gone.any():
            rows, columns = gone.any(dim=1).sum(), gone.any(dim=0).sum()
            assert gone.sum() == rows * columns
            # Sides are whole pixels, so the area may leave the range by rounding.
            assert 0.01 <= gone.float().mean() <= 0.45
            erased += 1
    assert abs(erased - 200) <= 30


def test_seed_epoch_and_index_each_make_another_image() -> None:
    everything = {"crop": 2, "flip": True, "cutout": 0.5}
    first = looks(**everything)
    assert torch.equal(first, looks(**everything))
    changed = (first != looks(seed=1, **everything)).flatten(1).any(dim=1)
    # 25 places times 2 sides: by chance one in 50 is equal.
    assert changed.float().mean() > 0.95
    by_epoch = first.reshape(10, 40, -1)
    assert (by_epoch[1:] != by_epoch[:-1]).any(dim=2).float().mean() > 0.95
    assert (by_epoch[:, 1:] != by_epoch[:, :-1]).any(dim=2).float().mean() > 0.95


def test_a_visit_alone_looks_as_among_others() -> None:
    augmentation = Augmentation(AugmentSection(crop=2, cutout=1.0), 0, SIZE)
    alone = augmentation(IMAGE[None], [VISITS[77]])
    assert torch.equal(alone[0], looks(crop=2, cutout=1.0)[77])
