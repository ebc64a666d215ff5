"""Clicks (row, col, positive) as the networks and the loss see them (section 2)."""

import torch

RADIUS = 260.0


def distance_maps(points, height, width):
    """[batch, 2, height, width] from points [batch, 2·P, 2]: (row, col), the
    positive half first, unused slots negative."""
    rows = torch.arange(height, dtype=torch.float32).view(1, 1, -1, 1)
    cols = torch.arange(width, dtype=torch.float32).view(1, 1, 1, -1)
    row, col = (points[..., i, None, None] for i in range(2))
    squares = ((rows - row) ** 2 + (cols - col) ** 2) / RADIUS**2
    unused = (points < 0).all(dim=-1)[..., None, None]
    squares = torch.where(unused, torch.tensor(1e6), squares)
    batch, slots = points.shape[:2]
    nearest = squares.view(batch, 2, slots // 2, height, width).amin(dim=2)
    return torch.tanh(2 * nearest.sqrt())


def network_points(lists, limit=None):
    """Slots for a batch of click lists: [batch, 2·P, 2]."""
    counts = [sum(c[2] == sign for c in clicks) for clicks in lists for sign in (True, False)]
    slots = max(1, min(max(counts), limit) if limit is not None else max(counts))
    points = torch.full((len(lists), 2 * slots, 2), -1.0)
    for sample, clicks in zip(points, lists):
        for half, sign in enumerate((True, False)):
            chosen = [c[:2] for c in clicks[:limit] if c[2] == sign]
            for slot, point in enumerate(chosen):
                sample[half * slots + slot] = torch.tensor(point, dtype=torch.float32)
    return points


def mirrored(clicks, width):
    return [(row, width - 1 - col, positive) for row, col, positive in clicks]


def discs(lists, height, width):
    """Two masks [batch, 1, height, width]: 3x3 squares round the positive and
    the negative clicks, clipped to the crop."""
    masks = torch.zeros(2, len(lists), 1, height, width)
    for sample, clicks in enumerate(lists):
        for row, col, positive in clicks:
            r, c = round(row), round(col)
            masks[
                0 if positive else 1, sample, 0, max(r - 1, 0) : max(r + 2, 0), max(c - 1, 0) : max(c + 2, 0)
            ] = 1
    return masks[0], masks[1]
