import ArgumentParser
import Base

/// What `up` and `config` share: where the file is, and the settings as flags.
struct ConfigurationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A configuration file (default: DEWPOINT_CONFIG, or ~/.dewpoint/config.yaml if it is there).", valueName: "file"))
  var config: String?

  @Argument(parsing: .allUnrecognized, help: .hidden)
  var settings: [String] = []

  func configuration() throws -> Configuration {
    try Configuration(file: try file(), environment: wholeEnvironment(), arguments: settings)
  }

  /// A file that was named must be there.
  private func file() throws -> (path: String, content: [UInt8])? {
    let named = config ?? environment("DEWPOINT_CONFIG")
    let path = named ?? "\(environment("HOME") ?? ".")/.dewpoint/config.yaml"
    do {
      if let content = try Files.read(path, limit: ConfigurationFile.maximumBytes) { return (path, content) }
    } catch { throw ConfigurationError("\(error)") }
    guard named == nil else { throw ConfigurationError("There is no configuration file \(path).") }
    return nil
  }
}

/// Shows what the server would be started with.
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Show the configuration and where each value comes from.",
    discussion: "Takes the flags of `dewpoint up`.")

  @Flag(help: "Print docs/CONFIGURATION.md instead: all settings with what they mean.") var explain = false
  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    if explain { return print(ConfigurationText.documentation, terminator: "") }
    do {
      let configuration = try options.configuration()
      _ = try configuration.settings()
      print(ConfigurationText.values(configuration))
    } catch let error as ConfigurationError { throw ValidationError(error.description) }
  }
}
