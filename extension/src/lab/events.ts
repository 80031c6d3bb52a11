// Made by `python -m tests.extension.typescript`; change the Python, not this.

/** A function as it is now. `configuration` is AWS's FunctionConfiguration of $LATEST, `last_version` the number of the last one published (0: none), `reserved` None if unset, `provisioned` of all its versions together. */
export interface FunctionSeen {
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly last_version: number;
  readonly aliases: readonly string[];
  readonly reserved: number | null;
  readonly provisioned: number;
}

/** How many execution environments of $LATEST there are. */
export interface Environments {
  readonly total: number;
  readonly idle: number;
}

/** An invocation that runs. `at` is seconds since 1970. */
export interface Started {
  readonly function: string;
  readonly request_id: string;
  readonly source: string;
  readonly at: number;
}

/** An invocation that is over. `started` and `ended` are seconds since 1970; `cost` is dollars; `init_ms` is None unless it was a cold start, `restore_ms` unless it was one from a snapshot; `error` is the error's message, empty if there is none. */
export interface Finished {
  readonly function: string;
  readonly version: string;
  readonly request_id: string;
  readonly source: string;
  readonly started: number;
  readonly ended: number;
  readonly waited_s: number;
  readonly init_ms: number | null;
  readonly restore_ms: number | null;
  readonly duration_ms: number;
  readonly billed_ms: number;
  readonly memory_mb: number;
  readonly max_memory_mb: number;
  readonly status: string;
  readonly error_type: string;
  readonly error: string;
  readonly log_stream: string;
  readonly cost: number;
}

/** One log event; `timestamp` is milliseconds since 1970. */
export interface Line {
  readonly group: string;
  readonly stream: string;
  readonly timestamp: number;
  readonly message: string;
}

/** What became of a function's invocations, those that aren't told one by one included. */
export interface Counts {
  readonly invocations: number;
  readonly errors: number;
  readonly throttles: number;
}

/** What has happened since the last one. The first of a stream is `whole`: what isn't in it isn't there. `running`, `environments` and `counts` go by function; those with nothing are left out. `left_out` is how many invocations and lines were too many to be told one by one. `at` is seconds since 1970. */
export interface Tick {
  readonly at: number;
  readonly whole: boolean;
  readonly functions: readonly FunctionSeen[];
  readonly gone: readonly string[];
  readonly running: Readonly<Record<string, number>>;
  readonly environments: Readonly<Record<string, Environments>>;
  readonly started: readonly Started[];
  readonly finished: readonly Finished[];
  readonly lines: readonly Line[];
  readonly counts: Readonly<Record<string, Counts>>;
  readonly left_out: number;
}
