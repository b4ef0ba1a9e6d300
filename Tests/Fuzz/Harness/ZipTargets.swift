@testable import Base
import Glibc
@testable import Lambda

/// Archives: directory, local headers and the data of every entry, as `Unpacker` reads them, without a disk.
func fuzzZip(_ bytes: [UInt8]) {
  guard let archive = try? ZipArchive(bytes) else { return }
  for entry in archive.entries {
    promise(!entry.path.isEmpty && entry.path.allSatisfy { $0 != ".." && $0 != "." && !$0.isEmpty && !$0.utf8.contains(47) },
      "a path only leads downwards: \(entry.path)")
    promise(entry.data.upperBound <= bytes.count, "data lies in the archive")
    var checksum = CRC(.crc32), count = 0
    if entry.isCompressed {
      let whole: Void? = try? Inflater.inflate(bytes[entry.data], size: entry.size) { piece in
        checksum.update(piece)
        count += piece.count
      }
      promise(count <= entry.size, "never more than declared")
      promise(whole == nil || count == entry.size, "exactly what is declared")
    }
    if entry.kind == .link { _ = Unpacker.staysInside(Array(bytes[entry.data]), depth: entry.path.count - 1) }
  }
}

/// Gzip files, and DEFLATE data; of that the first two bytes are the size that is declared. Compared with zlib where the machine
/// has it.
func fuzzInflate(_ bytes: [UInt8]) {
  let limit = 1 << 20
  let whole = try? Gzip.inflate(bytes, upTo: limit)
  if let whole { promise(whole.count <= limit, "never more than allowed") }
  var streamed: [UInt8] = [], rest = bytes[...]
  let isStreamed = (try? GzipStream.inflate(upTo: limit) {
    defer { rest = rest.dropFirst(3) }
    return rest.prefix(3)
  } into: { streamed += $0 }) != nil
  promise(streamed.count <= limit, "never more than allowed")
  // A file of several members is a file of that one only for who reads it piece by piece.
  if let whole { promise(isStreamed && streamed == whole, "piece by piece it is the same") }
  guard bytes.count >= 2 else { return }
  let size = Int(bytes[0]) << 8 | Int(bytes[1])
  let data = bytes.dropFirst(2)
  var out: [UInt8] = []
  let succeeded = (try? Inflater.inflate(data, size: size) { out += $0 }) != nil
  promise(out.count <= size, "never more than declared")
  if let theirs = ZLib.shared?.inflate(data, limit: size) {
    promise(succeeded == (theirs.isWhole && theirs.bytes.count == size), "zlib judges alike")
    promise(!succeeded || out == theirs.bytes, "zlib gives the same bytes")
  }
}
