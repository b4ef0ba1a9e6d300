import Base
import Store

@testable import Lambda

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes zips byte by byte, honest ones and those that lie.
struct ZipWriter {
  struct Entry {
    var name: [UInt8]
    var data: [UInt8]
    var mode = 0o100644
    var method = 0
    var flags = 0
    /// What the headers say; the truth unless a test wants otherwise.
    var size: Int?
    var compressedSize: Int?
    var checksum: UInt32?
    var localName: [UInt8]?
    var localOffset: Int?
    var madeBy = 3
    var isZip64 = false

    init(_ name: String, _ text: String = "", mode: Int = 0o100644) {
      (self.name, data, self.mode) = (Array(name.utf8), Array(text.utf8), mode)
    }
    func with(_ change: (inout Entry) -> Void) -> Entry {
      var copy = self
      change(&copy)
      return copy
    }
  }

  var bytes: [UInt8] = []

  static func zip(_ entries: Entry..., change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
    var bytes = zip(entries)
    change(&bytes)
    return bytes
  }

  static func zip(_ entries: [Entry], comment: [UInt8] = [], count: Int? = nil) -> [UInt8] {
    var writer = ZipWriter()
    var directory = ZipWriter()
    for entry in entries {
      let offset = writer.bytes.count
      writer.local(entry)
      directory.central(entry, offset: entry.localOffset ?? offset)
    }
    let start = writer.bytes.count
    writer.bytes += directory.bytes
    writer.number(0x0605_4b50, 4)
    for n in [0, 0, count ?? entries.count, count ?? entries.count] { writer.number(n, 2) }
    writer.number(directory.bytes.count, 4)
    writer.number(start, 4)
    writer.number(comment.count, 2)
    return writer.bytes + comment
  }

  mutating func number(_ value: Int, _ width: Int) {
    for i in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
  }

  private mutating func sizes(_ entry: Entry) {
    number(Int(entry.checksum ?? CRC.crc32(entry.data)), 4)
    number(entry.isZip64 ? 0xffff_ffff : entry.compressedSize ?? entry.data.count, 4)
    number(entry.isZip64 ? 0xffff_ffff : entry.size ?? entry.data.count, 4)
  }

  private mutating func local(_ entry: Entry) {
    let name = entry.localName ?? entry.name
    number(0x0403_4b50, 4)
    for n in [20, entry.flags, entry.method, 0, 0] { number(n, 2) }
    sizes(entry)
    number(name.count, 2)
    number(0, 2)
    bytes += name + entry.data
  }

  private mutating func central(_ entry: Entry, offset: Int) {
    number(0x0201_4b50, 4)
    for n in [entry.madeBy << 8 | 20, 20, entry.flags, entry.method, 0, 0] { number(n, 2) }
    sizes(entry)
    number(entry.name.count, 2)
    for n in [entry.isZip64 ? 20 : 0, 0, 0, 0] { number(n, 2) }
    number(entry.mode << 16, 4)
    number(offset, 4)
    bytes += entry.name
    guard entry.isZip64 else { return }
    for n in [1, 16] { number(n, 2) }
    for n in [entry.size ?? entry.data.count, entry.compressedSize ?? entry.data.count] { number(n, 8) }
  }
}

/// A directory that lasts as long as the value.
final class TemporaryDirectory: Sendable {
  let path: String
  init() {
    var template = Array("/tmp/dewpoint-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { preconditionFailure("mkdtemp: \(errno)") }
    path = template.dropLast().map { UInt8(bitPattern: $0) }.utf8Text
  }
  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    for name in names(path) { remove(path + "/" + name) }
    if unlink(path) != 0 { rmdir(path) }
  }
  static func names(_ path: String) -> [String] {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, let handle = opendir(path) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.prefix(while: { $0 != 0 }).utf8Text }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
  static func mode(_ path: String) -> Int {
    var status = stat()
    return lstat(path, &status) == 0 ? Int(status.st_mode) : -1
  }
  static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(file, &bytes, bytes.count)
    return count >= 0 ? bytes.prefix(count).utf8Text : nil
  }
}

extension PackageStore {
  /// Without images.
  init(blobs: any BlobStore, directory: String) {
    let images = ImageStore(library: ImageLibrary(directory: nil, allowsAnyPath: false), directory: "/dev/null/images")
    self.init(blobs: blobs, directory: directory, images: images)
  }
}
