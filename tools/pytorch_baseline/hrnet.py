"""HRNetV2-OCR (specification, section 3.2), the attention written in full."""

import torch
from torch import nn

from layers import Block, click_fusion, conv_bn, resize


class Fusion(nn.Module):
    """One row of a module's fusion: all branches at the resolution of one."""

    def __init__(self, widths, target):
        super().__init__()
        self.target = target
        self.paths = nn.ModuleDict()
        for source, width in enumerate(widths):
            if source > target:
                self.paths[str(source)] = conv_bn(width, widths[target], relu=False)
            elif source < target:
                steps = target - source
                self.paths[str(source)] = nn.Sequential(*[
                    conv_bn(width, widths[target] if last else width, 3, 2, 1, relu=not last)
                    for last in (step == steps - 1 for step in range(steps))
                ])

    def forward(self, branches):
        size = branches[self.target].shape[2:]
        total = 0
        for source, x in enumerate(branches):
            if source != self.target:
                x = self.paths[str(source)](x)
            if source > self.target:
                x = resize(x, size)
            total = total + x
        return torch.relu(total)


class Exchange(nn.Module):
    """One module: residual blocks in every branch, then the fusion."""

    def __init__(self, widths, depth):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*[Block(w, w, False) for _ in range(depth)]) for w in widths
        )
        # The paths lie directly under the row's number in published names.
        self.rows = [Fusion(widths, target) for target in range(len(widths))]
        self.fuse_layers = nn.ModuleList(row.paths for row in self.rows)

    def forward(self, xs):
        xs = [branch(x) for branch, x in zip(self.branches, xs)]
        return [row(xs) for row in self.rows]


class Stage(nn.Sequential):
    def __init__(self, widths, modules, depth):
        super().__init__(*[Exchange(widths, depth) for _ in range(modules)])


class Gather(nn.Module):
    """Features averaged under the softmax of each class's logits over pixels."""

    def forward(self, features, logits):
        weights = torch.softmax(logits.flatten(2), dim=2)
        context = weights @ features.flatten(2).transpose(1, 2)
        return context.transpose(1, 2).unsqueeze(3)


def key_layer(inputs, outputs, twice):
    def pair(inputs):
        conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        return conv, nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())

    return nn.Sequential(*pair(inputs), *(pair(outputs) if twice else ()))


class Attention(nn.Module):
    """Every pixel asks the classes' context vectors."""

    def __init__(self, channels, keys):
        super().__init__()
        self.keys = keys
        self.f_pixel = key_layer(channels, keys, twice=True)
        self.f_object = key_layer(channels, keys, twice=True)
        self.f_down = key_layer(channels, keys, twice=False)
        self.f_up = key_layer(keys, channels, twice=False)

    def forward(self, x, context):
        query = self.f_pixel(x).flatten(2).transpose(1, 2)
        key = self.f_object(context).flatten(2)
        value = self.f_down(context).flatten(2).transpose(1, 2)
        share = torch.softmax(query @ key * self.keys**-0.5, dim=2)
        attended = (share @ value).transpose(1, 2)
        return self.f_up(attended.reshape(x.shape[0], self.keys, *x.shape[2:]))


class Distribute(nn.Module):
    def __init__(self, channels, keys):
        super().__init__()
        self.object_context_block = Attention(channels, keys)
        self.conv_bn_dropout = key_layer(2 * channels, channels, twice=False)

    def forward(self, x, context):
        attended = self.object_context_block(x, context)
        return self.conv_bn_dropout(torch.cat([attended, x], dim=1))


