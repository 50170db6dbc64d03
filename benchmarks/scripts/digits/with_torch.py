"""The digits with PyTorch: ``python with_torch.py digits.npz``."""

import sys

import numpy as np
import torch
from torch import nn

data = np.load(sys.argv[1])
x_train, x_test = (torch.from_numpy((data[name] - np.float32(8)) / 4) for name in ("x_train", "x_test"))
y_train, y_test = (torch.from_numpy(data[name]) for name in ("y_train", "y_test"))
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
for _ in range(7):
    order = torch.randperm(len(x_train))
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        loss = criterion(net(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print((net(x_test).argmax(1) == y_test).double().mean().item())
