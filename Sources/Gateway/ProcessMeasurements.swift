import Fabric

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the operating system knows of this process, under the names that Prometheus' clients use.
enum ProcessMeasurements {
  static func all(uptime: Duration) -> [Measurement] {
    var all = [
      Measurement("dewpoint_uptime_seconds", .gauge, uptime.inSeconds, help: "Since the process started.")
    ]
    if let bytes = residentBytes() {
      all.append(Measurement("process_resident_memory_bytes", .gauge, bytes, help: "Resident memory."))
    }
    if let count = openDescriptors() {
      all.append(Measurement("process_open_fds", .gauge, count, help: "Open file descriptors."))
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      all.append(Measurement("process_max_fds", .gauge, Double(limit.rlim_cur), help: "Descriptors that may be open."))
    }
    return all
  }

  /// The second number of `statm` counts pages.
  private static func residentBytes() -> Double? {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = read(file, &bytes, bytes.count)
    let fields = bytes.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
    return fields.count > 1 ? Double(String(decoding: fields[1], as: UTF8.self)).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) } : nil
  }

  private static func openDescriptors() -> Double? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0.0
    while readdir(directory) != nil { count += 1 }
    return count - 3  // ".", ".." and the descriptor of this look
  }
}
