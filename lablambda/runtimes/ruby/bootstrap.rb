# frozen_string_literal: true

# What runs inside a Ruby execution environment: wait for a function, load its handler, then handle one
# event at a time. It knows the lab only as a socket, descriptor 3; the frames on it and the records in the
# log are told in runtimes/python/bootstrap.py. Behaviour follows AWS's Ruby runtime.

require "json"

# The lab as the runtime sees it: events come in, answers go out.
class Lab
  INVOKE, READY, INIT_ERROR, RESPONSE, ERROR, START = 1, 2, 3, 4, 5, 6

  def initialize
    @socket = IO.for_fd(3, "r+b")
    @socket.sync = true
    @socket.close_on_exec = true
  end

  # What this process is to be; nil when the lab has gone.
  def start
    frame = read_frame
    frame && JSON.parse(frame.byteslice(1..), create_additions: false)
  end

  # The next event as [header, text]; nil when the lab has gone.
  def next_event
    frame = read_frame or return
    length = frame.unpack1("N", offset: 1)
    [JSON.parse(frame.byteslice(5, length)), frame.byteslice((5 + length)..)]
  end

  def send_frame(kind, body = "")
    @socket.write([body.bytesize + 1, kind].pack("NC") + body.b)
  end

  def answer(kind, body)
    send_frame(kind, [peak_kib].pack("N") + body.b)
  end

  private

  def read_frame
    size = @socket.read(4) or return
    @socket.read(size.unpack1("N"))
  end

  def peak_kib
    File.read("/proc/self/status")[/^VmHWM:\s*(\d+)/, 1].to_i
  end
end

# One log event, whatever newlines it holds.
module Log
  MARK = "\xF5\x00\xFFR".b

  def self.record(text)
    $stdout.flush
    $stdout.syswrite(MARK + [text.bytesize].pack("N") + text.b)
  end
end

# A failure as Lambda answers it. `stage` is Init or Function.
class Failure
  RESPONSE_BYTES = 6 * 1024 * 1024 + 100

  def self.too_large
    JSON.generate(
      errorMessage: "Response payload size exceeded maximum allowed payload size (#{RESPONSE_BYTES} bytes).",
      errorType: "Function.ResponseSizeTooLarge"
    )
  end

  def initialize(error, stage, names)
    @error, @stage, @names = error, stage, names
  end

  def to_h
    trace = (@error.backtrace || []).reject { |line| line.start_with?(__FILE__, "<internal:") }
    {
      errorMessage: @error.message.to_s.encode("UTF-8", invalid: :replace, undef: :replace),
      errorType: "#{@stage}<#{@error.class}>",
      stackTrace: trace.map(&@names)
    }
  end

  def log
    Log.record("Error raised from #{@stage == 'Init' ? 'init phase' : 'handler method'}\n#{JSON.pretty_generate(to_h)}")
  end
end

# The handler's second argument.
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :deadline_ms, :client_context, :identity, :function_name,
              :function_version, :memory_limit_in_mb, :log_group_name, :log_stream_name

  def initialize(header)
    @aws_request_id = header["request_id"]
    @invoked_function_arn = header["arn"]
    @deadline_ms = header["deadline_ms"]
    @client_context = header["client_context"] && JSON.parse(header["client_context"])
    @function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
    @function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
    @memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    @log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
    @log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
  end

  def get_remaining_time_in_millis
    [@deadline_ms - (Process.clock_gettime(Process::CLOCK_REALTIME) * 1000).to_i, 0].max
  end
end

# An environment's life: init, then events until the lab goes away.
class Environment
  def initialize(lab, launch)
    @lab = lab
    @launch = launch
    folders = { launch["task"] => "/var/task", launch["layers"] => "/opt" }.compact
    @names = ->(line) { folders.reduce(line) { |text, (real, shown)| text.gsub("#{real}/", "#{shown}/") } }
  end

  def run
    take_on
    handler = load_handler
    $stdout.flush
    @lab.send_frame(Lab::READY)
    while (event = @lab.next_event)
      handle(handler, *event)
    end
  end

  private

  def take_on
    ENV.replace(@launch["variables"])
    Dir.chdir(@launch["task"])
    $LOAD_PATH.unshift(@launch["task"])
    layers = @launch["layers"] or return
    $LOAD_PATH.unshift("#{layers}/ruby/lib")
    Gem.paths = ENV.to_h.merge("GEM_PATH" => "#{layers}/ruby/gems/#{RbConfig::CONFIG['ruby_version']}:#{Gem.path.join(':')}")
  end

  # `file.method`, or `file.Module::Class.method`.
  def load_handler
    file, *owner, method = @launch["handler"].split(".")
    raise ArgumentError, "Invalid handler #{@launch['handler']}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD" if method.nil? || owner.size > 1

    require file
    (owner.empty? ? Object.new : Object.const_get(owner.first)).method(method)
  rescue SystemExit
    raise
  rescue Exception => error # rubocop:disable Lint/RescueException -- whatever the function's code raises
    refuse_to_start(error)
  end

  def refuse_to_start(error)
    failure = Failure.new(error, "Init", @names)
    failure.log
    @lab.send_frame(Lab::INIT_ERROR, JSON.generate(failure.to_h))
    exit!(1)
  end

  def handle(handler, header, event)
    ENV["_X_AMZN_TRACE_ID"] = header["trace_id"] if header["trace_id"]
    kind, answer = Lab::RESPONSE, encode(handler.call(event: JSON.parse(event), context: LambdaContext.new(header)))
  rescue SystemExit
    raise
  rescue Exception => error # rubocop:disable Lint/RescueException
    failure = Failure.new(error, "Function", @names)
    failure.log
    kind, answer = Lab::ERROR, JSON.generate(failure.to_h)
  ensure
    if answer
      kind, answer = Lab::ERROR, Failure.too_large if answer.bytesize > Failure::RESPONSE_BYTES
      $stdout.flush
      $stderr.flush
      @lab.answer(kind, answer)
    end
  end

  def encode(result)
    result.respond_to?(:read) ? result.read : JSON.generate(result)
  end
end

$stdout.sync = true
$stderr.sync = true
$PROGRAM_NAME = "bootstrap"
lab = Lab.new
launch = lab.start
Environment.new(lab, launch).run if launch
