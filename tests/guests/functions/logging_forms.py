"""Logging in the forms that handlers use: root logger, module's logger, basicConfig, a library that is absent."""

import logging
import os

logging.basicConfig(level=logging.DEBUG, format="%(message)s")  # does nothing: the runtime was first
logger = logging.getLogger()
logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
log = logging.getLogger(__name__)

try:
    import structlog
except ImportError:
    structlog = None
    logger.info("no structlog")

try:
    from aws_xray_sdk.core import patch_all

    patch_all()
except ImportError:
    pass


def handler(event, context):
    logger.info("## ENVIRONMENT VARIABLES")
    logger.debug("not told")
    log.warning("%s of %d", "one", 2)
    logging.getLogger("a.b").error("a long\nstory")
    try:
        event["absent"]
    except KeyError:
        logger.exception("no such key")
    context.log("by the context\n")
    return len(logging.getLogger().handlers)


def own_handler(event, context):
    mine = logging.getLogger("mine")
    mine.propagate = False
    stream = logging.StreamHandler()
    stream.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    mine.handlers = [stream]
    mine.error("by my own handler")


def reformatted(event, context):
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter("%(levelname)s|%(aws_request_id)s|%(message)s"))
    logger.info("in a format of my own")
