"""Ready-made nets, and the settings and the training that suit them."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.recipes.augment import augmentation as augmentation
    from minidl.recipes.defaults import SETTINGS as SETTINGS
    from minidl.recipes.defaults import Settings as Settings
    from minidl.recipes.dense import mlp as mlp
    from minidl.recipes.dense import two_layer_net as two_layer_net
    from minidl.recipes.images import residual_conv_net as residual_conv_net
    from minidl.recipes.images import small_conv_net as small_conv_net
    from minidl.recipes.settings import settings_for as settings_for
    from minidl.recipes.tables import table_net as table_net
    from minidl.recipes.training import build_trainer as build_trainer
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "augment": "augmentation",
            "defaults": "SETTINGS Settings",
            "dense": "mlp two_layer_net",
            "images": "residual_conv_net small_conv_net",
            "settings": "settings_for",
            "tables": "table_net",
            "training": "build_trainer",
        },
    )
