"""What is to be seen on a picture."""

import numpy as np
import pytest
from scipy import ndimage

image = pytest.importorskip("matplotlib.image", reason="the extra plot is not installed")

_LEAST = 400  # pixels: more than a letter has


def drawn(path):
    """The picture's pixels (height, width, 3), on which there is something."""
    picture = image.imread(path)[..., :3]
    assert picture.std() > 0.02
    return picture


def patches(picture, chosen):
    """The colours of the areas whose pixels are `chosen` and alike, as they are read: row after row."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    areas, _ = ndimage.label(chosen(red, green, blue))
    slices = ndimage.find_objects(areas)
    found = [(part[0].start, part[1].start, number + 1) for number, part in enumerate(slices)]
    found = [each for each in found if np.count_nonzero(areas == each[2]) > _LEAST]
    return [np.median(picture[areas == number], axis=0) for _, _, number in sorted(found)]


def figures(monkeypatch, module):
    """The figures that a module of `minidl.plots` writes from now on."""
    from minidl.plots import figures

    seen = []

    def save(figure, path):
        seen.append(figure)
        figures.save_figure(figure, path)

    monkeypatch.setattr(f"minidl.plots.{module}.save_figure", save)
    return seen
