"""Scalars of an event file as TensorBoard itself reads them: {"file"} in, [[step, tag, value], ...] out."""
import json
import sys

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

rows = []
for event in EventFileLoader(json.load(sys.stdin)["file"]).Load():
    for value in event.summary.value:
        # The loader turns simple values into tensors, as the pages of TensorBoard expect them.
        number = tensor_util.make_ndarray(value.tensor).item() if value.HasField("tensor") else value.simple_value
        rows.append([event.step, value.tag, number])
json.dump(rows, sys.stdout)
