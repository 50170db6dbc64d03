"""An epoch over the images with minidl."""

import minidl
from benchmarks.scripts.images.pixels import BATCH, CLASSES, FEATURES, VALIDATION, make, report

data = minidl.Dataset(*make())
train, validation = data[:-VALIDATION], data[-VALIDATION:]
standardize = minidl.Standardize.fit(train.features)
net = minidl.two_layer_net(FEATURES, 50, CLASSES, standardize=standardize, rng=0)
trainer = minidl.Trainer(net, minidl.SGD(0.01, momentum=0.9), rng=0)
history = trainer.fit(train, epochs=1, batch_size=BATCH, validation=validation)
report(history.epochs["validation_accuracy"][-1])
