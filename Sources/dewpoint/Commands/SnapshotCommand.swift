import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Saves the whole state of a running server to a file, loads one, and shows what is in one.
struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Save, load or list the whole state of a server.",
    discussion: "A snapshot holds resources, messages, queued events, logs, packages and the clock, and secrets too. The server runs on "
      + "while it is saved. One that is loaded takes the place of everything that the server holds.",
    subcommands: [Save.self, Load.self, List.self])

  struct Save: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Save the state of a running server.")
    @Argument(help: "The file to write; one that is there is replaced once the new one is whole.") var file: String
    @OptionGroup var server: ServerOption

    func run() async throws {
      let contents = try await snapshotFailures {
        try SnapshotFile(file).replace { write in try LocalHTTP.download(server.address, "/_dewpoint/snapshot", write) }
      }
      print("saved \(file): \(SnapshotText.size(contents))")
    }
  }

  struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Replace the state of a running server.")
    @Argument(help: "The file to load.") var file: String
    @OptionGroup var server: ServerOption

    func run() async throws {
      let contents = try await snapshotFailures {
        let contents = try await SnapshotFile(file).examine().contents
        try LocalHTTP.upload(server.address, "/_dewpoint/snapshot", file)
        return contents
      }
      print("loaded \(file): \(SnapshotText.size(contents))")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check a file and show what is in it. Needs no server.")
    @Argument(help: "The file to look at.") var file: String

    func run() async throws {
      let (manifest, contents) = try await snapshotFailures { try await SnapshotFile(file).examine() }
      print(SnapshotText.table(manifest, contents))
    }
  }
}

/// Says what is wrong with a file instead of how to use the command.
private func snapshotFailures<T>(_ body: () async throws -> T) async throws -> T {
  signal(SIGPIPE, SIG_IGN)
  do { return try await body() } catch let error as ValidationError { throw error } catch {
    FileOutput.error("\(error)")
    throw ExitCode(1)
  }
}

enum FileOutput {
  static func error(_ text: String) {
    let line = Array("Error: \(text)\n".utf8)
    try? Files.write(line, to: 2, "standard error")
  }
}

enum SnapshotText {
  static func size(_ contents: SnapshotContents) -> String {
    "\(contents.rows) rows (\(bytes(contents.bytes))), \(contents.blobs) packages (\(bytes(contents.blobBytes)))"
  }

  static func table(_ manifest: SnapshotManifest, _ contents: SnapshotContents) -> String {
    let clock =
      switch manifest.clock {
      case .frozen(let time): "frozen at \(time.iso8601Milliseconds)"
      case .running(let offset): "running, \(offset.inMilliseconds / 1000) s from real time"
      }
    var lines = [
      "saved    \(manifest.savedAt.iso8601Milliseconds) by dewpoint \(manifest.version)", "clock    \(clock)",
      "holds    \(size(contents))",
    ]
    for (account, kinds) in contents.resources.sorted(by: { $0.key < $1.key }) {
      lines.append("account  \(account): " + kinds.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
    }
    return lines.joined(separator: "\n")
  }

  private static func bytes(_ count: Int) -> String {
    if count < 10_000 { return "\(count) bytes" }
    return count < 10_000_000 ? "\(count / 1000) kB" : "\(count / 1_000_000) MB"
  }
}
