import ArgumentParser

@main
struct Dewpoint: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "dewpoint",
    abstract: "A self-hosted event-driven serverless platform that speaks the AWS APIs.",
    version: version,
    subcommands: [
      Up.self, Dev.self, Exec.self, ConfigCommand.self, Clock.self, ResetCommand.self, SnapshotCommand.self, Denials.self,
      TraceCommand.self, ChaosCommand.self, IAMCommand.self,
      Trust.self, Doctor.self, CoverageCommand.self,
    ])
}
