// Made by `python -m tests.extension.typescript`; change the Python, not this.

export const OPTIONS: readonly { name: string; value: string; help: string }[] = [
  {
    "name": "--help",
    "value": "",
    "help": "show this"
  },
  {
    "name": "--runtime",
    "value": "R",
    "help": "nodejs22.x, java21, provided.al2023, python3.13, ... (default: this kernel's Python)"
  },
  {
    "name": "--handler",
    "value": "F",
    "help": "the function that takes events (default: 'handler', or the only one)"
  },
  {
    "name": "--memory",
    "value": "MB",
    "help": "128 to 10240 (default: 128)"
  },
  {
    "name": "--timeout",
    "value": "S",
    "help": "1 to 900 seconds (default: 3)"
  },
  {
    "name": "--env",
    "value": "K=V",
    "help": "an environment variable; repeatable"
  },
  {
    "name": "--requires",
    "value": "PKG",
    "help": "packages, as pip or npm names them, or group:artifact:version"
  },
  {
    "name": "--layer",
    "value": "NAME",
    "help": "a layer, by name or ARN; repeatable"
  },
  {
    "name": "--on",
    "value": "SOURCE",
    "help": "s3:BUCKET[/PREFIX*SUFFIX], sqs:QUEUE, dynamodb:TABLE, kinesis:STREAM, sns:TOPIC, schedule:rate(N minutes) or schedule:cron(...), 'events:{PATTERN}'; repeatable"
  },
  {
    "name": "--retries",
    "value": "N",
    "help": "how often an event that fails is tried again: 0, 1 or 2 times"
  },
  {
    "name": "--on-success",
    "value": "TARGET",
    "help": "who is told of events that succeeded: as --on-failure, but for s3"
  },
  {
    "name": "--on-failure",
    "value": "TARGET",
    "help": "who is told of events that are given up: sqs:QUEUE, sns:TOPIC, s3:BUCKET, lambda:FUNCTION, events:BUS"
  },
  {
    "name": "--url",
    "value": "",
    "help": "give it a URL of its own that is open to everybody"
  },
  {
    "name": "--route",
    "value": "'METHOD /PATH'",
    "help": "lead such requests to it, by the HTTP API that all cells share: 'GET /users/{id}', 'ANY /{proxy+}', '$default'; repeatable"
  },
  {
    "name": "--publish",
    "value": "",
    "help": "publish a version of it"
  },
  {
    "name": "--alias",
    "value": "NAME",
    "help": "publish it, and have this alias lead to the version"
  },
  {
    "name": "--snap-start",
    "value": "",
    "help": "run init once when it is published, and restore its environments from there (Python)"
  },
  {
    "name": "--reserved",
    "value": "N",
    "help": "concurrent executions that it has for itself, and no more"
  },
  {
    "name": "--provisioned",
    "value": "N",
    "help": "environments of its --alias that are kept ready"
  },
  {
    "name": "--dry-run",
    "value": "",
    "help": "show what would be done, do nothing"
  }
];

export const SOURCES: readonly string[] = ["s3", "sqs", "dynamodb", "kinesis", "sns", "schedule", "events"];

export const DESTINATIONS: readonly string[] = ["sqs", "sns", "s3", "lambda", "events"];

export const RUNTIMES: readonly string[] = ["nodejs20.x", "nodejs22.x", "nodejs24.x", "java8.al2", "java11", "java17", "java21", "java25", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "dotnet8", "dotnet10", "ruby3.2", "ruby3.3", "ruby3.4", "provided.al2", "provided.al2023"];
