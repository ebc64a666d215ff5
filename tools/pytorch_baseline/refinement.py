"""A click with backpropagating refinement (specification, section 5).

One `Refiner` is one object on one crop: clicks come in one by one, z and the
cached features live on between them.
"""

import time
from contextlib import contextmanager

import numpy as np
import torch
from scipy.optimize import fmin_l_bfgs_b

import clicks as encoding

MODES = ("NoBRS", "RGB-BRS", "DistMap-BRS", "f-BRS-A", "f-BRS-B", "f-BRS-C")
EVALUATIONS = 20


class Enough(Exception):
    """Raised in the objective when the fixed number of evaluations is made."""


class Parts:
    """Seconds by part of the work."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def part(self, name):
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class Refiner:
    """`image` is the normalised crop, [1, 3, height, width]; `fixed_evaluations`
    switches the ending tests off and makes exactly that many evaluations."""

    def __init__(self, network, mode, image, threshold=0.49, min_iou_diff=0.01,
                 fixed_evaluations=None):
        self.network = network
        self.mode = mode
        self.size = image.shape[2:]
        self.image = torch.cat([image, image.flip(3)])
        self.threshold = threshold
        self.min_iou_diff = min_iou_diff
        self.fixed_evaluations = fixed_evaluations
        self.on_features = mode.startswith("f-BRS")
        # Without a variable the cut lies where the rest is cheapest to name.
        self.cut = mode[-1] if self.on_features else "C"
        self.limit = {"N": None, "R": 5, "D": 5, "f": 8}[mode[0]]
        self.z = self.start()
        self.cached = None

    def start(self):
        """All variables at zero, float64, flat."""
        if self.on_features:
            return np.zeros(2 * self.network.cut_channels[self.cut])
        channels = {"RGB-BRS": 3, "DistMap-BRS": 2}.get(self.mode, 0)
        return np.zeros(channels * self.size[0] * self.size[1])

    def click(self, clicks):
        """Refines for all clicks so far. Returns the probabilities
        [1, 1, height, width] and a record of the work."""
        parts = Parts()
        begin = time.perf_counter()
        with parts.part("transforms"):
            lists = [clicks, encoding.mirrored(clicks, self.size[1])]
        refine = self.mode != "NoBRS" and len(clicks) > 1
        self.encode(lists, parts)
        losses = []
        if refine:
            logits, losses = self.optimise(lists, parts)
        else:
            with torch.no_grad(), parts.part("head_forward"):
                logits, _ = self.decode(torch.from_numpy(self.z).float())
        with parts.part("transforms"):
            both = (logits[:1] + logits[1:].flip(3)) / 2
            probabilities = torch.sigmoid(both)
        record = {
            "clicks": len(clicks),
            "evaluations": len(losses),
            "losses": losses,
            "z_norm": float(np.linalg.norm(self.z)),
            "total_s": time.perf_counter() - begin,
            "parts_s": parts.seconds,
        }
        return probabilities, record

    def encode(self, lists, parts):
        """Computes what does not depend on z, unless it is cached: from the
        limit on, further clicks do not reach the network."""
        recompute = self.limit is None or len(lists[0]) <= self.limit
        if self.cached is not None and not recompute:
            return
        with torch.no_grad():
            with parts.part("transforms"):
                points = encoding.network_points(lists, self.limit)
                maps = encoding.distance_maps(points, *self.size)
            if self.on_features or self.mode == "NoBRS":
                with parts.part("backbone"):
                    self.cached = self.network.encode(self.image, maps, self.cut)
            else:
                self.cached = (self.image, maps)

    def decode(self, z):
        """Logits [2, 1, height, width] and the regularisation, from flat z."""
        first, second = self.cached
        if self.on_features:
            scale, bias = z.view(2, 1, -1, 1, 1)
            features = (1 + scale) * first + bias
            reg = 1e-3 * ((scale**2).sum() + 10 * (bias**2).sum())
            return self.network.decode(features, second, self.cut, self.size), reg
        if self.mode == "NoBRS":
            return self.network.decode(first, second, self.cut, self.size), 0.0
        offset = z.view(1, -1, *self.size)
        offset = torch.cat([offset, offset.flip(3)])
        if self.mode == "RGB-BRS":
            logits = self.network(first + offset, second)
        else:
            logits = self.network(first, second + offset)
        return logits, 1e-3 * (offset**2).sum()

    def optimise(self, lists, parts):
        """The logits of the evaluation with the lowest loss, and all losses."""
        positive, negative = encoding.discs(lists, *self.size)
        best_loss, best_logits = np.inf, None
        previous = None
        losses = []

        def objective(z):
            nonlocal best_loss, best_logits, previous
            if self.fixed_evaluations is not None and len(losses) == self.fixed_evaluations:
                raise Enough
            started = time.perf_counter()
            variable = torch.from_numpy(z).float().requires_grad_(True)
            with parts.part("head_forward"):
                logits, reg = self.decode(variable)
            with parts.part("loss"):
                probabilities = torch.sigmoid(logits)
                loss = reg + sum(
                    (disc * miss**2).sum() / (disc.sum() + 1e-5)
                    for disc, miss in ((positive, 1 - probabilities), (negative, probabilities))
                )
                value = loss.item()
                losses.append(value)
                if value < best_loss:
                    best_loss, best_logits = value, logits.detach()
                mask = probabilities.detach() > self.threshold
                done = self.fixed_evaluations is None and self.is_done(
                    probabilities.detach(), mask, previous, positive, negative
                )
                previous = mask
            if done:
                gradient = np.zeros_like(z)
            else:
                with parts.part("head_backward"):
                    (slope,) = torch.autograd.grad(loss, variable)
                    gradient = slope.double().numpy()
            in_objective[0] += time.perf_counter() - started
            return value, gradient

        in_objective = [0.0]
        fixed = self.fixed_evaluations
        begin = time.perf_counter()
        try:
            self.z, _, _ = fmin_l_bfgs_b(
                objective,
                self.z,
                m=20,
                factr=0,
                pgtol=1e-8,
                maxfun=EVALUATIONS if fixed is None else fixed,
                maxiter=2 * (EVALUATIONS if fixed is None else fixed),
            )
            # Converged early: the missing evaluations are made where it ended.
            while fixed is not None:
                objective(self.z)
        except Enough:
            pass
        elapsed = time.perf_counter() - begin
        parts.seconds["optimiser"] = elapsed - in_objective[0]
        return best_logits, losses

    def is_done(self, probabilities, mask, previous, positive, negative):
        """Whether the clicks are satisfied or the mask has settled."""
        misses = ((1 - probabilities) * positive).max() < 1 - self.threshold
        hits = (probabilities * negative).max() < self.threshold
        if misses and hits:
            return True
        if previous is None:
            return False
        union = (mask | previous).flatten(1).sum(dim=1)
        common = (mask & previous).flatten(1).sum(dim=1)
        seen = union > 0
        return bool(seen.any()) and (common[seen] / union[seen]).mean() > 1 - self.min_iou_diff
