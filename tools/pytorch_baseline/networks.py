"""The published networks of f-BRS and three of RITM's by name, ready for inference."""

import torch

import formula
from deeplab import DeepLab
from hrnet import GuidedHrNet, HrNet

NETWORKS = {
    "resnet34_dh128": lambda: DeepLab(34, 128),
    "resnet50_dh128": lambda: DeepLab(50, 128),
    "resnet101_dh256": lambda: DeepLab(101, 256),
    "hrnet18s_ocr64": lambda: HrNet(18, 64, small=True),
    "hrnet18_ocr64": lambda: HrNet(18, 64),
    "hrnet32_ocr128": lambda: HrNet(32, 128),
    "hrnet48_ocr128": lambda: HrNet(48, 128),
    "hrnet18s_ocr48_itermask": lambda: GuidedHrNet(18, 48, small=True),
    "hrnet18_ocr64_itermask": lambda: GuidedHrNet(18, 64),
    "hrnet32_ocr128_itermask": lambda: GuidedHrNet(32, 128),
}


def load(name, checkpoint=None):
    """A network with a checkpoint's parameters, or with the formula's."""
    network = NETWORKS[name]()
    if checkpoint is None:
        state = formula.state_dict(network)
    else:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)
        state = {key.removeprefix("module."): value for key, value in state.items()}
        state.pop("aspp_dropout", None)
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)
