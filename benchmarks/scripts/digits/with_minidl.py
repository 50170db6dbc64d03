"""The digits with minidl: ``python with_minidl.py digits.npz``."""

import sys

import numpy as np

import minidl

data = np.load(sys.argv[1])
train = minidl.Dataset(data["x_train"], data["y_train"])
test = minidl.Dataset(data["x_test"], data["y_test"])
net = minidl.mlp(64, [100], 10, standardize=minidl.Standardize(8, 4), rng=0)
trainer = minidl.Trainer(net, minidl.SGD(0.05, momentum=0.9, nesterov=True), rng=0)
trainer.fit(train, epochs=10, batch_size=64)
print(minidl.evaluate(net, test)[1])
