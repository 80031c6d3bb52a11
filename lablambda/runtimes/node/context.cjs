"use strict";
/* What a handler is told of its invocation: AWS's members, in AWS's order, since people log them. */

/** The context of Node.js 24 and later. */
function context(header) {
  return { ...told(header), xRayTraceId: header.trace_id, ...remaining(header), ...environment() };
}

/** The context of Node.js 22 and before, which begins with the `ways` to answer. */
function contextWithWays(header, ways) {
  const { functionName, functionVersion, ...names } = environment();
  return Object.assign(ways, { functionVersion, functionName, ...names }, told(header), remaining(header));
}

function environment() {
  const variables = process.env;
  return {
    functionName: variables.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: variables.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: variables.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: variables.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function told(header) {
  return {
    clientContext: parsed(header.client_context),
    identity: undefined,
    invokedFunctionArn: header.arn,
    awsRequestId: header.request_id,
    tenantId: undefined,
  };
}

function remaining(header) {
  return { getRemainingTimeInMillis: () => header.deadline_ms - Date.now() };
}

function parsed(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ClientContext as json: ${error}`);
  }
}

module.exports = { context, contextWithWays };
