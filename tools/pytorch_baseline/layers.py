"""Pieces that both network families share."""

import torch
from torch import nn
from torch.nn import functional


def resize(x, size):
    """Bilinear, align_corners = true. x: [batch, channels, height, width]."""
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=True)


def conv_bn(inputs, outputs, size=1, stride=1, padding=0, dilation=1, bias=False, relu=True):
    """Convolution, normalisation and, if wanted, ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=bias),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


class Block(nn.Module):
    """A residual block, basic (two 3x3) or bottleneck (1x1, 3x3, 1x1).

    `previous` is the dilation of a basic block's second convolution.
    """

    def __init__(self, inputs, planes, bottleneck, stride=1, dilation=1, previous=1):
        super().__init__()
        self.bottleneck = bottleneck
        outputs = planes * (4 if bottleneck else 1)

        def spatial(channels, stride, dilation):
            return nn.Conv2d(
                channels, planes, 3, stride, dilation, dilation, bias=False
            )

        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
            self.conv2 = spatial(planes, stride, dilation)
            self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
        else:
            self.conv1 = spatial(inputs, stride, dilation)
            self.conv2 = spatial(planes, 1, previous)
        self.bn1 = nn.BatchNorm2d(planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = conv_bn(inputs, outputs, stride=stride, relu=False)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.bottleneck:
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(y + shortcut)


def click_fusion():
    """Image (3) and distance maps (2) to the backbone's input (3)."""
    return nn.Sequential(
        nn.Conv2d(5, 8, 1), nn.LeakyReLU(0.2), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 1)
    )
