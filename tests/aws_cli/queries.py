"""Evaluates expressions with the jmespath of the AWS CLI.

Each line of JSON on stdin is an expression and a document; the answer is a line on stdout: {"result": ...} or {"error": the message}.
"""

import json
import sys

import jmespath

for text in sys.stdin.buffer:
    expression, document = json.loads(text)
    try:
        # A result that is not JSON in UTF-8, such as an expression reference or half of a surrogate pair, is an error: the AWS CLI
        # can't print it.
        result = jmespath.search(expression, document)
        answer = json.dumps({"result": result}, allow_nan=False, ensure_ascii=False).encode()
    except Exception as error:  # The AWS CLI ends with exit code 255, whatever the error is.
        answer = json.dumps({"error": str(error), "kind": type(error).__name__}, ensure_ascii=False).encode(errors="replace")
    sys.stdout.buffer.write(answer + b"\n")
