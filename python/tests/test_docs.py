"""What is shown works: examples in docstrings and in the guide, the notebook."""

from __future__ import annotations

import ast
import base64
import doctest
import inspect
import re
from pathlib import Path
from types import ModuleType

import nbclient
import nbformat
import PIL.Image
import pytest
from conftest import ROOT

import fbrs
import fbrs_predict

PYTHON = ROOT / "python"


@pytest.mark.parametrize(
    ("module", "least"), [(fbrs, 40), (fbrs._errors, 2), (fbrs_predict, 6)]
)
def test_examples_in_docstrings(module: ModuleType, least: int) -> None:
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.failures == 0
    assert runner.tries >= least


def test_every_class_and_function_has_a_docstring_and_a_signature() -> None:
    for name in fbrs.__all__:
        thing = getattr(fbrs, name)
        if name == "__version__":
            continue
        assert thing.__doc__, name
        for method, value in vars(thing).items() if inspect.isclass(thing) else ():
            if not method.startswith("_") and callable(value):
                assert value.__doc__, f"{name}.{method}"
                inspect.signature(value)


def test_the_examples_in_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PYTHON / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    photo = ROOT / "tests" / "golden" / "photos" / "000000000030.jpg"
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert (tmp_path / "mask.png").is_file()


def test_the_notebook_runs_and_shows_pictures(tmp_path: Path) -> None:
    path = PYTHON / "examples" / "notebook.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    client.execute()
    data = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [one["image/png"] for one in data if "image/png" in one]
    assert len(pictures) >= 2
    for index, picture in enumerate(pictures):
        file = tmp_path / f"{index}.png"
        file.write_bytes(base64.b64decode(picture))
        with PIL.Image.open(file) as image:
            assert max(image.size) <= 800


def test_the_example_for_napari_is_python() -> None:
    tree = ast.parse((PYTHON / "examples" / "napari_clicks.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
