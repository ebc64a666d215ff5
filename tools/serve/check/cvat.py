"""cvat/: cvat.py PATH/TO/fbrs FOLDER. Where the wheel is not installed, a stub takes its place."""

import base64
import importlib.util
import io
import json
import logging
import os
import sys
from pathlib import Path

import cvat_sdk.masks
import nuclio_sdk
import numpy as np
import PIL.Image
import yaml
from servers import CLICKS, PHOTO, ROOT, Client, Server, by_program, expect, ok

RECIPES = ROOT / "tools/serve/cvat"
SIZE = (640, 428)


def request(photo, clicks, **more):
    """What CVAT sends for these clicks: places count from the corner of the first pixel."""

    def places(wanted):
        return [[x + 0.4, y + 0.9] for x, y, positive in clicks if positive is wanted]

    image = base64.b64encode(photo.read_bytes()).decode()
    lists = {"pos_points": places(True), "neg_points": places(False), "obj_bbox": None}
    return {"image": image, **lists, **more}


def decoded(reply):
    (shape,) = reply["shapes"]
    expect(shape["type"] == "mask", "a shape is a mask")
    mask = cvat_sdk.masks.decode_mask(shape["points"], image_width=SIZE[0], image_height=SIZE[1])
    return mask.astype(np.uint8) * 255


class Stub:
    """In the place of the wheel: knows no network, and finds the object in a box."""

    def __init__(self, *_, **__):
        pass

    def preprocess_image(self, _, image):
        return image

    def detect(self, _, image, prompts):
        mask = np.zeros(image.size[::-1], dtype=bool)
        mask[10:20, 30:50] = True
        points = cvat_sdk.masks.encode_mask(mask)
        return [type("Shape", (), {"points": points})]


def put_stub():
    module = type(sys)
    for name in ("fbrs", "fbrs.cvat"):
        sys.modules[name] = module(name)
    sys.modules["fbrs"].cvat = sys.modules["fbrs.cvat"]
    sys.modules["fbrs"].Error = type("Error", (Exception,), {})
    sys.modules["fbrs"].Segmenter = sys.modules["fbrs"].Options = Stub
    sys.modules["fbrs.cvat"].Interactor = Stub


