"""Of `minidl.kernels.embedding`."""

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.embedding import add_bags, add_rows, bag_means


def _means(draw: Draw) -> tuple[object, ...]:
    samples, places, width = draw.sizes(3)
    height, places = draw.integer(1, 50), max(places, 1)
    bags = draw.indices(samples * places, height).reshape(samples, places)
    return draw.array(height, width), bags, draw.empty(samples, width)


def _rows(draw: Draw) -> tuple[object, ...]:
    count, width = draw.sizes(2)
    height = draw.integer(1, 50)
    return draw.array(height, width), draw.indices(count, height), draw.array(count, width)


def _bags(draw: Draw) -> tuple[object, ...]:
    table, bags, out = _means(draw)
    return table, bags, draw.array(*out.shape)  # type: ignore[attr-defined]


CASES = [
    Case(bag_means, _means, ulps=0),
    Case(add_rows, _rows, ulps=0),
    # A thousand numbers may add up to one, in another order.
    Case(add_bags, _bags, ulps=1000, of_array=True),
]
