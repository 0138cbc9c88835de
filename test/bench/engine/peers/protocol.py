"""The peers' side of the benchmark's conversation: one JSON object a line in, one JSON object a line out.

A request has `id` and `command`; the answer has the same `id` and either `result` or `error`. What libraries print goes
to the standard error, so that the standard output holds answers only.
"""

import json
import os
import sys
import traceback


def serve(commands):
    """Answers requests until `close` or the end of the input. `commands`: name → function of the request."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            answer["result"] = commands[request["command"]](request)
        except Exception as error:
            traceback.print_exc()
            answer["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        answers.write(json.dumps(answer) + "\n")
