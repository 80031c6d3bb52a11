"""AWS's limits, in one place.

Source: Lambda quotas, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

MEMORY_MB = range(128, 10_240 + 1)
TIMEOUT_S = range(1, 900 + 1)
EPHEMERAL_STORAGE_MB = range(512, 10_240 + 1)
ENVIRONMENT_BYTES = 4_096
FUNCTION_NAME = 64
LAYERS = 5

SYNC_PAYLOAD_BYTES = 6 * 1024 * 1024
ASYNC_PAYLOAD_BYTES = 1024 * 1024
# What AWS's own clients and recorded errors use: 6 MiB and 100 bytes.
RESPONSE_BYTES = SYNC_PAYLOAD_BYTES + 100
STREAMED_BYTES = 200 * 1024 * 1024
CLIENT_CONTEXT_BYTES = 3_583

ZIP_BYTES = 50 * 1024 * 1024
REQUEST_BYTES = 70_167_211
UNZIPPED_BYTES = 250 * 1024 * 1024

CODE_STORAGE_BYTES = 300 * 1024**3
POLICY_BYTES = 20 * 1024
TAGS = 50

ACCOUNT_CONCURRENCY = 1_000
LOG_TAIL_BYTES = 4_096
LOG_EVENT_BYTES = 256 * 1024

# Source: CloudWatch Logs quotas and API reference,
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
LOG_BATCH_BYTES = 1024 * 1024
LOG_PAGE_BYTES = 1024 * 1024
LOG_EVENT_OVERHEAD_BYTES = 26
LOG_PAGE_EVENTS = 10_000
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365),
    *(400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

FILE_DESCRIPTORS = 1_024
PROCESSES = 1_024