def function():
    """The handler, as nuclio loads it."""
    spec = importlib.util.spec_from_file_location("main", RECIPES / "main.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Nuclio:
    """What nuclio's wrapper does, with its own classes: a context, events, answers."""

    def __init__(self, module):
        self.module, self.context = module, nuclio_sdk.Context()
        module.init_context(self.context)

    def call(self, body, kind="application/json"):
        message = {
            "body": body if isinstance(body, bytes) else json.dumps(body).encode(),
            "content_type": kind,
            "trigger": {"kind": "http", "name": "myHttpTrigger"},
            "timestamp": 0,
        }
        names = (
            "fields headers id method path size url shard_id num_shards type type_version version"
        )
        message.update(dict.fromkeys(names.split()))
        event = nuclio_sdk.Event.deserialize(
            message, nuclio_sdk.event.EventDeserializerKinds.msgpack
        )
        answer = self.module.handler(self.context, event)
        sent = nuclio_sdk.Response.from_entrypoint_output(json.dumps, answer)
        expect(sent["content_type"] == "application/json", f"an answer is JSON: {sent}")
        return sent["status_code"], json.loads(sent["body"])

    def get(self, body):
        status, reply = self.call(body)
        expect(status == 200, f"an answer: {status} {reply}")
        return reply


def check_refusals(nuclio, photo):
    whole = request(photo, CLICKS[:1])
    huge = io.BytesIO()
    PIL.Image.new("1", (8000, 7000)).save(huge, "png")
    cut = base64.b64encode(photo.read_bytes()[:5000]).decode()
    for status, word, body in [
        (422, "image: it is missing", {"pos_points": [[1, 1]], "neg_points": []}),
        (422, "neg_points: it is missing", {"image": whole["image"], "pos_points": [[1, 1]]}),
        (422, "pos_points", {**whole, "pos_points": []}),
        (422, "pos_points", {**whole, "pos_points": [[1, 2, 3]]}),
        (422, "neg_points", {**whole, "neg_points": [["x", 2]]}),
        (422, "neg_points", {**whole, "neg_points": [[float("inf"), 2]]}),
        (422, "threshold", {**whole, "threshold": 7}),
        (422, "image", {**whole, "image": "no base64!"}),
        (422, "image", {**whole, "image": cut}),
        (413, "pixels", {**whole, "image": base64.b64encode(huge.getvalue()).decode()}),
        (400, "JSON", []),
    ]:
        got, reply = nuclio.call(body)
        expect(got == status and word in reply["detail"], f"{status} {word!r}: {got} {reply}")
    expect(nuclio.call(b"{", "text/plain")[0] == 400, "what is no JSON is refused")
    ok("cvat: the function refuses what is wrong, with the field's name")


def check_function(fbrs, folder, photo):
    has_wheel = importlib.util.find_spec("fbrs") is not None
    if not has_wheel:
        put_stub()
    module = function()
    nuclio = Nuclio(module)
    if has_wheel:
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(record.getMessage().split(":")[0])
        logging.getLogger("fbrs.cvat").addHandler(handler)
        logging.getLogger("fbrs.cvat").setLevel(logging.INFO)
        for count in (1, 2, 6, 4):
            mask = decoded(nuclio.get(request(photo, CLICKS[:count])))
            expect(
                np.array_equal(mask, by_program(fbrs, folder, CLICKS[:count], photo=photo)),
                f"the mask of {count} clicks is the program's",
            )
        expect(records == ["miss", "extend", "extend", "undo"], f"new clicks alone: {records}")
        strict = decoded(nuclio.get(request(photo, CLICKS[:2], threshold=0.9)))
        wanted = by_program(fbrs, folder, CLICKS[:2], "--threshold", "0.9", photo=photo)
        expect(np.array_equal(strict, wanted), "with a threshold the mask is the program's")
        ok("cvat: the function's masks equal `fbrs segment`'s, and new clicks alone are run")
    else:
        mask = decoded(nuclio.get(request(photo, CLICKS)))
        expect(mask.sum() == 200 * 255, "the stub's mask arrives")
        ok("cvat: the function answers, with a stub in the place of the wheel: there is no wheel")
    os.environ["FBRS_REPLY"] = "mask"
    reply = Nuclio(module).get(request(photo, CLICKS[:1]))
    whole = np.array(reply["mask"], dtype=np.uint8) * 255
    expect(list(reply) == ["mask"], "the old reply is a mask alone")
    os.environ["FBRS_REPLY"] = "shapes"
    expect(
        np.array_equal(whole, decoded(nuclio.get(request(photo, CLICKS[:1])))), "both replies agree"
    )
    os.environ["FBRS_REPLY"] = "both"
    try:
        Nuclio(module)
    except ValueError as error:
        ok(f"cvat: both replies agree; another is refused ({error})")
    else:
        expect(False, "an unknown reply is refused")
    check_refusals(nuclio, photo)


def check_gateway(fbrs, folder, photo):
    """As CVAT's LambdaGateway asks, where nuclio's dashboard would be."""
    told = yaml.safe_load((RECIPES / "function.yaml").read_text())
    server = Server(fbrs, "--cvat-listen", "127.0.0.1:0")
    try:
        client = Client(server.ports["cvat"], token=None)
        headers = {
            "x-nuclio-project-name": "cvat",
            "x-nuclio-function-namespace": "nuclio",
            "x-nuclio-invoke-via": "domain-name",
            "x-nuclio-invoke-timeout": "120s",
        }
        more = {"headers": headers, "host": "fbrs:8766"}
        ((name, listed),) = client.get("GET", "/api/functions", **more).items()
        expect(client.get("GET", f"/api/functions/{name}", **more) == listed, "both tell the same")
        expect(
            listed["metadata"]
            == {"name": told["metadata"]["name"], "annotations": told["metadata"]["annotations"]},
            f"the function tells what function.yaml does: {listed}",
        )
        expect(listed["spec"]["description"] == told["spec"]["description"], "its description too")
        headers.update({"x-nuclio-function-name": name, "x-nuclio-path": "/"})
        for count in (1, 6):
            reply = client.get(
                "POST", "/api/function_invocations", request(photo, CLICKS[:count]), **more
            )
            wanted = by_program(fbrs, folder, CLICKS[:count], photo=photo)
            expect(np.array_equal(decoded(reply), wanted), "the mask is the program's")
    finally:
        server.stop()
    ok("cvat: --cvat-listen answers what CVAT asks nuclio's dashboard, as function.yaml says")
    services = yaml.safe_load((RECIPES / "compose.yaml").read_text())["services"]
    command = services["fbrs"]["command"]
    expect(command[:2] == ["serve", "--cvat-listen"], "compose.yaml starts the server")
    for service in ("cvat_server", "cvat_worker_annotation"):
        settings = services[service]["environment"]
        port = command[2].split(":")[1]
        expect(settings["CVAT_NUCLIO_HOST"] == "fbrs", "CVAT asks the server")
        expect(settings["CVAT_NUCLIO_PORT"] == port, "at the port that it listens to")
    ok("cvat: compose.yaml's settings and function.yaml's fit")


def main():
    fbrs, folder = sys.argv[1], Path(sys.argv[2])
    told = yaml.safe_load((RECIPES / "function.yaml").read_text())["spec"]
    trigger = told["triggers"]["myHttpTrigger"]
    expect(trigger["numWorkers"] == trigger["maxWorkers"] == 1, "one worker")
    expect(trigger["attributes"]["maxRequestBodySize"] == 33554432, "32 MiB")
    # Two readers of JPEG differ in some pixels, and of PNG in none.
    photo = folder / "photo.png"
    PIL.Image.open(PHOTO).save(photo)
    for one in told["env"]:
        os.environ[one["name"]] = one["value"]
    check_function(fbrs, folder, photo)
    check_gateway(fbrs, folder, photo)


main()
