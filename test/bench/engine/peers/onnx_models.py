"""Writes the ONNX models that transformers.js runs: `onnx_models.py FOLDER TARGET fp32|int8|4bit`.

The graphs are those of onnxruntime-genai's model builder (fused attention over a cache, as in the published models of
transformers.js). int8 is ONNX Runtime's dynamic quantisation of the fp32 graph, 4bit the builder's own, by blocks.
"""

import json
import os
import runpy
import shutil
import sys
import tempfile

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from tokenizers.models import WordLevel


def build(folder, work, precision):
    """The builder as its command line runs it, on a folder that also has the tokenizer that the builder insists on."""
    source, built = os.path.join(work, "source"), os.path.join(work, "built")
    os.mkdir(source)
    for name in ("config.json", "model.safetensors"):
        os.symlink(os.path.abspath(os.path.join(folder, name)), os.path.join(source, name))
    with open(os.path.join(folder, "config.json")) as file:
        size = json.load(file)["vocab_size"]
    # Ids go in and ids come out: the names of the tokens do not matter.
    tokenizer = Tokenizer(WordLevel({f"t{i}": i for i in range(size)}, unk_token="t0"))
    tokenizer.save(os.path.join(source, "tokenizer.json"))
    with open(os.path.join(source, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast"}, file)
    sys.argv = ["builder", "-i", source, "-o", built, "-e", "cpu", "-c", os.path.join(work, "cache"), "-p", precision]
    runpy.run_module("onnxruntime_genai.models.builder", run_name="__main__")
    return os.path.join(built, "model.onnx")


folder, target, precision = sys.argv[1:]
with tempfile.TemporaryDirectory() as work:
    model = build(folder, work, "int4" if precision == "4bit" else "fp32")
    if precision == "int8":
        quantised = os.path.join(work, "int8.onnx")
        quantize_dynamic(
            model,
            quantised,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul"],
            use_external_data_format=True,
        )
        model = quantised
    graph = onnx.load(model)
    # transformers.js reads the shape of an empty cache here, and the builder leaves the size of a head open.
    with open(os.path.join(folder, "config.json")) as file:
        head_dim = json.load(file)["head_dim"]
    for value in [*graph.graph.input, *graph.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == "kv_cache_dim":
                dim.dim_value = head_dim
    os.makedirs(target)
    # transformers.js looks for the weights under this name.
    onnx.save(
        graph,
        os.path.join(target, "model.onnx"),
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=1024,
    )
shutil.copy(os.path.join(folder, "config.json"), target)