class HighResolution(nn.Module):
    def __init__(self, width, ocr_width, small):
        super().__init__()
        widths = [width << branch for branch in range(4)]
        depth = 2 if small else 4
        modules = (1, 3, 2) if small else (1, 4, 3)
        self.conv1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        bottlenecks = [Block(64 if i == 0 else 256, 64, True) for i in range(depth)]
        self.layer1 = nn.Sequential(*bottlenecks)

        def new_branch(inputs, outputs):
            return nn.Sequential(conv_bn(inputs, outputs, 3, 2, 1))

        self.transition1 = nn.ModuleList(
            [conv_bn(256, widths[0], 3, 1, 1), new_branch(256, widths[1])]
        )
        self.stage2 = Stage(widths[:2], modules[0], depth)
        self.transition2 = nn.ModuleDict({"2": new_branch(widths[1], widths[2])})
        self.stage3 = Stage(widths[:3], modules[1], depth)
        self.transition3 = nn.ModuleDict({"3": new_branch(widths[2], widths[3])})
        self.stage4 = Stage(widths, modules[2], depth)

        features, ocr = 15 * width, 2 * ocr_width
        self.conv3x3_ocr = conv_bn(features, ocr, 3, 1, 1, bias=True)
        self.ocr_gather_head = Gather()
        self.ocr_distri_head = Distribute(ocr, ocr_width)
        self.cls_head = nn.Conv2d(ocr, 1, 1)
        self.aux_head = nn.Sequential(
            *conv_bn(features, features, bias=True), nn.Conv2d(features, 1, 1)
        )

    def features(self, x, in_stem=None):
        """The four branches together: 15 widths of channels at stride 4."""
        x = torch.relu(self.bn1(self.conv1(x)))
        if in_stem is not None:
            x = x + in_stem
        x = self.layer1(torch.relu(self.bn2(self.conv2(x))))
        xs = self.stage2([layer(x) for layer in self.transition1])
        xs = self.stage3([*xs, self.transition2["2"](xs[-1])])
        xs = self.stage4([*xs, self.transition3["3"](xs[-1])])
        return torch.cat([xs[0], *[resize(x, xs[0].shape[2:]) for x in xs[1:]]], dim=1)

    def ocr(self, features):
        """OCR's output: 2k channels."""
        regions = self.aux_head(features)
        pixels = self.conv3x3_ocr(features)
        return self.ocr_distri_head(pixels, self.ocr_gather_head(pixels, regions))


class HrNet(nn.Module):
    """`width` w, `ocr_width` k."""

    def __init__(self, width, ocr_width, small=False):
        super().__init__()
        self.rgb_conv = click_fusion()
        self.feature_extractor = HighResolution(width, ocr_width, small)
        self.cut_channels = {"A": 15 * width, "B": 15 * width, "C": 2 * ocr_width}

    def encode(self, image, maps, cut):
        """The features at the cut of f-BRS-A, -B (the same here) or -C."""
        fused = self.rgb_conv(torch.cat([image, maps], dim=1))
        features = self.feature_extractor.features(fused)
        return (self.feature_extractor.ocr(features) if cut == "C" else features), None

    def decode(self, features, _, cut, size):
        """From the features at the cut to logits of this size."""
        if cut != "C":
            features = self.feature_extractor.ocr(features)
        return resize(self.feature_extractor.cls_head(features), size)

    def forward(self, image, maps):
        return self.decode(*self.encode(image, maps, "B"), "B", image.shape[2:])


class Scale(nn.Module):
    """Times the absolute value of one number."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, x):
        return x * self.scale.abs()


class GuidedHrNet(nn.Module):
    """RITM: previous mask and click maps join the stem."""

    def __init__(self, width, ocr_width, small=False):
        super().__init__()
        self.maps_transform = nn.Sequential(
            nn.Conv2d(3, 16, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 64, 3, 2, 1), Scale()
        )
        self.feature_extractor = HighResolution(width, ocr_width, small)

    def forward(self, image, maps, mask=None):
        if mask is None:
            mask = torch.zeros_like(maps[:, :1])
        in_stem = self.maps_transform(torch.cat([mask, maps], dim=1))
        network = self.feature_extractor
        features = network.features(image, in_stem)
        return resize(network.cls_head(network.ocr(features)), image.shape[2:])
