"""kubernetes/: kubernetes.py PATH/TO/fbrs FOLDER. Needs a network of its own.

Schemas, what belongs together, and the pods' commands. No cluster is asked.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions
from servers import ROOT, TOKEN, Client, expect, healthy, ok

RECIPES = ROOT / "tools/serve/kubernetes"
# preStop's sleep is there from 1.30 on.
VERSIONS = sorted({one for one in all_versions() if int(one.split(".")[1]) >= 30})


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def kustomized(folder):
    """What `kubectl apply -k` would send."""
    copy = folder / "kubernetes"
    shutil.copytree(RECIPES, copy)
    command = ["kubectl", "kustomize", copy]
    refused = subprocess.run(command, capture_output=True, text=True)
    expect(refused.returncode != 0 and "token" in refused.stderr, "without a token it is refused")
    (copy / "token").write_text(TOKEN)
    done = subprocess.run(command, capture_output=True, text=True)
    expect(done.returncode == 0, f"kubectl kustomize: {done.stderr}")
    return documents(done.stdout)


def check_schemas(all_documents):
    # The Gateway API's are not Kubernetes' own.
    own = [one for one in all_documents if "gateway" not in one["apiVersion"]]
    for version in VERSIONS:
        for document in own:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                expect(False, f"{document['kind']} in {version}: {error.message}")
    # A schema that takes anything would be none.
    wrong = json.loads(json.dumps(all_documents[-1]).replace('"spec"', '"spce"'))
    try:
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)
    except kubernetes_validate.ValidationError:
        ok(f"kubernetes: schemas of {VERSIONS[0]} to {VERSIONS[-1]} take {len(own)} documents")
    else:
        expect(False, "a schema refuses what is wrong")


def check_belonging(found, name):
    """What a Deployment, its Service and its rules say of each other."""
    deployment = found["Deployment", name]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    for kind, where in [
        ("Deployment", deployment["selector"]["matchLabels"]),
        ("Service", found["Service", name]["spec"]["selector"]),
        ("NetworkPolicy", found["NetworkPolicy", name]["spec"]["podSelector"]["matchLabels"]),
    ]:
        expect(where == labels, f"{kind} {name} is about the pods: {where}")
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = container["ports"]
    (service,) = found["Service", name]["spec"]["ports"]
    rules = found["NetworkPolicy", name]["spec"]["ingress"]
    probes = [container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")]
    named = [
        service["targetPort"],
        *probes,
        *(at["port"] for rule in rules for at in rule["ports"]),
    ]
    expect(set(named) == {port["name"]}, f"{name}: all mean the port {port['name']}: {named}")
    drain = [int(one.split("=")[1][:-1]) for one in container["args"] if "--drain=" in one]
    sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = pod["terminationGracePeriodSeconds"]
    expect(grace > drain[0] + sleep + 2, f"{name}: time for preStop and --drain: {grace} s")
    return container, service


def check_ways_in(found, service, allowed):
    gateway, route = found["Gateway", "fbrs"]["spec"], found["HTTPRoute", "fbrs"]["spec"]
    ingress = found["Ingress", "fbrs"]
    (rule,) = route["rules"]
    expect(
        rule["backendRefs"] == [{"name": "fbrs", "port": service["port"]}], "the route's service"
    )
    (host,) = route["hostnames"]
    (listener,) = gateway["listeners"]
    (ingress_rule,) = ingress["spec"]["rules"]
    (path,) = ingress_rule["http"]["paths"]
    backend = path["backend"]["service"]
    expect(backend == {"name": "fbrs", "port": {"name": service["name"]}}, "the ingress's service")
    hosts = {host, listener["hostname"], ingress_rule["host"], *ingress["spec"]["tls"][0]["hosts"]}
    expect(hosts <= allowed and len(hosts) == 1, f"one name, which the servers take: {hosts}")
    expect("fbrs" in allowed, "the service's name is taken too")

    def fbrs_map(text):
        lines = text[text.index("map $uri") :].split("\n}")[0].splitlines()
        return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]

    snippet = yaml.safe_load((RECIPES / "ingress-nginx-map.yaml").read_text())
    own = (ROOT / "tools/serve/nginx/fbrs.conf").read_text()
    expect(fbrs_map(snippet["data"]["http-snippet"]) == fbrs_map(own), "nginx's map in both places")
    key = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/upstream-hash-by"]
    expect(fbrs_map(own)[0].split()[2] == key, f"the map's variable: {key}")
    ok("kubernetes: names, ports, labels, times and nginx's map belong together")


def check_command(fbrs, container, places):
    """The pod's command with its folders elsewhere, and the probes as the kubelet asks them."""
    command = [fbrs]
    for argument in container["args"]:
        for inside, outside in places.items():
            argument = argument.replace(f"={inside}", f"={outside}")
        command.append(argument)
    port = container["ports"][0]["containerPort"]
    process = subprocess.Popen(command, env={}, stderr=subprocess.DEVNULL)
    try:
        healthy(process, port)
        # By the pod's address.
        asked = {"host": f"10.1.2.3:{port}"}
        client = Client(port, token=None)
        client.get("GET", container["livenessProbe"]["httpGet"]["path"], **asked)
        for _ in range(300):
            status, _ = client.ask("GET", container["readinessProbe"]["httpGet"]["path"], **asked)
            if status == 200:
                break
            time.sleep(0.1)
        expect(status == 200, f"the server becomes ready: {status}")
    finally:
        process.terminate()
    expect(process.wait(40) == 0, "the server ends with 0")


def main():
    fbrs, folder = sys.argv[1], Path(sys.argv[2])
    sent = kustomized(folder)
    ok(f"kubernetes: kubectl kustomize makes {len(sent)} documents, and none without a token")
    beside = ["envoy-gateway.yaml", "ingress-nginx.yaml", "cvat.yaml"]
    texts = [(RECIPES / name).read_text() for name in beside]
    every = [*sent, *(one for text in texts for one in documents(text))]
    found = {(one["kind"], one["metadata"]["name"]): one for one in every}
    check_schemas(every)

    container, service = check_belonging(found, "fbrs")
    of_cvat, _ = check_belonging(found, "fbrs-cvat")
    volumes = found["Deployment", "fbrs"]["spec"]["template"]["spec"]["volumes"]
    store, token = volumes
    claim = store["persistentVolumeClaim"]["claimName"]
    access = found["PersistentVolumeClaim", claim]["spec"]["accessModes"]
    expect(access == ["ReadWriteMany"], "many nodes write to the store")
    secret = found["Secret", token["secret"]["secretName"]]["data"]
    budget = found["PodDisruptionBudget", "fbrs"]["spec"]
    labels = found["Service", "fbrs"]["spec"]["selector"]
    expect(budget["selector"]["matchLabels"] == labels, "the budget is about the pods")
    arguments = [one.partition("=") for one in container["args"]]
    allowed = {value for option, _, value in arguments if option == "--allow-host"}
    check_ways_in(found, service, allowed)

    # As the kubelet lays out secrets: links, one of which is replaced when they change.
    secrets = folder / "secrets"
    (secrets / "..data").mkdir(parents=True)
    for name in secret:
        (secrets / "..data" / name).write_text(TOKEN)
        (secrets / name).symlink_to(f"..data/{name}")
    (folder / "store").mkdir()
    places = {"store": folder / "store", "token": secrets}
    mounts = {one["mountPath"]: places[one["name"]] for one in container["volumeMounts"]}
    check_command(fbrs, container, mounts)
    check_command(fbrs, of_cvat, {})
    ok("kubernetes: both pods' commands run, become ready at their probes, and end with 0")


main()
