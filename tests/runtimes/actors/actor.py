"""The conformance suite's function, in Python: does what the event says."""

import os
import sys
import time

if "FAIL_INIT" in os.environ:
    raise RuntimeError("no way to start")
if "SLOW_INIT" in os.environ:
    time.sleep(float(os.environ["SLOW_INIT"]))
count = 0


class Mishap(Exception):
    pass


def handler(event, context):
    return globals()[f"do_{event['do']}"](event, context)


def do_echo(event, context):
    return event["value"]


def do_context(event, context):
    return {
        "request_id": context.aws_request_id,
        "name": context.function_name,
        "version": context.function_version,
        "memory": str(context.memory_limit_in_mb),
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(),
    }


def do_env(event, context):
    return {name: os.environ.get(name) for name in event["names"]}


def do_log(event, context):
    print(event["text"])
    print(event["text"], file=sys.stderr)


def do_error(event, context):
    raise Mishap(event["message"])


def do_sleep(event, context):
    time.sleep(event["s"])


def do_exit(event, context):
    os._exit(event["status"])


def do_memory(event, context):
    return len(bytearray(event["mb"] << 20))


def do_write(event, context):
    with open(os.path.join(os.environ["TMPDIR"], "note"), "w") as file:
        file.write(event["text"])


def do_read(event, context):
    with open(os.path.join(os.environ["TMPDIR"], "note")) as file:
        return file.read()


def do_count(event, context):
    global count
    count += 1
    return count


def do_big(event, context):
    return "x" * event["size"]


def do_folder(event, context):
    return sorted(os.listdir("."))
