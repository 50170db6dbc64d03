"""An epoch over the images with Keras on JAX, the pixels scaled by a layer of the net."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.scripts.images.pixels import BATCH, CLASSES, FEATURES, VALIDATION, make, report

images, labels = make()
keras.utils.set_random_seed(0)
net = keras.Sequential(
    [
        keras.Input((FEATURES,), dtype="uint8"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Dense(50, activation="relu"),
        keras.layers.Dense(CLASSES),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
net.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss=loss, metrics=["accuracy"])
history = net.fit(
    images[:-VALIDATION],
    labels[:-VALIDATION],
    batch_size=BATCH,
    validation_data=(images[-VALIDATION:], labels[-VALIDATION:]),
    verbose=0,
)
report(history.history["val_accuracy"][-1])
