# frozen_string_literal: true

# The client of the Lambda Runtime API for Ruby functions: fetches events, calls the handler, posts what it answers.
require 'json'
require 'logger'
require 'net/http'
require 'stringio'

$stdout.sync = $stderr.sync = true

module Dewpoint
  # Connections to the Runtime API of the sandbox.
  class RuntimeAPI
    BASE = '/2018-06-01/runtime'

    def initialize(address)
      host, port = address.split(':')
      @http = Net::HTTP.new(host, port.to_i, nil)
      @http.read_timeout = nil
      @http.keep_alive_timeout = 3600
      @http.start
    end

    def next_invocation = @http.get("#{BASE}/invocation/next")
    def respond(id, body, type) = post("/invocation/#{id}/response", body, 'Content-Type' => type)
    def fail(id, error) = post("/invocation/#{id}/error", error.body, error.headers)
    def fail_init(error) = post('/init/error', error.body, error.headers)
    def function = JSON.parse(@http.get('/spare/function').body)

    private

    def post(path, body, headers) = @http.post(BASE + path, body, headers)
  end

  # An error of the function as Lambda shows it.
  class FunctionError
    KNOWN = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit SystemStackError].freeze

    # The kind is Function or Init.
    def initialize(error, kind = 'Function')
      @name = error.class.to_s
      @kind = kind
      @content = {
        errorMessage: text(error.message), errorType: "#{kind}<#{@name}>",
        # Up to the first line of this file: what lies below is no business of the function.
        stackTrace: (error.backtrace || []).first(100).take_while { |line| !line.start_with?(__FILE__) }.map { |line| text(line) }
      }
    end

    def body = JSON.generate(@content)
    def log = JSON.pretty_generate(@content)

    def headers
      type = KNOWN.include?(@name) ? "#{@kind}<#{@name}>" : 'Function<UserException>'
      { 'Content-Type' => 'application/json', 'Lambda-Runtime-Function-Error-Type' => type }
    end

    private

    def text(value) = value.to_s.encode('UTF-8', invalid: :replace, undef: :replace)
  end

  # Writes messages so that one of many lines stays one event of the log.
  module Log
    class << self
      attr_accessor :request_id

      def write(message)
        bytes = message.to_s.encode('UTF-8', invalid: :replace, undef: :replace).b
        bytes << "\n" unless bytes.end_with?("\n")
        time = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
        STDOUT.write([0xa55a0003, bytes.bytesize, time].pack('NNQ>') << bytes)
      end

      def close = nil
    end

    # Of loggers that write to the standard output or nowhere in particular.
    class Formatter < ::Logger::Formatter
      def call(severity, time, program, message)
        return json(severity, time, program, message) if ENV['AWS_LAMBDA_LOG_FORMAT'] == 'JSON'

        format("%<short>s, [%<time>s #%<pid>d] %<severity>5s %<id>s -- %<program>s: %<text>s\n",
               short: severity[0], time: format_datetime(time), pid: Process.pid, severity: severity, id: Log.request_id,
               program: program, text: msg2str(message))
      end

      private

      def json(severity, time, program, message)
        is_error = message.is_a?(Exception)
        record = { timestamp: time.utc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ'), level: severity,
                   message: is_error ? message.message : msg2str(message), requestId: Log.request_id, logger: program }
        record.update(errorType: message.class.to_s, errorMessage: message.message, stackTrace: message.backtrace || []) if is_error
        "#{JSON.generate(record.compact)}\n"
      end
    end

    # Lets loggers that would write to the terminal write events.
    module Loggers
      LEVELS = { 'TRACE' => ::Logger::DEBUG, 'DEBUG' => ::Logger::DEBUG, 'INFO' => ::Logger::INFO, 'WARN' => ::Logger::WARN,
                 'ERROR' => ::Logger::ERROR, 'FATAL' => ::Logger::FATAL }.freeze

      def initialize(device = nil, *arguments, **options)
        is_ours = device.nil? || [$stdout, $stderr, STDOUT, STDERR].include?(device)
        if is_ours
          options[:level] = [LEVELS[ENV['AWS_LAMBDA_LOG_LEVEL']], ::Logger::DEBUG].compact.max unless options.key?(:level)
          super(Log, *arguments, **options)
          @default_formatter = Formatter.new
        else
          super
        end
      end
    end
  end

  # What a handler is told of its invocation.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name, :memory_limit_in_mb,
                :function_version, :identity, :client_context, :deadline_ms

    def initialize(request)
      # The time of day may be moved by the function's tests; the monotonic clock is not.
      @ahead = Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond) - Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
      @deadline_ms = request['Lambda-Runtime-Deadline-Ms'].to_i
      @aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
      @invoked_function_arn = request['Lambda-Runtime-Invoked-Function-Arn']
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @identity = parsed(request['Lambda-Runtime-Cognito-Identity'])
      @client_context = parsed(request['Lambda-Runtime-Client-Context'])
    end

    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond) - @ahead, 0].max
    end

    private

    def parsed(text) = text && JSON.parse(text)
  end

  # `file.method` or `file.Class.method`.
  class Handler
    def initialize(text)
      parts = text.split('.')
      unless [2, 3].include?(parts.size)
        raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME " \
                             'corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional module/class namespace ' \
                             'and METHOD is a callable method. If using CLASS, METHOD must be a class-level method.'
      end
      @file = parts.first
      @owner = parts[1] if parts.size == 3
      @method = parts.last
    end

    def load = require(@file)

    def call(event, context)
      receiver = @owner ? Kernel.const_get(@owner) : TOPLEVEL_BINDING.receiver
      receiver.__send__(@method, event: event, context: context)
    end
  end

  class Runtime
    def run
      @api = RuntimeAPI.new(ENV.fetch('AWS_LAMBDA_RUNTIME_API'))
      become_function unless ENV.key?('_HANDLER')
      load_function
      loop { handle(@api.next_invocation) }
    end

    private

    # Without a handler this is a spare: booted before it is known for which function, it waits to be told.
    def become_function
      ENV.replace(@api.function)
      Dir.chdir(ENV.fetch('LAMBDA_TASK_ROOT'))
      Gem.clear_paths if defined?(Gem)
    end

    def load_function
      ::Logger.prepend(Log::Loggers)
      ::Kernel.module_eval do
        def puts(*values) = Dewpoint::Log.write(values.empty? ? "\n" : values.flatten.map(&:to_s).join("\n"))
      end
      $LOAD_PATH.unshift(ENV.fetch('LAMBDA_TASK_ROOT'))
      @handler = Handler.new(ENV.fetch('_HANDLER'))
      @handler.load
    rescue Exception => e # rubocop:disable Lint/RescueException -- whatever the code of the function does while it is loaded
      error = FunctionError.new(e, 'Init')
      Log.write("Init error when loading handler #{ENV['_HANDLER']}\n#{error.log}")
      @api.fail_init(error)
      exit!(252)
    end

    def handle(request)
      id = Log.request_id = request['Lambda-Runtime-Aws-Request-Id']
      trace = request['Lambda-Runtime-Trace-Id']
      trace ? ENV['_X_AMZN_TRACE_ID'] = trace : ENV.delete('_X_AMZN_TRACE_ID')
      body, type = answer(request)
      @api.respond(id, body, type)
    rescue NameError => e
      report(id, e, 'Critical exception from handler')
      exit!(255)
    rescue StandardError => e
      report(id, e, 'Error raised from handler method')
    rescue Exception => e # rubocop:disable Lint/RescueException -- an exit too is an error of the function
      report(id, e, 'Critical exception from handler')
      exit!(255)
    end

    def answer(request)
      result = @handler.call(JSON.parse(request.body), Context.new(request))
      return [result.read, 'application/unknown'] if result.is_a?(StringIO) || result.is_a?(IO)

      [result.to_json, 'application/json']
    end

    def report(id, exception, title)
      error = FunctionError.new(exception)
      Log.write("#{title}\n#{error.log}")
      @api.fail(id, error)
    end
  end
end

LambdaContext = Dewpoint::Context
Dewpoint::Runtime.new.run
