import ArgumentParser
import Base
import HTTPServer
import Logging

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Starts the server and runs it until SIGTERM or SIGINT.
struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the server.",
    usage: "dewpoint up [--config <file>] [--load <file>] [<settings>]",
    discussion: "Point clients at it with AWS_ENDPOINT_URL=http://localhost:4566. Any access key is the root of an account: "
      + "a 12-digit key of that account, any other (such as `test`) of 000000000000. Keys that IAM issues are verified.\n\n"
      + "SETTINGS, which may stand in the environment and in the file as well (dewpoint config --explain):\n" + ConfigurationFlags.help)

  @Option(help: ArgumentHelp("A snapshot whose state takes the place of what the data directory holds.", valueName: "file"))
  var load: String?

  @OptionGroup var options: ConfigurationOptions

  mutating func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let settings = try chosen()
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = settings.logLevel
      return handler
    }
    let logger = Logger(label: "dewpoint")
    do {
      try await Server(settings, logger: logger).runUntilSignalled()
    } catch HTTPServerError.cannotListen(let why) {
      logger.critical("cannot listen on \(why)")
      throw ExitCode(1)
    } catch {
      logger.critical("cannot start: \(error)")
      throw ExitCode(1)
    }
  }

  private func chosen() throws -> ServerSettings {
    do {
      var settings = try options.configuration().settings()
      settings.loadedFile = load
      return settings
    } catch let error as ConfigurationError { throw ValidationError(error.description) }
  }
}
