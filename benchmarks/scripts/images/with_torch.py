"""An epoch over the images with PyTorch: the tutorial's loops, each batch made floats."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.scripts.images.pixels import BATCH, CLASSES, FEATURES, VALIDATION, make, report

x, y = map(torch.from_numpy, make())
train = DataLoader(TensorDataset(x[:-VALIDATION], y[:-VALIDATION]), batch_size=BATCH, shuffle=True)
validation = DataLoader(TensorDataset(x[-VALIDATION:], y[-VALIDATION:]), batch_size=BATCH)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(FEATURES, 50), nn.ReLU(), nn.Linear(50, CLASSES))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for images, labels in train:
    loss = criterion(net(images.float() / 255), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
correct = 0
with torch.no_grad():
    for images, labels in validation:
        correct += int((net(images.float() / 255).argmax(1) == labels).sum())
report(correct / VALIDATION)
