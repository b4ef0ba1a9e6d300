import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// All variables of the process.
func wholeEnvironment() -> [String: String] {
  var all: [String: String] = [:]
  var next = environ
  while let entry = next.pointee {
    let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { all[String(parts[0])] = String(parts[1]) }
    next += 1
  }
  return all
}

/// Where to look for virtual environments with the Lambda runtime client.
enum PythonEnvironments {
  static func candidates(given: [String]) -> [String] {
    if !given.isEmpty { return given }
    let home = environment("HOME") ?? ""
    var found = [environment("VIRTUAL_ENV"), ".venv"].compactMap(\.self)
    for minor in (9...15).reversed() { found.append("\(home)/.dewpoint/python3.\(minor)") }
    return found
  }
}
