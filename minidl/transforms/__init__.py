"""Transforms: batches changed at random while a net is trained on them, also known as augmentation."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.transforms.images import RandomCrop as RandomCrop
    from minidl.transforms.images import RandomErase as RandomErase
    from minidl.transforms.images import RandomFlip as RandomFlip
    from minidl.transforms.numbers import GaussianNoise as GaussianNoise
    from minidl.transforms.numbers import MixUp as MixUp
    from minidl.transforms.transform import Chain as Chain
    from minidl.transforms.transform import Transform as Transform
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "images": "RandomCrop RandomErase RandomFlip",
            "numbers": "GaussianNoise MixUp",
            "transform": "Chain Transform",
        },
    )
