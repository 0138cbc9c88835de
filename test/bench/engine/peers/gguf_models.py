"""Writes the GGUF files that llama.cpp runs: `gguf_models.py SOURCE TARGET F32|Q8_0`, SOURCE a GGUF file or a folder."""

import json
import os
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from safetensors.numpy import load_file


def requantise(source, target, kind):
    """The same model with its matrices dequantised to float32, or quantised anew to Q8_0."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        value, types = field.contents(), field.types
        if types[0] == GGUFValueType.ARRAY:
            writer.add_key_value(field.name, value, GGUFValueType.ARRAY, sub_type=types[-1])
        else:
            writer.add_key_value(field.name, value, types[0])
    for tensor in reader.tensors:
        add(writer, tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type), kind)
    finish(writer)


def convert(folder, target, kind):
    """A Llama folder. The names of its tokens do not matter here: ids go in and ids come out."""
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    weights = load_file(os.path.join(folder, "model.safetensors"))
    writer = GGUFWriter(target, "llama")
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges(["t 0"])
    writer.add_eos_token_id(config["eos_token_id"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, values in weights.items():
        values = values.astype(np.float32)
        # llama.cpp rotates neighbouring numbers, transformers the two halves of a head.
        if ".q_proj." in name or ".k_proj." in name:
            count = heads if ".q_proj." in name else kv_heads
            rows, columns = values.shape
            values = values.reshape(count, 2, rows // count // 2, columns).swapaxes(1, 2).reshape(rows, columns)
        add(writer, names.get_name(name, try_suffixes=(".weight",)), values, kind)
    finish(writer)


def add(writer, name, values, kind):
    if kind == "Q8_0" and values.ndim == 2:
        data = gguf.quantize(values, GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, data, raw_dtype=GGMLQuantizationType.Q8_0)
    else:
        writer.add_tensor(name, np.ascontiguousarray(values, np.float32))


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


source, target, kind = sys.argv[1:]
(convert if os.path.isdir(source) else requantise)(source, target, kind)
