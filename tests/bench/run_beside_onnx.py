"""The plan and onnx's reference evaluator on ResNet-50, in turn, on one net that PyTorch built and exported.

``OPENBLAS_NUM_THREADS=1 python run_beside_onnx.py FOLDER``: prints as JSON the seconds of each pair, those apart
during which other processes computed, and how far the results are from each other. FOLDER takes the weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from onnx.reference import ReferenceEvaluator
from resnet50_in_torch import resnet50
from side_by_side import quiet_pairs

from convcalc import load
from convcalc.plan import Plan
from convcalc.tensors import read_weights


def main(folder: Path) -> None:
    """Measure, and print what was found."""
    torch.manual_seed(0)
    theirs = resnet50().eval()
    np.savez(folder / "net.npz", **{name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)
    exported = torch.onnx.export(theirs, (torch.from_numpy(x),), dynamo=True, verbose=False)
    evaluator = ReferenceEvaluator(exported.model_proto)
    (given,) = evaluator.input_names
    graph = load("resnet50")
    plan = Plan(graph, read_weights(str(folder / "net.npz"), graph.analyze().stored(), by="order").weights, keep=True)
    (ours,) = plan.run({"input": x}, forward_only=True).outputs.values()
    (result,) = evaluator.run(None, {given: x})
    pairs, disturbed = quiet_pairs(
        lambda: plan.run({"input": x}, forward_only=True), lambda: evaluator.run(None, {given: x})
    )
    apart = float(np.linalg.norm(ours - result) / np.linalg.norm(result))
    print(json.dumps({"pairs": pairs, "disturbed": disturbed, "apart": apart}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
