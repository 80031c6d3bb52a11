# The conformance suite's function, in Ruby: does what the event says.
raise "no way to start" if ENV["FAIL_INIT"]
sleep(ENV["SLOW_INIT"].to_f) if ENV["SLOW_INIT"]
$count = 0

class Mishap < StandardError; end

def handler(event:, context:)
  send("do_#{event['do']}", event, context)
end

def do_echo(event, _context) = event["value"]

def do_context(_event, context)
  {
    request_id: context.aws_request_id,
    name: context.function_name,
    version: context.function_version,
    memory: context.memory_limit_in_mb,
    group: context.log_group_name,
    stream: context.log_stream_name,
    arn: context.invoked_function_arn,
    left: context.get_remaining_time_in_millis
  }
end

def do_env(event, _context) = event["names"].to_h { |name| [name, ENV[name]] }

def do_log(event, _context)
  puts event["text"]
  warn event["text"]
end

def do_error(event, _context) = raise(Mishap, event["message"])

def do_sleep(event, _context)
  sleep event["s"]
  nil
end

def do_exit(event, _context) = exit(event["status"])

def do_memory(event, _context) = ("x" * (event["mb"] << 20)).bytesize

def do_write(event, _context)
  File.write(File.join(ENV["TMPDIR"], "note"), event["text"])
  nil
end

def do_read(_event, _context) = File.read(File.join(ENV["TMPDIR"], "note"))

def do_count(_event, _context) = $count += 1

def do_big(event, _context) = "x" * event["size"]

def do_folder(_event, _context) = Dir.children(".").sort
