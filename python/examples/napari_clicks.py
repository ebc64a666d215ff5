"""Click objects in napari: a click adds to the object, Control-click takes away from it, U takes the
last change back, F finishes the object, Escape calls off a click that takes too long.

    pip install "napari[all]==0.9.2" fbrs
    python napari_clicks.py PHOTO [WEIGHTS]

Clicks are answered on a thread of their own, so that the window never freezes, and the mask is shown
while the search for it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import napari
import numpy as np
from napari.qt.threading import thread_worker
from numpy.typing import NDArray

import fbrs

Mask = NDArray[np.uint8]


class Clicker:
    """A photo in a viewer, and the session behind it."""

    def __init__(self, viewer: napari.Viewer, photo: Mask, weights: str = "default") -> None:
        self.viewer = viewer
        self.session = fbrs.Segmenter(weights).session(photo)
        self.finished = self.session.label_mask
        self.labels = viewer.add_labels(self.finished.copy(), name="objects", opacity=0.5)
        self.is_busy = False
        viewer.mouse_drag_callbacks.append(self.press)
        viewer.bind_key("U", self.undo)
        viewer.bind_key("F", self.finish)
        viewer.bind_key("Escape", self.cancel)

    def press(self, viewer: napari.Viewer, event: Any) -> Generator[None, None, None]:
        """The button goes down; a click is what does not move until it goes up."""
        row, column = self.labels.world_to_data(event.position)[-2:]
        positive = "Control" not in event.modifiers
        yield
        while event.type == "mouse_move":
            row = -1
            yield
        height, width = self.session.shape
        if not self.is_busy and 0 <= row < height and 0 <= column < width:
            self.answer(column, row, positive)

    def answer(self, x: float, y: float, positive: bool) -> None:
        """Answers a click beside the window's thread."""
        session = self.session

        @thread_worker(ignore_errors=True)  # type: ignore[untyped-decorator, unused-ignore]
        def work() -> Generator[Mask, None, None]:
            steps = SimpleQueue[fbrs.Evaluation | None]()
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(session.click, x, y, positive, on_evaluation=steps.put)
                answer.add_done_callback(lambda _: steps.put(None))
                while (step := steps.get()) is not None:
                    yield step.prediction.mask()
                yield answer.result().mask()

        self.is_busy = True
        worker = work()
        # These run on the window's thread.
        worker.yielded.connect(self.show)
        worker.errored.connect(self.tell)
        worker.finished.connect(self.done)
        worker.start()

    def show(self, mask: Mask | None) -> None:
        """The object in hand above the finished ones."""
        labels = self.finished.copy()
        if mask is not None:
            labels[mask > 0] = self.finished.max() + 1
        self.labels.data = labels

    def show_held(self) -> None:
        """What the session has."""
        self.finished = self.session.label_mask
        prediction = self.session.prediction
        self.show(None if prediction is None else prediction.mask())

    def tell(self, error: Exception) -> None:
        """Why a click has no answer."""
        self.viewer.status = str(error)

    def done(self) -> None:
        """The next click may come."""
        self.is_busy = False
        self.show_held()

    def undo(self, viewer: napari.Viewer) -> None:
        """Takes the last change back."""
        if not self.is_busy and self.session.undo():
            self.show_held()

    def finish(self, viewer: napari.Viewer) -> None:
        """The next click begins another object."""
        if not self.is_busy and self.session.clicks:
            self.session.finish()
            self.show_held()

    def cancel(self, viewer: napari.Viewer) -> None:
        """Calls off the click that runs."""
        self.session.cancel()


def main() -> None:
    """Opens the window."""
    photo, *weights = sys.argv[1:]
    viewer = napari.Viewer(title="fbrs")
    (layer,) = viewer.open(photo)
    Clicker(viewer, layer.data, *weights)
    napari.run()


if __name__ == "__main__":
    main()
