"""The contract of a transform, and transforms one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from minidl.advice import shown
from minidl.checks import as_generator, check_array, check_kind
from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.types import Array, Rng


class Transform(ABC):
    """Changes whole batches at random; ``a | b`` is `a`, then `b`.

    One of your own is a class with one method, `__call__`. What is random in it comes from `rng` alone,
    so that a batch that is drawn again comes out the same. It may run on another thread than the
    training. Two of one class are equal, and train on as one, where their attributes are.

    Examples
    --------
    >>> import numpy as np
    >>> from minidl.transforms import RandomFlip, Transform
    >>> class Brightness(Transform):
    ...     def __init__(self, most):
    ...         self.most = most
    ...     def __call__(self, features, targets, rng):
    ...         factors = rng.uniform(1 - self.most, 1 + self.most, (len(features), 1, 1))
    ...         return (features * factors).astype(features.dtype), targets
    >>> RandomFlip() | Brightness(0.2)
    RandomFlip(p=0.5, axis=-1) | Brightness(most=0.2)
    """

    @abstractmethod
    def __call__(self, features: Array, targets: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """New features and targets, of the shapes and dtypes of those given.

        Parameters
        ----------
        features : ndarray, shape (N, ...), read-only
        targets : ndarray, shape (N, ...), read-only
        rng : Generator
            A seed will do where a transform of minidl's is called by hand.
        """

    def __or__(self, other: Transform) -> Chain:
        return Chain(self, other)

    def __ror__(self, other: Transform) -> Chain:
        return Chain(other, self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or vars(self).keys() != vars(other).keys():
            return False
        pairs = ((value, vars(other)[name]) for name, value in vars(self).items())
        return all(one is another or np.array_equal(one, another) for one, another in pairs)

    def __hash__(self) -> int:
        return hash(type(self))  # attributes need not be hashable

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class Chain(Transform):
    """Transforms one after the other, each with draws of its own.

    Parameters
    ----------
    *transforms : Transform
        At least one. Those of a chain among them count one by one.

    Attributes
    ----------
    transforms : tuple of Transform
    """

    def __init__(self, *transforms: Transform) -> None:
        parts: list[Transform] = []
        for transform in transforms:
            check_transform("Chain", transform)
            parts += transform.transforms if isinstance(transform, Chain) else [transform]
        if not parts:
            raise ConfigurationError.expected("Chain", "at least one transform", "none")
        self.transforms: tuple[Transform, ...] = tuple(parts)

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """What the last transform makes of what the one before made of it, and so on."""
        features, targets = check_batch("Chain", features, targets)
        generator = as_generator(rng, legacy=False)
        for transform in self.transforms:
            features, targets = apply(transform, features, targets, generator)
        return features, targets

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.transforms))


def check_transform(where: str, transform: Transform) -> Transform:
    """`transform`, or `ConfigurationError` if it is none."""
    remedy = "give one of minidl.transforms, or an object of a subclass of its Transform"
    given: object = transform
    if isinstance(given, (list, tuple)):
        remedy = "join transforms by |: RandomCrop(4) | RandomFlip()"
    elif isinstance(given, str):
        remedy = "give an object such as RandomFlip(), or minidl.recipes.augmentation('flip')"
    return check_kind(where, "transform", transform, Transform, remedy=remedy)


def check_batch(where: str, features: Array, targets: Array) -> tuple[Array, Array]:
    """Both as arrays of real numbers, with as many samples in one as in the other."""
    features = check_array(where, "features", features)
    targets = check_array(where, "targets", targets)
    if features.ndim == 0 or features.shape[:1] != targets.shape[:1]:
        expected = "features of shape (N, ...) and targets of shape (N, ...)"
        raise ShapeError.expected(where, expected, f"{features.shape} and {targets.shape}")
    return features, targets


def apply(
    transform: Transform, features: Array, targets: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """What `transform` makes of a batch, checked.

    Raises
    ------
    ShapeError, DTypeError
        It made something of another shape or dtype, or no pair of arrays.
    """
    name = type(transform).__name__
    with np.errstate(over="ignore", invalid="ignore"):  # it shows in the loss
        made = transform(_read_only(features), _read_only(targets), rng)
    if not (isinstance(made, tuple) and len(made) == 2):
        raise ShapeError.expected(name, "a pair (features, targets) from a transform", shown(made))
    for what, given, array in zip(("features", "targets"), (features, targets), made, strict=True):
        if not isinstance(array, np.ndarray):
            raise DTypeError.expected(name, f"an array of {what} from a transform", shown(array))
        if array.shape != given.shape:
            expected = f"{what} of shape {given.shape} from a transform, as before it"
            raise ShapeError.expected(name, expected, array.shape, "keep the shape")
        if array.dtype != given.dtype:
            expected = f"{what} of dtype {given.dtype} from a transform, as before it"
            remedy = f"convert them with .astype({what}.dtype)"
            raise DTypeError.expected(name, expected, array.dtype, remedy)
    return made


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
