"""The digits with Keras on JAX: ``python with_keras.py digits.npz``."""

import os
import sys

import numpy as np

os.environ["KERAS_BACKEND"] = "jax"

import keras

data = np.load(sys.argv[1])
x_train, x_test = ((data[name] - np.float32(8)) / 4 for name in ("x_train", "x_test"))
keras.utils.set_random_seed(0)
layers = [keras.layers.Dense(100, activation="relu"), keras.layers.Dense(10)]
net = keras.Sequential([keras.Input((64,)), *layers])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
net.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"])
net.fit(x_train, data["y_train"], batch_size=64, epochs=7, verbose=0)
print(net.evaluate(x_test, data["y_test"], batch_size=64, verbose=0)[1])
