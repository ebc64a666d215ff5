"""ResNet-DeepLabV3+ (specification, section 3.1), cut where refinement acts."""

import torch
from torch import nn

from layers import Block, click_fusion, conv_bn, resize

DEPTHS = {34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class ResNet(nn.Module):
    """Stages at strides 4, 8, 8, 8; the last two are dilated by 2 and 4."""

    def __init__(self, depth):
        super().__init__()
        deep = depth >= 50
        if deep:
            self.conv1 = nn.Sequential(
                nn.Conv2d(3, 64, 3, 2, 1, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.Conv2d(64, 64, 3, 1, 1, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.Conv2d(64, 128, 3, 1, 1, bias=False),
            )
        else:
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        inputs = 128 if deep else 64
        self.bn1 = nn.BatchNorm2d(inputs)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        settings = zip(DEPTHS[depth], (64, 128, 256, 512), (1, 2, 1, 1), (1, 1, 2, 4))
        for index, (count, planes, stride, dilation) in enumerate(settings, start=1):
            first_dilation = 2 if dilation == 4 else 1
            blocks = [Block(inputs, planes, deep, stride, first_dilation, dilation)]
            inputs = planes * (4 if deep else 1)
            blocks += [
                Block(inputs, planes, deep, 1, dilation, dilation) for _ in range(count - 1)
            ]
            setattr(self, f"layer{index}", nn.Sequential(*blocks))
        self.skip_channels = 256 if deep else 64
        self.channels = inputs

    def forward(self, x):
        """The first stage's output and the last one's."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        first = self.layer1(x)
        return first, self.layer4(self.layer3(self.layer2(first)))


class Pooled(nn.Module):
    """ASPP's branch over the whole map."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.gap = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, x):
        return self.gap(x).expand(-1, -1, *x.shape[2:])


class Aspp(nn.Module):
    def __init__(self, inputs, outputs, rates=(12, 24, 36)):
        super().__init__()
        dilated = [conv_bn(inputs, outputs, 3, 1, rate, rate) for rate in rates]
        # The parameter's published name.
        self.concurent = nn.ModuleList(
            [conv_bn(inputs, outputs), *dilated, Pooled(inputs, outputs)]
        )
        self.project = conv_bn(5 * outputs, outputs)

    def forward(self, x):
        return self.project(torch.cat([branch(x) for branch in self.concurent], dim=1))


class Skip(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.skip_project = conv_bn(inputs, 32)

    def forward(self, x):
        return self.skip_project(x)


class Separable(nn.Module):
    """Depthwise 3x3, pointwise 1x1, normalisation, ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, x):
        return self.body(x)


class DeepLabHead(nn.Module):
    def __init__(self, inputs, channels):
        super().__init__()
        self.block = nn.Sequential(
            Separable(inputs, channels), Separable(channels, channels), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x):
        return self.block(x)


class OutputHead(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.layers = nn.Sequential(
            Separable(channels, half), Separable(half, half), nn.Conv2d(half, 1, 1)
        )

    def forward(self, x):
        return self.layers(x)


class FeatureExtractor(nn.Module):
    def __init__(self, depth, channels):
        super().__init__()
        self.backbone = ResNet(depth)
        self.head = DeepLabHead(channels + 32, channels)
        self.skip_project = Skip(self.backbone.skip_channels)
        self.aspp = Aspp(self.backbone.channels, channels)


class DeepLab(nn.Module):
    """`depth` 34, 50 or 101; `channels` is deeplab_ch."""

    def __init__(self, depth, channels):
        super().__init__()
        self.rgb_conv = click_fusion()
        self.feature_extractor = FeatureExtractor(depth, channels)
        self.head = OutputHead(channels)
        backbone = self.feature_extractor.backbone
        self.cut_channels = {"A": backbone.channels, "B": channels + 32, "C": channels}

    def encode(self, image, maps, cut):
        """Everything in front of the cut: the features that the scale and the
        bias of f-BRS-A, -B or -C act on, and what else the rest needs."""
        extractor = self.feature_extractor
        fused = self.rgb_conv(torch.cat([image, maps], dim=1))
        first, last = extractor.backbone(fused)
        skip = extractor.skip_project(first)
        if cut == "A":
            return last, skip
        joined = self.join(last, skip)
        return (joined if cut == "B" else extractor.head(joined)), None

    def decode(self, features, skip, cut, size):
        """From the features at the cut to logits of this size."""
        if cut == "A":
            features = self.join(features, skip)
        if cut in "AB":
            features = self.feature_extractor.head(features)
        return resize(self.head(features), size)

    def join(self, last, skip):
        context = self.feature_extractor.aspp(last)
        return torch.cat([resize(context, skip.shape[2:]), skip], dim=1)

    def forward(self, image, maps):
        return self.decode(*self.encode(image, maps, "A"), "A", image.shape[2:])
